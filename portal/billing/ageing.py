"""Who owed what as of any day, from the journal alone: by days past the due date, credit beside it and never netted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from portal.accounts.organisations import Organisation, called
from portal.accounts.people import Person
from portal.billing import ledger
from portal.billing.models import Invoice, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.core.money import Money

NONE = Money(0)
# The last day late of each column; the first is what is not due yet, the last has no end.
BORDERS = (0, 30, 60, 90)
COLUMNS = len(BORDERS) + 1


@dataclass(frozen=True, slots=True)
class Payer:
    """Who owes: what his page is found by, and what he is called in the reader's language."""

    uid: str
    name: str


@dataclass(frozen=True, slots=True)
class Open:
    """What was owed of one invoice on the day: `late` days past due (0 or less: not due), in which column."""

    uid: str
    number: str
    due_on: date | None
    owed: Money
    late: int
    column: int


@dataclass(slots=True)
class Debtor:
    """One payer's line: sums by column, the total, and the credit that stands beside it."""

    id: int
    party: Payer
    open: list[Open] = field(default_factory=list)
    credit: Money = NONE

    @property
    def sums(self) -> list[Money]:
        """What is owed, by column."""
        return columns(self.open)

    @property
    def total(self) -> Money:
        """All that is owed."""
        return Money(sum(one.owed.minor for one in self.open))


def column_of(late: int) -> int:
    """Return the column of so many days late: not due, 1–30, 31–60, 61–90, over 90."""
    return sum(late > border for border in BORDERS)


def columns(rows: Iterable[Open]) -> list[Money]:
    """Return what is owed by column."""
    found = [0] * COLUMNS
    for one in rows:
        found[one.column] += one.owed.minor
    return [Money(minor) for minor in found]


def _balances(account: str, key: InstrumentedAttribute[int | None], day: date) -> Subquery:
    total = func.sum(type_coerce(JournalLine.amount, BigInteger))
    return (
        select(key.label("key"), total.label("minor"))
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(JournalLine.account == account, JournalEntry.posted_on <= day, key.is_not(None))
        .group_by(key)
        .having(total != 0)
        .subquery()
    )


PAYER = (
    Party.id, Party.uid, Person.name, Organisation.legal_name, Organisation.legal_name_en,
    Organisation.display_name_zh, Organisation.display_name_en,
)  # fmt: skip


def _with_payers(statement: Select[Any]) -> Select[Any]:
    return statement.outerjoin(Organisation, Organisation.id == Party.org_id).outerjoin(
        Person, Person.id == Party.person_id
    )


def _debtor(debtors: dict[int, Debtor], number: int, uid: str, person: str | None, *names: str) -> Debtor:
    found = debtors.get(number)
    if found is None:
        found = debtors[number] = Debtor(number, Payer(uid, person or called(*names)))
    return found


def as_of(day: date) -> list[Debtor]:
    """Return every payer who owed something or had credit at the end of a day, the largest debt first."""
    owed = _balances(ledger.RECEIVABLE, JournalLine.invoice_id, day)
    credit = _balances(ledger.CREDIT, JournalLine.party_id, day)
    debtors: dict[int, Debtor] = {}
    bills = (
        select(owed.c.minor, Invoice.uid, Invoice.number, Invoice.due_on, *PAYER)
        .join(Invoice, Invoice.id == owed.c.key)
        .join(Party, Party.id == Invoice.party_id)
        .order_by(func.coalesce(Invoice.due_on, day), Invoice.id)
    )
    for minor, uid, number, due_on, *payer in db.session.execute(_with_payers(bills)):
        late = (day - (due_on or day)).days
        row = Open(uid, number, due_on, Money(int(minor)), late, column_of(late))
        _debtor(debtors, *payer).open.append(row)
    unused = select(credit.c.minor, *PAYER).join(Party, Party.id == credit.c.key)
    for minor, *payer in db.session.execute(_with_payers(unused)):
        _debtor(debtors, *payer).credit = Money(-int(minor))
    return sorted(debtors.values(), key=lambda one: (-one.total.minor, one.id))


def summed(debtors: Iterable[Debtor]) -> tuple[list[Money], Money, Money]:
    """Return the sums of the columns, what is owed in all, and all credit."""
    rows = list(debtors)
    sums = columns(row for one in rows for row in one.open)
    credit = Money(sum(one.credit.minor for one in rows))
    return sums, Money(sum(one.minor for one in sums)), credit
