"""The file of past books, read whole: every record checked, and a refusal that says which one, which field and why."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from portal.core.errors import Refused
from portal.core.money import half_up
from portal.core.periods import nth

METHODS = ("daily", "point", "milestone", "units")
GROUPS = ("dues", "service", "ecosystem")
REASONS = ("price_adjustment", "termination")
LISTS = ("streams", "orders", "invoices", "commission", "credit_notes", "payments", "refunds")
HEADS = ("functional_currency", "dues_share_target", "max_share_limit", "commission_vat")


@dataclass
class Book:
    """The records of a file, as plain values; months are first days."""

    heads: dict[str, Any] = field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    closes: dict[date, date] = field(default_factory=dict)
    rates: dict[date, str] = field(default_factory=dict)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the records of a kind, in the order of the file."""
        return self.records.get(kind, [])


def no(record: str, name: str, why: str) -> Refused:
    """Return the refusal of a record: which, which field, and why."""
    return Refused(f"{record}: {name}: {why}", status=422)


def day_in(record: dict[str, Any], name: str, where: str) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(str(record.get(name)))
    except ValueError:
        raise no(where, name, f"{record.get(name)!r} is no date like 2026-01-31") from None


def month_in(text: str, where: str, name: str) -> date:
    """Read a month as its first day."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise no(where, name, f"{text!r} is no month like 2026-01") from None


def fen_in(record: dict[str, Any], name: str, where: str, *, least: int = 0) -> int:
    """Read a whole number of fen."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise no(where, name, f"{value!r} is no whole number of fen of at least {least}")
    return value


def rate_in(record: dict[str, Any], name: str, where: str) -> Fraction:
    """Read a rate as its decimal text."""
    try:
        value = Fraction(str(record.get(name)))
    except (ValueError, ZeroDivisionError):
        raise no(where, name, f"{record.get(name)!r} is no number") from None
    if value <= 0:
        raise no(where, name, "must be more than zero")
    return value


def times(amount: int, rate: Fraction) -> int:
    """Return an amount times a rate, in whole minor units, half up."""
    return half_up(amount * rate.numerator, rate.denominator)


