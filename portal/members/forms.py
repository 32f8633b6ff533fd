"""The small forms of the road in: appeal, signature, questions, voices, decisions."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, TextAreaField

from portal.core.forms import REQUIRED, Form, choice_field, clean, most, text_field


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
