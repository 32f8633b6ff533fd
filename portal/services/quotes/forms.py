"""The forms of quotes: what a buyer chooses, what staff write, and the plan of milestones and payments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    FileField,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import NumberRange, Optional

from portal.billing.price_forms import minor
from portal.billing.subscription_models import DueRule
from portal.core import labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options, text_field
from portal.members.forms import area
from portal.services.quotes.models import CustomerOrder
from portal.services.quotes.plan import Criterion, Due, Plan, Stage

BLANKS = 2


def _count(label: Any, high: int = 100_000, **words: Any) -> IntegerField:
    return IntegerField(label, validators=[Optional(), NumberRange(0, high, _l("Please write a whole number."))], **words)  # fmt: skip


class Accept(Form):
    """The version that is accepted, and the purchase order it is ordered under."""

    digest = HiddenField()
    order = choice_field(_l("Your purchase order"), required=False)

    def offer(self, known: Iterable[CustomerOrder], chosen: str = "") -> None:
        """Offer the buyer's purchase orders."""
        self.order.choices = options([("", _("None")), *((one.uid, one.number) for one in known)])
        if not self.order.data:
            self.order.data = chosen


class Decline(Form):
    """Why a quote is declined."""

    reason = choice_field(_l("Why?"))
    words = area(_l("In your words"), longest=300, required=False, rows=2)

    def offer(self, reasons: dict[str, str]) -> None:
        """Offer the reasons of the catalogue."""
        self.reason.choices = options(reasons.items())


class Buy(Form):
    """How many of an offer are bought, for whom, from when, under which order."""

    party = choice_field(_l("Who buys?"))
    quantity = IntegerField(
        _l("How many?"), default=1, validators=[NumberRange(1, 100_000, _l("Please write a whole number."))]
    )
    order = choice_field(_l("Your purchase order"), required=False)
    seen = HiddenField()
    once = HiddenField()


class GiveOrder(Form):
    """A purchase order of a buyer."""

    number = text_field(_l("Number of the purchase order"), longest=60)
    ordered_on = DateField(_l("Its day"), validators=[REQUIRED])
    reference = text_field(_l("Your reference"), longest=120, required=False)
    most = text_field(_l("Up to which sum, with tax"), longest=30, required=False)
    file = FileField(_l("The order as PDF or picture"))


class Needs(Form):
    """Whether every order must name a purchase order."""

    needed = BooleanField(_l("Each of our orders must name a purchase order"))


class Sign(Form):
    """One's name under the document that was shown."""

    name = text_field(_l("Your name"), longest=120)
    agree = BooleanField(_l("I have read the document and sign it for the organisation."), validators=[REQUIRED])  # fmt: skip
    sha256 = HiddenField()


class Why(Form):
    """A reason."""

    reason = area(_l("Reason"), longest=300, rows=2)


class ReturnScan(Form):
    """What is wrong with a scan."""

    reason = choice_field(_l("What is wrong with the scan?"))
    text = text_field(_l("In your words"), longest=300, required=False)


class EndEarly(Form):
    """On which day a service ends before its time, and why."""

    last_day = DateField(_l("Last day served"), validators=[REQUIRED])
    reason = area(_l("Reason"), longest=300, rows=2)


# ---- Staff


class Line(Form):
    """One line of a quote."""

    offer = choice_field(_l("What is offered"))
    quantity = IntegerField(
        _l("Quantity"), default=1, validators=[NumberRange(1, 100_000, _l("Please write a whole number."))]
    )
    amount = text_field(_l("Sum, where the price is quoted"), longest=30, required=False)
    off = text_field(_l("Discount in per cent"), longest=10, required=False)
    starts = DateField(_l("First day, if it is not that of acceptance"), validators=[Optional()])

    @property
    def minor(self) -> int | None:
        """Return the sum in minor units."""
        return minor(self.amount.data, "amount")

    @property
    def off_bp(self) -> int:
        """Return the discount in basis points."""
        try:
            found = minor(self.off.data, "off") or 0
        except Refused:
            found = -1
        if not 0 <= found <= 10_000:
            raise Refused(_l("Please write a percentage from 0 to 100."), field="off", status=422)
        return found


class NewQuote(Line):
    """A new quote: for whom, what it is called, its first line."""

    party = text_field(_l("For whom: name or number of the organisation"))
    zh = text_field(_l("Title in Chinese"), longest=120)
    en = text_field(_l("Title in English"), longest=120, required=False)


