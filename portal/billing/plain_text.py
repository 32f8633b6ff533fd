"""The journal as plain text that hledger and beancount accept, with the balance of every account asserted at each month's end."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.billing import ledger, months
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.money import Money

ROOTS = {"asset": "Assets", "liability": "Liabilities", "income": "Income", "expense": "Expenses"}
Balances = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Side:
    """One line of an entry: account, what moves in its own currency, and what that is in CNY."""

    account: str
    units: int
    currency: str
    base: int
    words: str = ""

    def amount(self) -> str:
        """Return the amount as both programs read it: `1000.00 USD @@ 7200.00 CNY`."""
        own = f"{Money(self.units, self.currency).decimal} {self.currency}"
        if self.currency == LEDGER_CURRENCY:
            return own
        return f"{own} @@ {Money(abs(self.base)).decimal} {LEDGER_CURRENCY}"


def _name(line: JournalLine, chart: dict[str, dict[str, object]]) -> str:
    """Return an ASCII name such as `Assets:1122-Receivables:P000017`: beancount takes no Chinese first letter."""
    code, _dot, stream = line.account.partition(".")
    body = chart.get(code, {})
    names = body.get("name")
    english = str(names.get("en", "")) if isinstance(names, dict) else ""
    parts = [ROOTS.get(str(body.get("kind")), "Assets"), _slug(f"{code} {stream or english}")]
    return ":".join(parts + ([f"P{line.party_id:06d}"] if line.party_id else []))


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text.title()).strip("-")


def _entries(until: date | None) -> Iterator[JournalEntry]:
    statement = select(JournalEntry).options(selectinload(JournalEntry.lines))
    if until is not None:
        statement = statement.where(JournalEntry.posted_on <= until)
    ordered = statement.order_by(JournalEntry.posted_on, JournalEntry.id)
    yield from db.session.scalars(ordered.execution_options(yield_per=500))


def _sides(entry: JournalEntry, chart: dict[str, dict[str, object]]) -> list[Side]:
    found = []
    for line in entry.lines:
        foreign = line.currency != LEDGER_CURRENCY and line.units is not None
        units, currency = (
            (line.units or 0, line.currency) if foreign else (line.amount.minor, LEDGER_CURRENCY)
        )
        names = chart.get(line.account.partition(".")[0], {}).get("name")
        words = str(names.get("zh", "")) if isinstance(names, dict) else ""
        found.append(Side(_name(line, chart), units, currency, line.amount.minor, words))
    return found


class Writer:
    """What both formats share: entries in order, balances kept, assertions between months."""

    def lines(self, until: date | None) -> Iterator[str]:
        """Return the file line by line."""
        chart = ledger.chart()
        balances: Balances = defaultdict(int)
        opened: set[str] = set()
        month: date | None = None
        yield from self.head()
        for entry in _entries(until):
            now = months.first_of(entry.posted_on)
            if month is not None and now != month:
                yield from self.asserted(months.last_of(month), balances)
            month = now
            sides = _sides(entry, chart)
            for side in sides:
                if side.account not in opened:
                    opened.add(side.account)
                    yield from self.opening(side.account, entry.posted_on, side.words)
                balances[side.account, side.currency] += side.units
            yield from self.entry(entry, sides)
        if month is not None:
            yield from self.asserted(months.last_of(month), balances)

    def head(self) -> Iterator[str]:
        """Return what stands above all entries."""
        raise NotImplementedError

    def opening(self, account: str, day: date, words: str) -> Iterator[str]:
        """Return what declares an account."""
        raise NotImplementedError

    def entry(self, entry: JournalEntry, sides: list[Side]) -> Iterator[str]:
        """Return one entry."""
        raise NotImplementedError

    def asserted(self, day: date, balances: Balances) -> Iterator[str]:
        """Return the assertion of every balance at a month's end."""
        raise NotImplementedError


class Hledger(Writer):
    """hledger asserts exactly, on postings of nothing."""

    def head(self) -> Iterator[str]:
        """Return the declared currencies."""
        yield "; 会计分录 the journal"
        yield "decimal-mark ."

    def opening(self, account: str, day: date, words: str) -> Iterator[str]:
        """Return an account directive."""
        yield f"account {account}  ; {words}"

    def entry(self, entry: JournalEntry, sides: list[Side]) -> Iterator[str]:
        """Return one transaction."""
        yield f"\n{entry.posted_on} {entry.kind} {entry.source} #{entry.id}"
        for side in sides:
            yield f"    {side.account}  {side.amount()}"

    def asserted(self, day: date, balances: Balances) -> Iterator[str]:
        """Return one transaction of nothing with every balance."""
        yield f"\n{day} balances"
        for (account, currency), minor in sorted(balances.items()):
            yield f"    {account}  0 {currency} = {Money(minor, currency).decimal} {currency}"


class Beancount(Writer):
    """beancount checks at the start of a day, so a month's end is asserted on the 1st; `~ 0.00` lets no fen slip."""

    def head(self) -> Iterator[str]:
        """Return the options."""
        yield "; 会计分录 the journal"
        yield f'option "operating_currency" "{LEDGER_CURRENCY}"'

    def opening(self, account: str, day: date, words: str) -> Iterator[str]:
        """Return an open directive."""
        yield f"{day} open {account}  ; {words}"

    def entry(self, entry: JournalEntry, sides: list[Side]) -> Iterator[str]:
        """Return one transaction."""
        yield f'\n{entry.posted_on} * "{entry.kind} {entry.source} #{entry.id}"'
        for side in sides:
            yield f"  {side.account}  {side.amount()}"

    def asserted(self, day: date, balances: Balances) -> Iterator[str]:
        """Return one balance directive for each account and currency."""
        yield ""
        for (account, currency), minor in sorted(balances.items()):
            yield f"{day + timedelta(days=1)} balance {account}  {Money(minor, currency).decimal} ~ 0.00 {currency}"


def journal(form: str, until: date | None = None) -> Iterator[str]:
    """Return the journal up to a day as lines of `hledger` or `beancount` text; the same books give the same bytes."""
    return (Hledger() if form == "hledger" else Beancount()).lines(until)
