"""The forms of prices, taxes, discounts, quotes and subscriptions."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, FieldList, FormField, IntegerField, TextAreaField
from wtforms.validators import NumberRange, Optional

from portal.billing.price_models import (
    AudienceKind,
    Document,
    Interval,
    PriceVersion,
)
from portal.billing.pricing import TIERED, PriceModel
from portal.core import catalogue, labels
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options, text_field
from portal.core.money import Money

STEPS = 6
MOST = 10**15


def _sum(label: Any, **words: Any) -> Any:
    words.setdefault("render_kw", {"inputmode": "decimal", "autocomplete": "off"})
    return text_field(label, longest=30, required=False, **words)


def minor(text: str | None, field: str, currency: str = "CNY") -> int | None:
    """Return an amount as whole minor units, None if nothing was written; `Refused` if it cannot be read."""
    if not text:
        return None
    try:
        found = Money.parse(text, currency).minor
    except ValueError:
        found = -1
    if not 0 <= found <= MOST:
        raise Refused(_l("Please write the amount like 12,000.00."), field=field, status=422)
    return found


def basis(text: str | None, field: str) -> int | None:
    """Return a percentage as basis points, None if nothing was written."""
    found = minor((text or "").removesuffix("%").strip(), field)
    if found is not None and found > 10_000:
        raise Refused(_l("Please give a percentage up to 100."), field=field, status=422)
    return found


class Step(Form):
    """One step of a price: up to how many, each, and once."""

    def __init__(self, *args: Any, **words: Any) -> None:
        # The form around it has the token.
        super().__init__(*args, **{**words, "meta": {**(words.get("meta") or {}), "csrf": False}})

    up_to = text_field(_l("Up to"), longest=9, required=False, render_kw={"inputmode": "numeric"})
    unit = _sum(_l("Each"))
    flat = _sum(_l("Once"))


class Draft(Form):
    """A draft of a price, in every model."""

    valid_from = DateField(_l("In force from"), validators=[REQUIRED])
    model = choice_field(_l("How it is priced"))
    interval = choice_field(_l("How often"))
    amount = _sum(_l("Amount"), description=_l("For one sum or a price per unit."))
    steps = FieldList(FormField(Step), _l("Steps"), min_entries=STEPS, max_entries=STEPS)
    low = _sum(_l("Least by quote"))
    high = _sum(_l("Most by quote"))
    bp = _sum(_l("Share in percent"))
    audience_kind = choice_field(_l("Sold to"))
    audience = text_field(
        _l("Which one"), longest=40, required=False,
        description=_l("The code of the tier or kind of organisation, such as gold or chip."),
    )  # fmt: skip
    tax = choice_field(_l("Tax category"))
    inclusive = BooleanField(_l("The amounts include tax"))
    document = choice_field(_l("Paper for the payer"))
    note = text_field(_l("Why this price"), longest=300, required=False)

    def offer(self) -> None:
        """Fill the lists to choose from."""
        self.model.choices = options((one.value, labels.label(one)) for one in PriceModel)
        self.interval.choices = options((one.value, labels.label(one)) for one in Interval)
        self.audience_kind.choices = options((one.value, labels.label(one)) for one in AudienceKind)
        self.document.choices = options((one.value, labels.label(one)) for one in Document)
        taxes = catalogue.entries("tax").items()
        self.tax.choices = options(
            (code, f"{code} · {catalogue.in_words(body['words'])}") for code, body in taxes
        )

    def show(self, row: PriceVersion) -> None:
        """Show a draft as it is."""
        terms = row.terms

        def plain(value: int | None) -> str:
            return "" if value is None else str(Money(value, row.currency).decimal)

        self.valid_from.data, self.model.data = row.valid_from, row.model.value
        self.interval.data, self.tax.data, self.document.data = (
            row.interval.value,
            row.tax,
            row.document.value,
        )
        self.inclusive.data, self.note.data = row.inclusive, row.note
        self.audience_kind.data, self.audience.data = row.audience_kind.value, row.audience
        self.amount.data = plain(terms.get("unit" if row.model is PriceModel.PER_UNIT else "flat"))
        self.low.data, self.high.data = plain(terms.get("low")), plain(terms.get("high"))
        self.bp.data = plain(terms.get("bp"))
        for entry, (up_to, unit, flat) in zip(self.steps, terms.get("tiers", []), strict=False):
            step: Any = entry
            step.form.up_to.data = "" if up_to is None else str(up_to)
            step.form.unit.data = plain(unit or None)
            step.form.flat.data = plain(flat or None)

    def _terms(self, model: PriceModel) -> dict[str, Any]:
        if model in TIERED:
            return {"tiers": self._tiers()}
        if model is PriceModel.QUOTED:
            found = {"low": minor(self.low.data, "low"), "high": minor(self.high.data, "high")}
            if (found["low"] or 0) > (MOST if found["high"] is None else found["high"]):
                raise Refused(_l("The most lies below the least."), field="high", status=422)
            return {key: value for key, value in found.items() if value is not None}
        if model is PriceModel.SHARE:
            return {"bp": basis(self.bp.data, "bp") or 0}
        sum_ = minor(self.amount.data, "amount")
        if sum_ is None:
            raise Refused(_l("Please write the sum."), field="amount", status=422)
        return {"unit" if model is PriceModel.PER_UNIT else "flat": sum_}

    def _tiers(self) -> list[list[int | None]]:
        found: list[list[int | None]] = []
        for entry in self.steps:
            step: Any = entry
            up_to, unit, flat = (step.form[name].data or "" for name in ("up_to", "unit", "flat"))
            if not (up_to or unit or flat):
                continue
            if up_to and not (up_to.isascii() and up_to.isdigit() and int(up_to) > 0):
                raise Refused(_l("Please write a whole number."), field="steps", status=422)
            last = found[-1][0] if found else 0
            if found and (last is None or (up_to and int(up_to) <= last)):
                raise Refused(
                    _l("The steps must rise, and only the last one has no end."), field="steps", status=422
                )
            found.append(
                [int(up_to) if up_to else None, minor(unit, "steps") or 0, minor(flat, "steps") or 0]
            )
        if not found or found[-1][0] is not None:
            raise Refused(_l("Please give the steps; the last one has no end."), field="steps", status=422)
        return found

    def fields(self) -> dict[str, Any]:
        """Return the fields of a draft; `Refused` naming the one that cannot be read."""
        model, kind = PriceModel(self.model.data), AudienceKind(self.audience_kind.data)
        keyed = kind in (AudienceKind.TIER, AudienceKind.CATEGORY)
        return {
            "valid_from": self.valid_from.data, "model": model, "interval": Interval(self.interval.data),
            "terms": self._terms(model), "audience_kind": kind, "audience": self.audience.data if keyed else "",
            "tax": self.tax.data, "inclusive": bool(self.inclusive.data), "document": Document(self.document.data),
            "note": self.note.data or "",
        }  # fmt: skip


class Retire(Form):
    """The end of a published price."""

    on = DateField(_l("First day on which it is not sold"), validators=[REQUIRED])
    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )


class TaxDraft(Form):
    """A new row of a tax category."""

    code = text_field(_l("Tax category"), longest=40)
    rate = text_field(
        _l("Rate in percent"), longest=8, required=False, description=_l("Leave it empty where exempt."),
        render_kw={"inputmode": "decimal"},
    )  # fmt: skip
    en = text_field(_l("Words on the invoice, English"), longest=60)
    zh = text_field(_l("Words on the invoice, Chinese"), longest=60)
    valid_from = DateField(_l("In force from"), validators=[REQUIRED])


class NewDiscount(Form):
    """A discount, coupon or waiver."""

    kind = choice_field(_l("Type"))
    value = _sum(_l("Percent or sum"), description=_l("20 means 20 % or 20.00; leave it empty for a waiver."))
    en = text_field(_l("Words on the invoice, English"), longest=80)
    zh = text_field(_l("Words on the invoice, Chinese"), longest=80)
    code = text_field(_l("Code of the coupon"), longest=40, required=False)
    products = text_field(
        _l("Products"), longest=400, required=False, description=_l("Codes with commas; empty for all.")
    )
    starts = DateField(_l("From"), validators=[REQUIRED])
    ends = DateField(_l("Not any more from"), validators=[Optional()])
    most_uses = IntegerField(
        _l("Most uses"), validators=[Optional(), NumberRange(1, 10**6, _l("Please write a whole number."))]
    )
    audience_kind = choice_field(_l("Sold to"))
    audience = text_field(_l("Which one"), longest=40, required=False)
    first_period_only = BooleanField(_l("First period only"))
    reason = TextAreaField(_l("Reason"), validators=[most(300)], filters=[clean], render_kw={"rows": 2})


class NewQuote(Form):
    """A quote for a party."""

    party = text_field(
        _l("Payer"), longest=200, description=_l("The name or tax number of the organisation.")
    )
    product = choice_field(_l("Product"))
    quantity = IntegerField(
        _l("Quantity"), default=1, validators=[NumberRange(1, 10**6, _l("Please write a whole number."))]
    )
    amount = _sum(_l("Sum by quote"), description=_l("Only for what is priced by quote."))
    en = text_field(_l("What it is for, English"), longest=200, required=False)
    zh = text_field(_l("What it is for, Chinese"), longest=200, required=False)
    halves = BooleanField(_l("In two halves: one at once, one at acceptance of the work"))
    note = TextAreaField(
        _l("Why outside the range"), validators=[most(300)], filters=[clean], render_kw={"rows": 2}
    )


class Change(Form):
    """Another plan or quantity of a subscription."""

    plan = choice_field(_l("Plan"))
    quantity = IntegerField(
        _l("Quantity"), default=1, validators=[NumberRange(1, 10**6, _l("Please write a whole number."))]
    )