class Terms(Form):
    """What a quote says beside its lines."""

    zh = text_field(_l("Title in Chinese"), longest=120)
    en = text_field(_l("Title in English"), longest=120, required=False)
    clauses = area(_l("Clauses of its own"), longest=4000, required=False, rows=4)
    on_credit = BooleanField(_l("Work may begin before the first payment"))
    deemed = BooleanField(_l("Milestones on which nothing is said count as accepted"))
    valid_days = IntegerField(
        _l("Open for how many days"), validators=[NumberRange(1, 180, _l("From 1 to 180 days."))]
    )
    note = area(_l("Why, for the second person"), longest=300, required=False, rows=2)


class StageForm(FlaskForm):
    """A milestone."""

    class Meta:
        csrf = False

    zh = StringField(_l("In Chinese"), filters=[clean], validators=[most(120)])
    en = StringField(_l("In English"), filters=[clean], validators=[most(120)])
    percent = _count(_l("Per cent"), 100)
    on = DateField(_l("Planned for"), validators=[Optional()])
    days = _count(_l("Person-days"), 5000)
    criteria = TextAreaField(_l("Criteria, one a line"), filters=[clean], validators=[most(2000)], render_kw={"rows": 2})  # fmt: skip


class DueForm(FlaskForm):
    """A part of payment."""

    class Meta:
        csrf = False

    percent = _count(_l("Per cent"), 100)
    rule = SelectField(_l("When is it due?"))
    on = DateField(_l("On this day"), validators=[Optional()])
    stage = _count(_l("At milestone no."), 20)


class PlanForm(Form):
    """The milestones and the parts of payment of one line."""

    stages = FieldList(FormField(StageForm), label=_l("Milestones"))
    dues = FieldList(FormField(DueForm), label=_l("Parts of payment"))
    warranty_days = _count(_l("Warranty in days"), 3650)

    def name_rules(self) -> None:
        """Name the rules of payment in the reader's language."""
        for one in self.dues:
            one.form.rule.choices = options((rule.value, labels.label(rule)) for rule in DueRule)
            if not one.form.rule.data:
                one.form.rule.data = DueRule.ISSUE.value

    def show(self, plan: Plan) -> None:
        """Show a plan, with blank rows after it."""
        for stage in plan.stages:
            criteria = "\n".join(_both(each.words) for each in stage.criteria)
            self.stages.append_entry(
                {"zh": stage.title.get("zh", ""), "en": stage.title.get("en", ""), "percent": stage.percent, "on": stage.on, "days": stage.days, "criteria": criteria}
            )  # fmt: skip
        places = {stage.code: n for n, stage in enumerate(plan.stages, 1)}
        for due in plan.dues:
            self.dues.append_entry(
                {"percent": due.percent, "rule": due.rule.value, "on": due.on, "stage": places.get(due.stage)}
            )
        for _n in range(BLANKS):
            self.stages.append_entry({})
            self.dues.append_entry({})
        self.warranty_days.data = plan.warranty_days

    def plan(self) -> Plan:
        """Return what was written as a plan; empty rows are none."""
        rows = [
            one.form for one in self.stages if one.form.percent.data or one.form.zh.data or one.form.en.data
        ]
        stages = tuple(_stage(n, row) for n, row in enumerate(rows, 1))
        dues = tuple(
            _due(one.form, [each.code for each in stages]) for one in self.dues if one.form.percent.data
        )
        return Plan(stages, dues, self.warranty_days.data or 0)


def _both(words: dict[str, str]) -> str:
    zh, en = words.get("zh", ""), words.get("en", "")
    return f"{zh} | {en}" if en and en != zh else zh


def _stage(n: int, row: Any) -> Stage:
    lines = [line.strip() for line in (row.criteria.data or "").splitlines() if line.strip()]
    criteria = []
    for k, line in enumerate(lines, 1):
        zh, _bar, en = (part.strip() for part in line.partition("|"))
        criteria.append(Criterion(f"c{k}", {"zh": zh, "en": en or zh}))
    zh, en = row.zh.data or "", row.en.data or ""
    return Stage(
        f"m{n}", {"zh": zh or en, "en": en or zh}, row.percent.data or 0, tuple(criteria), row.on.data, row.days.data or 0
    )  # fmt: skip


def _due(row: Any, codes: list[str]) -> Due:
    rule, place = DueRule(row.rule.data), row.stage.data or 0
    code = codes[place - 1] if 0 < place <= len(codes) else ""
    return Due(
        row.percent.data, rule, row.on.data if rule is DueRule.DATE else None, code if rule is DueRule.MILESTONE else ""
    )  # fmt: skip
