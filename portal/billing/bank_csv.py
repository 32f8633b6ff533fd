"""A bank's CSV by its column profile in the catalogue: header names, date forms, one signed column or two."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.billing.bank_files import Entry, Statement, amount_of, bad, day_of, plain, torn
from portal.core.money import Money

Row = dict[str, str]
LOOK = 40


def _header(rows: list[list[str]], columns: dict[str, str]) -> int:
    """Return which row is the header: the first that has every column the profile must have."""
    needed = {plain(name) for key, name in columns.items() if key in {"date", "amount", "in", "out"}}
    for at, row in enumerate(rows[:LOOK]):
        if needed <= {plain(cell) for cell in row}:
            return at
    names = "、".join(sorted(needed))
    raise torn(_l("no row names its columns (%(names)s); is it of this bank?", names=names))


def _rows(text: str, profile: dict[str, Any]) -> list[list[str]]:
    try:
        found = list(
            csv.reader(io.StringIO(text, newline=""), delimiter=profile.get("delimiter", ","), strict=True)
        )
    except csv.Error:
        raise torn(_l("its CSV is broken: a quotation mark is not closed.")) from None
    if "\0" in text:
        raise torn(_l("it holds characters no text has."))
    return found


def _cells(rows: list[list[str]], at: int, profile: dict[str, Any]) -> list[tuple[Any, Row]]:
    """Return the rows under the header by the profile's keys; the bank's closing words are passed over."""
    names = [plain(cell) for cell in rows[at]]
    places = {
        key: names.index(plain(name)) for key, name in profile["columns"].items() if plain(name) in names
    }
    found = []
    for number, row in enumerate(rows[at + 1 :], at + 2):
        where = _l("row %(number)s", number=number)
        if not any(cell.strip() for cell in row):
            continue
        if any(plain(row[0]).startswith(word) for word in profile.get("ignore", ())):
            continue
        if len(row) < len(names):
            raise torn(_l("%(where)s has %(there)s cells of %(all)s: it was cut off.", where=where, there=len(row), all=len(names)))  # fmt: skip
        found.append((where, {key: row[place].strip() for key, place in places.items()}))
    return found


def _money(where: Any, row: Row, profile: dict[str, Any], currency: str) -> Money:
    """Return the signed sum of a row: one signed column, one with its side in words, or two columns."""
    columns = profile["columns"]
    if "amount" in columns:
        found = amount_of(row.get("amount", ""), where, columns["amount"], currency)
        if "side" in columns:
            side = plain(row.get("side", ""))
            if side not in profile["sides"] or found < Money(0):
                raise bad(where, columns["side"], side)
            found = found if profile["sides"][side] == "in" else -found
        return found
    sums = {}
    for key in ("in", "out"):
        cell = row.get(key, "")
        empty = plain(cell) in ("", "-", "--")
        sums[key] = Money(0) if empty else amount_of(cell, where, columns[key], currency)
    if bool(sums["in"]) == bool(sums["out"]):
        raise bad(where, f"{columns['in']} / {columns['out']}", f"{row.get('in', '')} / {row.get('out', '')}")
    return sums["in"] if sums["in"] else -_size(sums["out"])


def _size(sum_: Money) -> Money:
    """Return a sum without its sign: some banks print what went out with a minus, some without."""
    return -sum_ if sum_ < Money(0) else sum_


def _entry(where: Any, row: Row, profile: dict[str, Any], currency: str) -> Entry:
    columns, forms = profile["columns"], tuple(profile["dates"])
    day: date = day_of(row["date"], where, columns["date"], forms)
    value = day_of(row["value"], where, columns["value"], forms) if row.get("value") else day
    if row.get("currency") and plain(row["currency"]) not in profile.get("currencies", {}).get(
        currency, [currency]
    ):
        raise torn(_l("%(where)s is in %(there)s, the account in %(here)s.", where=where, there=row["currency"], here=currency))  # fmt: skip
    balance = amount_of(row["balance"], where, columns["balance"], currency) if row.get("balance") else None
    amount = _money(where, row, profile, currency)
    if not amount:
        raise bad(where, columns.get("amount", columns.get("in", "")), "0.00")
    return Entry(
        where=where, booked_on=day, value_on=value, amount=amount, payer=row.get("payer", ""),
        payer_account=row.get("account", "").strip("'\t"), text=row.get("text", ""),
        bank_ref=row.get("ref", "").strip("'\t"), balance=balance,
    )  # fmt: skip


def _number(rows: list[list[str]], at: int, profile: dict[str, Any]) -> str:
    """Return the account's number where the bank prints it above the header."""
    labels = [plain(word) for word in profile.get("account_labels", ())]
    for row in rows[:at]:
        for place, cell in enumerate(row):
            for label in labels:
                if plain(cell).startswith(label):
                    rest = plain(cell)[len(label) :].strip(": ：")
                    return rest or (plain(row[place + 1]) if place + 1 < len(row) else "")
    return ""


def read(text: str, profile: dict[str, Any], currency: str) -> Statement:
    """Read a CSV statement; opening and closing come from its running balances if it has them."""
    rows = _rows(text, profile)
    at = _header(rows, profile["columns"])
    entries = [_entry(where, row, profile, currency) for where, row in _cells(rows, at, profile)]
    if profile.get("order", "oldest") == "newest":
        entries.reverse()
    opening = closing = None
    if entries and entries[0].balance is not None and entries[-1].balance is not None:
        opening, closing = entries[0].balance - entries[0].amount, entries[-1].balance
    return Statement(
        form="csv", entries=tuple(entries), number=_number(rows, at, profile), currency=currency,
        opening=opening, closing=closing,
    )  # fmt: skip