def parse(text: str) -> Book:
    """Read a file of past books; raises `Refused` at the first record that cannot be taken."""
    try:
        body = json.loads(text, parse_float=str)
    except ValueError as error:
        raise Refused(f"the file is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused("the file is no JSON object")
    book = Book()
    if str(body.get("functional_currency", "CNY")) != "CNY":
        raise no("file", "functional_currency", "the books are kept in CNY")
    for key, value in body.items():
        if key in LISTS:
            book.records[key] = _list(key, value)
        elif key == "period_closed_on":
            book.closes = {month_in(m, key, m): day_in(value, m, key) for m in _object(key, value)}
        elif key == "fx_month_end":
            for month in _object(key, value):
                rate_in(value, month, key)
                book.rates[month_in(month, key, month)] = str(value[month])
        elif key in HEADS or key.startswith("targets_"):
            book.heads[key] = value
        elif isinstance(value, list | dict):  # records that nobody would read are not lost in silence
            raise no("file", key, "is not known")
    _check(book)
    return book


def _object(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise no("file", key, "must be an object")
    return value


def _list(key: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise no("file", key, "must be a list of records")
    return value


def _ids(book: Book, kind: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for n, record in enumerate(book.of(kind), 1):
        name = record.get("id")
        if not isinstance(name, str) or not name.strip() or len(name) > 20:
            raise no(f"{kind} {n}", "id", "must be a text of up to 20 characters")
        if name in found:
            raise no(f"{kind} {name}", "id", "is there twice")
        found[name] = record
    return found


def _named(record: dict[str, Any], name: str, where: str, known: Collection[str]) -> None:
    if record.get(name) not in known:
        raise no(where, name, f"{record.get(name)!r} is not in the file")


def _check(book: Book) -> None:
    streams = {str(one.get("code")) for one in book.of("streams")}
    for one in book.of("streams"):
        if one.get("group") not in GROUPS or not one.get("code"):
            raise no(f"streams {one.get('code')}", "group", f"must be one of {', '.join(GROUPS)}")
    orders, invoices = _ids(book, "orders"), _ids(book, "invoices")
    for name, record in orders.items():
        where = f"orders {name}"
        _party(record, where)
        _named(record, "stream", where, streams)
        day_in(record, "signed", where)
        fen_in(record, "net", where)
        if record.get("list") is not None and fen_in(record, "list", where) < record["net"]:
            raise no(where, "list", "is less than net")
    for name, record in invoices.items():
        _invoice(record, f"invoices {name}", streams, orders)
    bills = {str(one.get("invoice")) for one in book.of("commission") if one.get("invoice")}
    if twice := bills & set(invoices):
        raise no(f"commission {sorted(twice)[0]}", "invoice", "is there twice")
    _commission(book)
    notes = _ids(book, "credit_notes")
    for name, record in notes.items():
        _note(record, f"credit_notes {name}", {**invoices, **{key: {"method": "usage"} for key in bills}})
    for name, record in _ids(book, "payments").items():
        where = f"payments {name}"
        _named(record, "invoice", where, {*invoices, *bills})
        day_in(record, "on", where)
        if record.get("amount_fc") is not None:
            fen_in(record, "amount_fc", where, least=1)
            rate_in(record, "fx", where)
        else:
            fen_in(record, "amount", where, least=1)
        if record.get("fee") is not None:
            fen_in(record, "fee", where)
    for name, record in _ids(book, "refunds").items():
        _named(record, "credit_note", f"refunds {name}", notes)
        day_in(record, "on", f"refunds {name}")
    last = None
    for month in sorted(book.closes):
        if last is not None and nth(last, 1, 1) != month:
            raise no("period_closed_on", f"{month:%Y-%m}", "an earlier month is not closed")
        if book.closes[month] < nth(month, 1, 1):
            raise no("period_closed_on", f"{month:%Y-%m}", "closed before it was over")
        last = month


def _party(record: dict[str, Any], where: str) -> None:
    name = record.get("party")
    if not isinstance(name, str) or not name.strip() or len(name) > 180:
        raise no(where, "party", "must be a name of up to 180 characters")


def _invoice(record: dict[str, Any], where: str, streams: set[str], orders: dict[str, Any]) -> None:
    _party(record, where)
    _named(record, "stream", where, streams)
    day_in(record, "issued", where)
    fen_in(record, "net", where)
    fen_in(record, "tax", where)
    if record.get("order") is not None:
        _named(record, "order", where, orders)
    method = record.get("method")
    if method not in METHODS:
        raise no(where, "method", f"must be one of {', '.join(METHODS)}")
    if method == "daily" and day_in(record, "end", where) < day_in(record, "start", where):
        raise no(where, "end", "lies before start")
    if method == "point" and record.get("delivered") is not None:
        day_in(record, "delivered", where)
    if method == "milestone" and record.get("milestones"):
        fen_in(record, "contract_net", where)
        shares = [rate_in(one, "pct", where) for one in record["milestones"]]
        if sum(shares) > 100:
            raise no(where, "milestones", "their shares are more than 100 %")
        for one in record["milestones"]:
            if one.get("accepted") is not None:
                day_in(one, "accepted", where)
    if method == "units":
        fen_in(record, "unit_net", where)
        used = [
            (day_in(one, "on", where), fen_in(one, "units", where, least=1)) for one in record.get("used", [])
        ]
        if sum(units for _on, units in used) > fen_in(record, "units", where, least=1):
            raise no(where, "used", "more is used than was bought")
    if record.get("currency") not in (None, "CNY"):
        fen_in(record, "net_fc", where)
        rate_in(record, "fx", where)


def _commission(book: Book) -> None:
    for n, record in enumerate(book.of("commission"), 1):
        where = f"commission {n}"
        _party(record, where)
        month_in(str(record.get("month")), where, "month")
        fen_in(record, "gmv", where)
        rate_in(record, "rate", where)
        day_in(record, "known", where)
        if record.get("invoice"):
            day_in(record, "invoiced", where)


def _note(record: dict[str, Any], where: str, invoices: dict[str, Any]) -> None:
    _named(record, "invoice", where, invoices)
    day_in(record, "issued", where)
    if record.get("reason") not in REASONS:
        raise no(where, "reason", f"must be one of {', '.join(REASONS)}")
    if record["reason"] == "price_adjustment":
        fen_in(record, "net", where)
        fen_in(record, "tax", where)
        return
    day_in(record, "effective_end", where)
    if invoices[str(record["invoice"])].get("method", "daily") != "daily":
        raise no(where, "reason", "only a daily line can be terminated")
