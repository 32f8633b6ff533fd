"""The small forms of the road in: appeal, signature, questions, voices, decisions."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DecimalField, HiddenField, StringField, TextAreaField, ValidationError

from portal.core import i18n
from portal.core.forms import REQUIRED, Form, choice_field, clean, mail_field, most, text_field
from portal.members.form import bad_url


def area(label: object, *, longest: int = 2000, required: bool = True, rows: int = 4) -> TextAreaField:
    """Return a field for some sentences."""
    validators = [*([REQUIRED] if required else []), most(longest)]
    return TextAreaField(label, validators=validators, filters=[clean], render_kw={"rows": rows})


class Appeal(Form):
    """Why a decision is wrong."""

    reason = area(_l("Why do you think the decision is wrong?"))


class SignForm(Form):
    """A signature by click."""

    name = text_field(_l("Type your name to sign"), longest=120, render_kw={"autocomplete": "off"})
    read = BooleanField(
        _l("I have read the whole document and may sign for the organisation."), validators=[REQUIRED]
    )
    sha256 = HiddenField()


class Reason(Form):
    """A reason for stepping out or sending back."""

    reason = area(_l("Reason"), longest=300, rows=2)


class ScanFault(Form):
    """What is wrong with a scan; other reasons in words."""

    reason = choice_field(_l("What is wrong with the scan?"))
    text = area(_l("In words, if it is another reason"), longest=300, required=False, rows=2)


class Voice(Form):
    """A recommendation."""

    in_favour = choice_field(_l("Your recommendation"), [("yes", _l("In favour")), ("no", _l("Against"))])
    reason = area(_l("Your reasons"), rows=3)


class Approve(Form):
    """An approval."""

    founding = BooleanField(_l("Confirm: founding member, the first year's dues are waived"))


class Reject(Form):
    """A rejection with its reason in both languages."""

    code = choice_field(_l("Reason"))
    reason_zh = area(_l("Words to the applicant in Chinese"), rows=3)
    reason_en = area(_l("Words to the applicant in English"), rows=3)


class BeginFor(Form):
    """An application on behalf of an organisation."""

    organisation = text_field(_l("Name of the organisation"))
    tier = choice_field(_l("Tier"))
    name = text_field(_l("Name of the owner-to-be"), longest=120)
    email = mail_field(_l("Mail address"), render_kw={"type": "email", "autocomplete": "off"})
    language = choice_field(_l("Language of the invitation"), i18n.LANGUAGES.items())


class Share(Form):
    """Which of two organisations owns how much of the other."""

    owner = HiddenField()
    percent = DecimalField(_l("Share of the votes in percent"), places=2, validators=[REQUIRED])
    evidence = text_field(_l("Evidence"), longest=300)


def whole_address(_form: Any, field: Any) -> None:
    """Refuse what is no http address; an empty field is fine."""
    if field.data and (words := bad_url(field.data)):
        raise ValidationError(words)


class Profile(Form):
    """What an organisation says of itself."""

    display_name_zh = text_field(_l("Name on the wall in Chinese"), longest=120, required=False)
    display_name_en = text_field(_l("Name on the wall in English"), longest=120, required=False)
    homepage = StringField(_l("Website"), validators=[most(300), whole_address], filters=[clean])
    address = text_field(_l("Address"), longest=300, required=False)
    about = area(_l("About"), longest=2000, required=False, rows=5)
    version = HiddenField()
