"""Forms: fields that keep what was typed, errors beside them, refusals shown where they belong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Email, Length

from portal.core.db import transaction
from portal.core.errors import Refused

REQUIRED = DataRequired(_l("Please fill this in."))


def most(count: int) -> Length:
    """Return the validator of a longest text."""
    return Length(max=count, message=_l("Please use at most %(max)s characters.", max=count))


class Form(FlaskForm):
    """A form of ours: a refusal by an action becomes an error of its field, or of the whole form."""

    def refused(self, refusal: Refused) -> None:
        """Show a refusal in the form; nothing that was typed is lost."""
        field = self._fields.get(refusal.field or "")
        if field is None:
            self.form_errors.append(str(refusal))
        else:
            field.errors = [*field.errors, str(refusal)]

    def carry_out(self, deed: Callable[[], object]) -> int:
        """Do in one transaction what the form asks for; return 0, or the status of the page that shows what is wrong."""
        if not self.validate_on_submit():
            return 422
        try:
            with transaction():
                deed()
        except Refused as refusal:
            self.refused(refusal)
            return refusal.status
        return 0


def clean(value: Any) -> Any:
    """Trim text and drop characters no name or answer needs (NUL and other controls)."""
    if not isinstance(value, str):
        return value
    return "".join(char for char in value.strip() if char in "\n\t" or ord(char) >= 32)


def text_field(label: Any, *, longest: int = 200, required: bool = True, **words: Any) -> StringField:
    """Return a line of text."""
    validators = [*([REQUIRED] if required else []), most(longest)]
    return StringField(label, validators=validators, filters=[clean], **words)


def options(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Return the choices of a list: value and words."""
    return [SelectChoice(value, words) for value, words in pairs]


def choice_field(
    label: Any, pairs: Iterable[tuple[str, Any]] = (), *, required: bool = True, **words: Any
) -> SelectField:
    """Return a list to choose from; the pairs may be given later through `options`."""
    return SelectField(label, choices=options(pairs), validators=[REQUIRED] if required else [], **words)


def looks_like_mail(text: str) -> bool:
    """Whether a text has the form of a mail address."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def mail_field(label: Any, **words: Any) -> StringField:
    """Return a mail address."""
    right = Email(_l("This does not look like a mail address, such as name@company.com."))
    words.setdefault("render_kw", {"type": "email", "autocomplete": "email"})
    return StringField(label, validators=[REQUIRED, most(254), right], filters=[clean], **words)
