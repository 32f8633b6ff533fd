"""The forms of the finance desk and of the payer's own details."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, FileField, TextAreaField
from wtforms.validators import Optional

from portal.billing import exchange
from portal.billing.note_models import NoteKind
from portal.core import labels
from portal.core.db import LEDGER_CURRENCY
from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, choice_field, clean, most, options, text_field
from portal.core.money import Money


def _amount(label: Any, **words: Any) -> Any:
    return text_field(label, longest=30, render_kw={"inputmode": "decimal", "autocomplete": "off"}, **words)


def parsed(text: str, field: str, currency: str = LEDGER_CURRENCY) -> Money:
    """Return an amount as typed; `Refused` in words if it cannot be read."""
    try:
        return Money.parse(text, currency)
    except ValueError:
        raise Refused(_l("Please write the amount like 12,000.00."), field=field, status=422) from None


class Sum(Form):
    """A form with a sum of money."""

    amount = _amount(_l("Amount (CNY)"))

    def money(self, currency: str = LEDGER_CURRENCY) -> Money:
        """Return the amount; `Refused` in words if it cannot be read."""
        return parsed(self.amount.data, "amount", currency)


class Transfer(Form):
    """A bank transfer as the statement shows it."""

    currency = choice_field(_l("Currency"))
    foreign = _amount(
        _l("Sum in that currency"),
        required=False,
        description=_l("Only if another currency than CNY arrived."),
    )
    amount = _amount(
        _l("Amount (CNY)"),
        required=False,
        description=_l(
            "Of another currency: what the bank made of it. Left empty, it is booked at the rate loaded for the value date."
        ),
    )
    bank_ref = text_field(
        _l("Bank reference"),
        longest=100,
        description=_l(
            "The transaction number of the statement: it keeps the same money from being booked twice."
        ),
    )
    received_on = DateField(_l("Value date"), validators=[REQUIRED])
    payer = text_field(_l("Payer as printed"), longest=200)
    text = text_field(
        _l("Text of the transfer"),
        longest=300,
        required=False,
        description=_l("Copy it whole: the payment reference is found in it."),
    )

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        codes = exchange.known()
        self.currency.choices = options((code, code) for code in codes)
        self.currency.data = self.currency.data or codes[0]

    def sums(self) -> tuple[Money, Money | None]:
        """Return the sum in CNY, and what arrived where that was another currency; `Refused` for what cannot be."""
        code, typed = str(self.currency.data), self.foreign.data or ""
        if code == LEDGER_CURRENCY:
            if typed:
                raise Refused(_l("Which currency is this sum in?"), field="currency", status=422)
            return parsed(self.amount.data or "", "amount"), None
        came = parsed(typed, "foreign", code)
        if self.amount.data:
            return parsed(self.amount.data, "amount"), came
        day = self.received_on.data
        try:
            return Money(exchange.in_books(came.minor, code, exchange.rate_on(code, day))), came
        except Refused as refusal:
            raise Refused(str(refusal), field="amount", status=422) from None


class Convert(Form):
    """Money in one currency that pays an invoice in another: both sums are stated."""

    invoice = choice_field(_l("Invoice"))
    taken = _amount(_l("Off the receipt"))
    given = _amount(_l("Off the invoice"))


class Why(Form):
    """A reason, in words of one's own."""

    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )


class Note(Form):
    """A credit note to be proposed; the sums of a price cut are fields of their own, one for each line."""

    kind = choice_field(_l("Why"))
    last_day = DateField(
        _l("Last day served"),
        validators=[Optional()],
        description=_l("For a service that ended early: what lies after this day is credited."),
    )
    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self.kind.choices = options(
            [("", _l("Please choose")), *((one.value, labels.label(one)) for one in NoteKind)]
        )


class ByHand(Form):
    """An entry by hand; its sides are fields of their own."""

    day = DateField(_l("Day"), validators=[REQUIRED])
    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )


class Rate(Form):
    """An exchange rate of a day."""

    currency = text_field(_l("Currency"), longest=3, description=_l("Three letters, like USD."))
    day = DateField(_l("Day"), validators=[REQUIRED])
    value = text_field(
        _l("CNY for one unit"), longest=20, render_kw={"inputmode": "decimal", "autocomplete": "off"}
    )
    source = text_field(_l("Where it is from"), longest=120)


class AskRefund(Sum):
    """A refund to be asked for; the payee is for transfers only."""

    reason = TextAreaField(
        _l("Reason"), validators=[REQUIRED, most(300)], filters=[clean], render_kw={"rows": 2}
    )
    payee = text_field(_l("Payee"), longest=200, required=False)
    payee_bank = text_field(_l("Payee's bank"), longest=120, required=False)
    payee_account = text_field(_l("Payee's account"), longest=60, required=False)


class HandOver(Form):
    """A transfer handed to the bank."""

    bank_ref = text_field(
        _l("Bank reference"), longest=100, description=_l("The number the bank gave the transfer order.")
    )


class TakeStatement(Form):
    """A statement file for one of our bank accounts; the file itself is read by the view."""

    account = choice_field(_l("Account at the bank"))
    closing = _amount(
        _l("Closing balance (only if the file has none)"),
        required=False,
        description=_l("As the bank shows it at the end of the file's last day."),
    )
    file = FileField(
        _l("Statement file"),
        description=_l("camt.053, MT940, or the bank's CSV in UTF-8 or GB18030; at most 8 MB."),
        render_kw={"accept": ".xml,.sta,.mt940,.940,.txt,.csv"},
    )

    def money(self) -> Money | None:
        """Return the closing balance typed, if any; `Refused` in words if it cannot be read."""
        if not self.closing.data:
            return None
        return parsed(self.closing.data, "closing")


class Profile(Form):
    """What an invoice says of its payer, and what a fapiao needs."""

    title = text_field(
        _l("Title on the invoice"),
        description=_l("The registered name, as it must stand on invoice and fapiao."),
    )
    tax_number = text_field(
        _l("Tax number"),
        longest=40,
        required=False,
        description=_l("In China the Unified Social Credit Code of 18 characters."),
    )
    address = text_field(_l("Registered address"), longest=300, required=False)
    telephone = text_field(
        _l("Telephone"), longest=40, required=False, render_kw={"type": "tel", "autocomplete": "tel"}
    )
    bank = text_field(_l("Bank"), longest=120, required=False)
    bank_account = text_field(_l("Account number"), longest=60, required=False)
