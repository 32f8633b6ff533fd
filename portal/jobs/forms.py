"""The forms of the employer: a post in both languages, how it was filled, an appeal, the yearly confirmation."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    DecimalField,
    FileField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    TextAreaField,
)
from wtforms.validators import InputRequired, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.core import catalogue, labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options, text_field
from portal.jobs.kinds import ApplyBy, Employment, Need, PayPer, Remote
from portal.jobs.said import CURRENCIES, MOST_PAY, Said, skills_of
from portal.members.forms import area

LONGEST = 6000
YES_NO = (("yes", _l("Yes")), ("no", _l("No")))
WHOLE = _l("Please give a whole number.")
SUM = _l("Please give a sum, such as 25000.")


def apart(**forms: Any) -> dict[str, Any]:
    """Return several forms of one page with ids of their own, so that each label finds its field."""
    for name, form in forms.items():
        for field in form:
            field.id = f"{name}-{field.short_name}"
            field.label.field_id = field.id
    return forms


def _text(label: Any, rows: int = 6) -> TextAreaField:
    return TextAreaField(label, validators=[most(LONGEST)], filters=[clean], render_kw={"rows": rows})


def _pay(label: Any) -> DecimalField:
    bounds = NumberRange(0, MOST_PAY // 100, SUM)
    return DecimalField(label, places=2, validators=[Optional(), bounds], render_kw={"inputmode": "decimal"})


class PostForm(Form):
    """A post, in both languages side by side. A draft may be incomplete."""

    title_zh = text_field(_l("Title in Chinese"), longest=120, required=False)
    title_en = text_field(_l("Title in English"), longest=120, required=False)
    text_zh = _text(_l("About the work, in Chinese"))
    text_en = _text(_l("About the work, in English"))
    duties_zh = _text(_l("Duties, in Chinese"))
    duties_en = _text(_l("Duties, in English"))
    requirements_zh = _text(_l("Requirements, in Chinese"))
    requirements_en = _text(_l("Requirements, in English"))
    remote = choice_field(_l("Where the work is done"))
    city = choice_field(_l("City"), required=False, default="")
    remote_from = SelectMultipleField(
        _l("If remote: from which countries or regions"), widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(), validators=[Optional()],
    )  # fmt: skip
    employment = choice_field(_l("Kind of work"))
    places = IntegerField(
        _l("Number of places"), validators=[InputRequired(REQUIRED.message), NumberRange(1, 999, WHOLE)], default=1
    )  # fmt: skip
    currency = choice_field(_l("Currency"), [(one, one) for one in CURRENCIES])
    pay_low = _pay(_l("Pay from"))
    pay_high = _pay(_l("Pay up to"))
    pay_per = choice_field(_l("Pay is for"))
    pay_months = IntegerField(
        _l("Months paid in a year"), validators=[InputRequired(REQUIRED.message), NumberRange(1, 36, WHOLE)], default=12
    )  # fmt: skip
    skills = text_field(
        _l("Skills"), longest=600, required=False, description=_l("Up to 15, with commas between them, such as Triton, CUDA, C++.")
    )  # fmt: skip
    need = choice_field(_l("Certificate"))
    level = choice_field(_l("Which certificate"), required=False, default="")
    apply_by = choice_field(_l("Way to apply"))
    link = text_field(
        _l("Page on which people apply"), longest=500, required=False,
        description=_l("An https address on a domain of yours that we have confirmed."),
    )  # fmt: skip
    begins_on = DateField(_l("First day on the board, if not at once"), validators=[Optional()])

    def offer(self) -> PostForm:
        """Offer what can be chosen today."""
        empty = ("", "–")
        for name, kind in (
            ("remote", Remote), ("employment", Employment), ("pay_per", PayPer), ("need", Need), ("apply_by", ApplyBy),
        ):  # fmt: skip
            self[name].choices = options((one.value, labels.label(one)) for one in kind)
        self.city.choices = options([empty, *_named("job_city")])
        self.level.choices = options([empty, *_named("level")])
        self.remote_from.choices = options(_named("country"))
        return self

    def said(self) -> Said:
        """Return what the form says; `Refused` beside the field that cannot be."""
        plain = {
            name: str(self[name].data or "")
            for name in (one.name for one in fields(Said))
            if name.rsplit("_", 1)[-1] in {"zh", "en"}
        }
        need, level = Need(self.need.data), str(self.level.data or "")
        if need is not Need.NONE and not level:
            raise Refused(_l("Please say which certificate."), field="level", status=422)
        return Said(
            **plain, remote=Remote(self.remote.data), city=str(self.city.data or ""),
            remote_from=tuple(self.remote_from.data or ()), employment=Employment(self.employment.data),
            places=int(self.places.data or 1), currency=str(self.currency.data), pay_low=_minor(self.pay_low.data),
            pay_high=_minor(self.pay_high.data), pay_per=PayPer(self.pay_per.data),
            pay_months=int(self.pay_months.data or 12), skills=skills_of(str(self.skills.data or "")), need=need,
            level=level if need is not Need.NONE else "", apply_by=ApplyBy(self.apply_by.data),
            link=str(self.link.data or ""),
        )  # fmt: skip

    @staticmethod
    def of(said: Said, begins_on: date | None = None) -> PostForm:
        """Return the form as it reads for what was said."""
        data = {one.name: getattr(said, one.name) for one in fields(Said)}
        data["remote_from"], data["skills"] = list(said.remote_from), ", ".join(said.skills)
        for name in ("pay_low", "pay_high"):
            data[name] = Decimal(data[name]) / 100 if data[name] else None
        return PostForm(formdata=None, data={**data, "begins_on": begins_on}).offer()


def _named(kind: str) -> list[tuple[str, str]]:
    return [(code, catalogue.in_words(row["name"])) for code, row in catalogue.entries(kind).items()]


def _minor(value: Decimal | None) -> int:
    """Return a sum in hundredths; `Refused` for a fraction of one, which no list of pay has."""
    if value is None:
        return 0
    minor = value * 100
    if minor != int(minor):
        raise Refused(SUM, field="pay_low", status=422)
    return int(minor)


class Places(Form):
    """How many places are left."""

    places = IntegerField(_l("Places left"), validators=[InputRequired(REQUIRED.message)])


class Filled(Form):
    """How a post was filled."""

    certificate = RadioField(
        _l("Does whoever you hired hold one of our certificates?"), choices=options(YES_NO),
        validators=[REQUIRED],
    )  # fmt: skip
    board = RadioField(
        _l("Did you find each other through this board?"), choices=options(YES_NO),
        validators=[REQUIRED],
    )  # fmt: skip


class Appeal(Form):
    """Why a post should come back."""

    words = area(_l("Why should the post come back?"), longest=2000)


class Confirmation(Form):
    """What an employer hands in once a year."""

    code = text_field(_l("Unified Social Credit Code, or registration number"), longest=60)
    file = FileField(
        _l("Registration document"), description=_l("A scan or photo: PDF, PNG or JPEG, up to 10 MB.")
    )


class Report(Form):
    """What is wrong with a post."""

    reason = choice_field(_l("What is wrong?"))
    words = area(_l("In your words"), longest=1000, required=False, rows=3)

    def offer(self) -> Report:
        """Offer the reasons."""
        self.reason.choices = options(_named("job_report"))
        return self
