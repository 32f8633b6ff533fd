"""Other currencies: rates that are never updated, and sums of another currency as the books see them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.book_models import ExchangeRate
from portal.billing.models import Invoice, InvoiceState
from portal.core import audit
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Refused
from portal.core.money import Money, exponent, half_up

FIGURES = ("gross", "net", "tax", "list", "discount")


def rate_of(text: str) -> Fraction:
    """Read a rate as its decimal text says; `Refused` if it is none."""
    try:
        value = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if value <= 0 or "/" in text or "e" in text.lower():
        raise Refused(_l("Please write the rate like 7.2034."), field="value", status=422)
    return value


def in_books(units: int, currency: str, rate: str) -> int:
    """Return what minor units of a currency are in fen at a rate (CNY for one whole unit), half up."""
    value = rate_of(rate) * units * 10 ** exponent(LEDGER_CURRENCY) / 10 ** exponent(currency)
    return half_up(value.numerator, value.denominator)


def load_rate(currency: str, day: date, value: str, *, source: str, by: str) -> ExchangeRate:
    """Write down what one unit of a currency was worth in CNY on a day; an earlier row of that day stays."""
    rate_of(value)
    try:
        exponent(currency)
    except ValueError:
        raise Refused(_l("A currency has a code of three letters."), field="currency", status=422) from None
    if currency == LEDGER_CURRENCY:
        raise Refused(_l("The books are kept in CNY."), field="currency", status=422)
    row = ExchangeRate(currency=currency, day=day, value=value.strip(), source=source, loaded_by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("rate.loaded", row, by=by, currency=currency, day=day, value=value.strip(), source=source)
    return row


def known() -> list[str]:
    """Return the currencies money may come in: ours first, then those that have a rate or an open invoice."""
    rated = select(ExchangeRate.currency)
    billed = select(Invoice.currency).where(Invoice.state == InvoiceState.OPEN)
    return [LEDGER_CURRENCY, *sorted({*db.session.scalars(rated.union(billed))} - {LEDGER_CURRENCY})]


def rate_on(currency: str, day: date) -> str:
    """Return the rate of a day, or of the last day before it that has one; `Refused` if none is loaded."""
    if currency == LEDGER_CURRENCY:
        return "1"
    row = db.session.scalars(
        select(ExchangeRate)
        .where(ExchangeRate.currency == currency, ExchangeRate.day <= day)
        .order_by(ExchangeRate.day.desc(), ExchangeRate.id.desc())
    ).first()
    if row is None:
        raise Refused(
            _l("No exchange rate of %(currency)s is loaded for %(day)s.", currency=currency, day=day)
        )
    return row.value


def rate_at(currency: str, day: date) -> str | None:
    """Return the rate of just this day, if one is loaded."""
    return db.session.scalars(
        select(ExchangeRate.value)
        .where(ExchangeRate.currency == currency, ExchangeRate.day == day)
        .order_by(ExchangeRate.id.desc())
    ).first()


def booked(printed: dict[str, Any], rate: str) -> dict[str, Money]:
    """Return a line's figures in the books: gross and net at the rate, tax and discount as what lies between."""
    fen = {name: in_books(int(printed[name]), printed["currency"], rate) for name in ("gross", "net", "list")}
    return {
        "gross": Money(fen["gross"]),
        "net": Money(fen["net"]),
        "tax": Money(fen["gross"] - fen["net"]),
        "list": Money(fen["list"]),
        "discount": Money(fen["list"] - fen["gross"]),
    }


def part_of(total: int, units: int, of: int, before: int = 0) -> int:
    """Return the fen of `total` that belong to `units` out of `of`, after `before` of them: parts sum, the last takes the rest."""
    if not of:
        return total
    return half_up(total * (before + units), of) - half_up(total * before, of)
