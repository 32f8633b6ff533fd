"""The forms of the finance desk."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import DateField

from portal.core.errors import Refused
from portal.core.forms import REQUIRED, Form, text_field
from portal.core.money import Money


class Transfer(Form):
    """A bank transfer as the statement shows it."""

    bank_ref = text_field(
        _l("Bank reference"),
        longest=100,
        description=_l(
            "The transaction number of the statement: it keeps the same money from being booked twice."
        ),
    )
    amount = text_field(
        _l("Amount (CNY)"), longest=30, render_kw={"inputmode": "decimal", "autocomplete": "off"}
    )
    received_on = DateField(_l("Value date"), validators=[REQUIRED])
    payer = text_field(_l("Payer as printed"), longest=200)
    text = text_field(
        _l("Text of the transfer"),
        longest=300,
        required=False,
        description=_l("Copy it whole: the payment reference is found in it."),
    )

    def money(self) -> Money:
        """Return the amount; `Refused` in words if it cannot be read."""
        try:
            return Money.parse(self.amount.data)
        except ValueError:
            raise Refused(_l("Please write the amount like 12,000.00."), field="amount", status=422) from None
