"""The forms of the door and of one's own account."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired
from wtforms.widgets import CheckboxInput, ListWidget

from portal.accounts.may import ContactRole
from portal.accounts.scopes import Scope
from portal.core import i18n, labels
from portal.core.forms import REQUIRED, Form, choice_field, mail_field, options, text_field


class SignIn(Form):
    """Mail address and password."""

    email = mail_field(_l("Mail address"), render_kw={"type": "email", "autocomplete": "username"})
    password = PasswordField(
        _l("Password"), validators=[REQUIRED], render_kw={"autocomplete": "current-password"}
    )


def new_password(label: LazyString) -> PasswordField:
    """Return the field of a password to be set."""
    return PasswordField(
        label,
        validators=[REQUIRED],
        render_kw={"autocomplete": "new-password", "minlength": 12},
        description=_l(
            "At least 12 characters. A few words that do not belong together are easy to keep in mind."
        ),
    )


class Register(Form):
    """A new account."""

    name = text_field(_l("Your name"), longest=120, render_kw={"autocomplete": "name"})
    email = mail_field(
        _l("Mail address"), description=_l("Use your company's address: it shows whom you act for.")
    )
    password = new_password(_l("Password"))


class Code(Form):
    """The second step."""

    code = text_field(
        _l("Code"), longest=60, render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"}
    )
    way = HiddenField()


class Recovery(Form):
    """The second step by recovery code."""

    code = text_field(_l("Recovery code"), longest=60, render_kw={"autocomplete": "off"})


class AskReset(Form):
    """Where to send the link for a new password."""

    email = mail_field(_l("Mail address"), render_kw={"type": "email", "autocomplete": "username"})


class SetPassword(Form):
    """A new password after a reset."""

    password = new_password(_l("New password"))


class ChangePassword(Form):
    """A new password, with the present one."""

    current = PasswordField(
        _l("Present password"), validators=[REQUIRED], render_kw={"autocomplete": "current-password"}
    )
    password = new_password(_l("New password"))


class ChangeMail(Form):
    """Another mail address for the account."""

    email = mail_field(_l("New mail address"))


class Why(Form):
    """The reason for an act that somebody else will read."""

    reason = text_field(_l("Reason"), longest=500)


class Profile(Form):
    """Name and language."""

    name = text_field(_l("Your name"), longest=120)
    language = choice_field(_l("Language of pages and mail"), i18n.LANGUAGES.items())


class Enrol(Form):
    """The code an app shows for a new seed."""

    code = text_field(
        _l("Code from the app"), longest=12, render_kw={"autocomplete": "off", "inputmode": "numeric"}
    )


class Invite(Form):
    """Somebody to act for the organisation."""

    email = mail_field(_l("Mail address"), render_kw={"type": "email", "autocomplete": "off"})
    role = choice_field(_l("Role"))
    language = choice_field(_l("Language of the invitation"), i18n.LANGUAGES.items())

    def offer(self) -> Invite:
        """Fill the list of roles in the reader's language."""
        self.role.choices = options((role.value, labels.label(role)) for role in ContactRole)
        return self


class NewStaff(Form):
    """Somebody to work here."""

    email = mail_field(_l("Mail address"), render_kw={"type": "email", "autocomplete": "off"})
    name = text_field(_l("Name"), longest=120)
    role = choice_field(_l("Role"))


class NewToken(Form):
    """A token for a program: whose, for what, how long."""

    name = text_field(_l("Used for"), longest=80, description=_l("For example: the website's member list."))
    owner = choice_field(_l("Belongs to"))
    scopes = SelectMultipleField(
        _l("What it may do"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("Never more than its owner may at that moment."),
        validators=[DataRequired(_l("Please choose at least one thing the token may do."))],
    )
    days = choice_field(
        _l("Ends after"), [("30", _l("30 days")), ("90", _l("90 days")), ("365", _l("One year"))]
    )

    def offer(self, owners: list[tuple[str, str]], scopes: list[Scope]) -> NewToken:
        """Offer whose the token can be and what it may do."""
        self.owner.choices = options(owners)
        self.scopes.choices = [SelectChoice(scope.value, labels.label(scope)) for scope in scopes]
        return self
