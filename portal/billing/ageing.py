"""Who owed what as of any day, from the journal alone: by days past the due date, credit beside it and never netted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select

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
class Open:
    """What was owed of one invoice on the day: `late` days past due (0 or less: not due), in which column."""

    invoice: Invoice
    owed: Money
    late: int
    column: int


@dataclass(slots=True)
class Debtor:
    """One payer's line: sums by column, the total, and the credit that stands beside it."""

    party: Party
    open: list[Open] = field(default_factory=list)
    credit: Money = NONE

    @property
    def sums(self) -> list[Money]:
        """What is owed, by column."""
        return columns(self.open)

    @property
    def total(self) -> Money:
        """All that is owed."""
        return sum((one.owed for one in self.open), NONE)


def column_of(late: int) -> int:
    """Return the column of so many days late: not due, 1–30, 31–60, 61–90, over 90."""
    return sum(late > border for border in BORDERS)


def columns(rows: Iterable[Open]) -> list[Money]:
    """Return what is owed by column."""
    found = [NONE] * COLUMNS
    for one in rows:
        found[one.column] += one.owed
    return found


def _balances(account: str, key: object, day: date) -> dict[int, Money]:
    column = getattr(JournalLine, str(key))
    rows = db.session.execute(
        select(column, func.sum(JournalLine.amount))
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(JournalLine.account == account, JournalEntry.posted_on <= day, column.is_not(None))
        .group_by(column)
    )
    found = (
        (number, total if isinstance(total, Money) else Money(int(total or 0))) for number, total in rows
    )
    return {number: total for number, total in found if total}


def as_of(day: date) -> list[Debtor]:
    """Return every payer who owed something or had credit at the end of a day, the largest debt first."""
    owed = _balances(ledger.RECEIVABLE, "invoice_id", day)
    credit = _balances(ledger.CREDIT, "party_id", day)
    invoices = db.session.scalars(select(Invoice).where(Invoice.id.in_(owed))).all() if owed else []
    debtors: dict[int, Debtor] = {}
    for row in sorted(invoices, key=lambda one: (one.due_on or day, one.id)):
        late = (day - (row.due_on or day)).days
        debtor = debtors.setdefault(row.party_id, Debtor(row.party))
        debtor.open.append(Open(row, owed[row.id], late, column_of(late)))
    missing = [number for number in credit if number not in debtors]
    for party in db.session.scalars(select(Party).where(Party.id.in_(missing))) if missing else ():
        debtors[party.id] = Debtor(party)
    for number, amount in credit.items():
        debtors[number].credit = -amount
    return sorted(debtors.values(), key=lambda one: (-one.total.minor, one.party.id))


def summed(debtors: Iterable[Debtor]) -> tuple[list[Money], Money, Money]:
    """Return the sums of the columns, what is owed in all, and all credit."""
    sums: dict[int, Money] = defaultdict(lambda: NONE)
    total, credit = NONE, NONE
    for one in debtors:
        total, credit = total + one.total, credit + one.credit
        for at, amount in enumerate(one.sums):
            sums[at] += amount
    return [sums[at] for at in range(COLUMNS)], total, credit
