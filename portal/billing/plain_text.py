"""The ledger as plain text that `bean-check` and `hledger check` accept, with each month's balances asserted."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import func, select

from portal.billing import ledger
from portal.billing.models import Invoice, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import catalogue
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money, exponent

ROOTS = {
    "asset": "Assets",
    "liability": "Liabilities",
    "income": "Income",
    "expense": "Expenses",
    "equity": "Equity",
}
TOGETHER = 1000


class Dialect(StrEnum):
    """The two programs whose files we write."""

    BEANCOUNT = "beancount"
    HLEDGER = "hledger"


@dataclass(frozen=True, slots=True)
class Side:
    """One line of the journal as read: `amount` in fen, `units` in its own currency's smallest unit."""

    entry: int
    on: date
    kind: str
    source: str
    month: date
    account: str
    party: int | None
    currency: str
    units: int
    amount: int
    invoice: str | None


def figure(minor: int, currency: str) -> str:
    """Return whole minor units as a decimal figure with its currency: `-7200.00 CNY`."""
    places = exponent(currency)
    text = f"{abs(minor):0{places + 1}d}"
    whole = f"{text[:-places]}.{text[-places:]}" if places else text
    return f"{'-' if minor < 0 else ''}{whole} {currency}"


def part(text: str) -> str:
    """Return text as a part of an account's name: letters, digits and dashes of ASCII, a capital or a digit first."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
    return plain[:1].upper() + plain[1:] if plain else "X"


class Names:
    """The accounts' names, each journal account and party one of its own."""

    def __init__(self) -> None:
        self._chart = ledger.chart()
        self._given: dict[tuple[str, int | None], str] = {}
        self._taken: set[str] = set()

    def of(self, account: str, party: int | None) -> str:
        """Return `Assets:1122-Receivables:P000017` for an account and a party."""
        key = (account, party)
        if key not in self._given:
            name = self._made(account, party)
            while name in self._taken:  # two streams that differ only in what an account's name cannot carry
                name += "-2"
            self._taken.add(name)
            self._given[key] = name
        return self._given[key]

    def _made(self, account: str, party: int | None) -> str:
        code, _, rest = account.partition(".")
        body = self._chart[code]
        parts = [ROOTS[body["kind"]], f"{code}-{part(body['name']['en'])}"]
        if rest:
            parts.append(part(rest))
        if party is not None:
            parts.append(f"P{party:06d}")
        return ":".join(parts)


def _first_days(until: date | None) -> dict[tuple[str, int | None], date]:
    """Return every account and party that the journal names, with its first day."""
    found = (
        select(JournalLine.account, JournalLine.party_id, func.min(JournalEntry.posted_on))
        .join(JournalEntry, JournalLine.entry_id == JournalEntry.id)
        .group_by(JournalLine.account, JournalLine.party_id)
        .order_by(JournalLine.account, func.coalesce(JournalLine.party_id, 0))
    )
    if until is not None:
        found = found.where(JournalEntry.posted_on <= until)
    return {(row[0], row[1]): row[2] for row in db.session.execute(found)}


def _sides(until: date | None) -> Iterator[Side]:
    """Read the journal in the order of its days, a part at a time."""
    found = (
        select(
            JournalEntry.id, JournalEntry.posted_on, JournalEntry.kind, JournalEntry.source, JournalEntry.service_month,
            JournalLine.account, JournalLine.party_id, JournalLine.currency, JournalLine.units, JournalLine.amount,
            Invoice.number,
        )
        .join(JournalEntry, JournalLine.entry_id == JournalEntry.id)
        .outerjoin(Invoice, JournalLine.invoice_id == Invoice.id)
        .order_by(JournalEntry.posted_on, JournalEntry.id, JournalLine.id)
        .execution_options(yield_per=TOGETHER)
    )  # fmt: skip
    if until is not None:
        found = found.where(JournalEntry.posted_on <= until)
    for row in db.session.execute(found):
        entry, on, kind, source, month, account, party, currency, units, amount, number = row
        fen = amount.minor if isinstance(amount, Money) else int(amount)
        if not units:  # a rounding has no units of its own: it stands there in the ledger's currency
            currency, units = LEDGER_CURRENCY, fen
        yield Side(entry, on, kind, source, month, account, party, currency, int(units), fen, number)


def _posting(side: Side, name: str) -> str:
    if side.currency == LEDGER_CURRENCY:
        return f"  {name}  {figure(side.amount, LEDGER_CURRENCY)}"
    total = figure(abs(side.amount), LEDGER_CURRENCY)
    return f"  {name}  {figure(side.units, side.currency)} @@ {total}"


def _told(text: str) -> str:
    """Return text that may stand between quotes or behind a semicolon on one line."""
    return " ".join(text.replace('"', "'").replace("\\", "/").split())


def _titles() -> dict[int, str]:
    return {row.id: _told(row.title or row.name) for row in db.session.scalars(select(Party))}


def lines(dialect: Dialect, until: date | None = None) -> Iterator[str]:
    """Return the ledger line by line, up to a day included; the same journal gives the same bytes.

    Each posting names account and party; a line in another currency says what it was worth (`USD @@ CNY`). After the
    last entry of a month every account that moved in it is asserted, exactly.
    """
    names, writer = Names(), WRITERS[dialect]()
    firsts = _first_days(until)
    titles = _titles()
    brand = catalogue.entry("brand", "foundation")["name"]["en"]
    currencies = sorted({LEDGER_CURRENCY, *db.session.scalars(select(JournalLine.currency).distinct())})
    yield from writer.head(_told(brand), currencies)
    for (account, party), day in firsts.items():
        body = ledger.chart()[account.split(".")[0]]
        words = titles.get(party, "") if party is not None else body["name"]["zh"]
        yield writer.opened(day, names.of(account, party), words)
    yield ""
    yield from _months(writer, names, _sides(until))


def _months(writer: Writer, names: Names, sides: Iterable[Side]) -> Iterator[str]:
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for month, within in groupby(sides, key=lambda side: side.on.replace(day=1)):
        moved: set[tuple[str, str]] = set()
        for _entry, group in groupby(within, key=lambda side: side.entry):
            rows = list(group)
            yield from writer.entry(rows)
            for side in rows:
                name = names.of(side.account, side.party)
                totals[name, side.currency] += side.units
                moved.add((name, side.currency))
                yield _posting(side, name)
            yield ""
        following = (month + timedelta(days=32)).replace(day=1)
        yield from writer.asserted(following, [(*key, totals[key]) for key in sorted(moved)])
        yield ""


class Writer(ABC):
    """What the two dialects say differently."""

    @abstractmethod
    def head(self, title: str, currencies: list[str]) -> Iterator[str]:
        """Return the lines before everything else."""

    @abstractmethod
    def opened(self, day: date, name: str, words: str) -> str:
        """Return the line that makes an account known."""

    @abstractmethod
    def entry(self, sides: list[Side]) -> Iterator[str]:
        """Return the lines above an entry's postings."""

    @abstractmethod
    def asserted(self, day: date, balances: list[tuple[str, str, int]]) -> Iterator[str]:
        """Return the assertions of what stands on accounts (name, currency, units) on the morning of a day."""


class Beancount(Writer):
    """Beancount checks a balance at the start of its day, and exactly only with `~ 0`."""

    def head(self, title: str, currencies: list[str]) -> Iterator[str]:
        """Return the options."""
        yield f'option "title" "{title}"'
        yield f'option "operating_currency" "{LEDGER_CURRENCY}"'
        yield ""

    def opened(self, day: date, name: str, words: str) -> str:
        """Return an `open` directive; Chinese stands behind it."""
        return f"{day} open {name}" + (f"  ; {words}" if words else "")

    def entry(self, sides: list[Side]) -> Iterator[str]:
        """Return date, kind, document and what it belongs to."""
        first = sides[0]
        number = next((side.invoice for side in sides if side.invoice), "")
        yield f'{first.on} * "{first.kind}" "{number}"'
        yield f'  source: "{first.source}"'
        yield f"  service: {first.month}"

    def asserted(self, day: date, balances: list[tuple[str, str, int]]) -> Iterator[str]:
        """Return one `balance` for each account."""
        for name, currency, units in balances:
            value, code = figure(units, currency).split()
            yield f"{day} balance {name}  {value} ~ {figure(0, currency).split()[0]} {code}"


class Hledger(Writer):
    """hledger asserts within a posting, in the order of the file."""

    def head(self, title: str, currencies: list[str]) -> Iterator[str]:
        """Return the title, and each currency with its decimals."""
        yield f"; {title}"
        for code in currencies:
            value = figure(10 ** (3 + exponent(code)), code).split()[0]
            yield f"commodity {value if '.' in value else value + '.'} {code}"
        yield ""

    def opened(self, day: date, name: str, words: str) -> str:
        """Return an `account` directive."""
        return f"account {name}" + (f"  ; {words}" if words else "")

    def entry(self, sides: list[Side]) -> Iterator[str]:
        """Return date, document and kind."""
        first = sides[0]
        number = next((side.invoice for side in sides if side.invoice), first.source)
        yield f"{first.on} * ({number}) {first.kind}  ; source:{first.source}, service:{first.month:%Y-%m}"

    def asserted(self, day: date, balances: list[tuple[str, str, int]]) -> Iterator[str]:
        """Return one entry that moves nothing and asserts everything."""
        if balances:
            yield f"{day - timedelta(days=1)} * balances"
        for name, currency, units in balances:
            yield f"  {name}  {figure(0, currency)} = {figure(units, currency)}"


WRITERS: dict[Dialect, type[Writer]] = {Dialect.BEANCOUNT: Beancount, Dialect.HLEDGER: Hledger}


def ledger_text(dialect: Dialect, until: date | None = None) -> Iterator[str]:
    """Return the ledger as text, piece by piece, each line with its end."""
    held: list[Any] = []
    for line in lines(dialect, until):
        held.append(line)
        if len(held) >= TOGETHER:
            yield "\n".join(held) + "\n"
            held.clear()
    yield "\n".join(held) + "\n"
