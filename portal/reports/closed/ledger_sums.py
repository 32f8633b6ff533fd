"""What stands and moves on the accounts of the reports, as known at an instant: by account and kind, and what belongs to nobody's row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, and_, case, func, literal, or_, select, type_coerce

from portal.billing import ledger
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.reports.journal import CASH, CONTRACT, INCOME, RECEIVABLE

CUSTOMERS = (ledger.CREDIT, ledger.UNIDENTIFIED)
FEN = type_coerce(JournalLine.amount, BigInteger)
KEYS = (
    (RECEIVABLE, JournalLine.invoice_id),
    ((*CONTRACT, ledger.VAT), JournalLine.order_line_id),
    (CUSTOMERS, JournalLine.receipt_id),
)
# Money out that nobody has found yet is kept by its line of the bank, not by a receipt.
OF_THE_BANK = ("bank_line", "bank_outside")


@dataclass(frozen=True, slots=True)
class Sum:
    """One account and kind of entry, in fen, debit positive: before the period, within it; `loose` names no row of its own."""

    account: str
    kind: str
    loose: bool
    before: int
    within: int


@dataclass(frozen=True, slots=True)
class Sums:
    """All of them, to be asked."""

    rows: list[Sum]

    def named(self) -> Sums:
        """Return those that belong to an invoice, a contract line or a receipt."""
        return Sums([row for row in self.rows if not row.loose])

    def opening(self, *accounts: str) -> int:
        """Return what stood before the period."""
        return sum(row.before for row in self.rows if row.account in accounts)

    def moved(self, accounts: Iterable[str], *kinds: str) -> int:
        """Return what moved within the period, by entries of some kinds or of all."""
        wanted = set(accounts)
        return sum(
            row.within for row in self.rows if row.account in wanted and (not kinds or row.kind in kinds)
        )

    def closing(self, *accounts: str) -> int:
        """Return what stands at the period's end."""
        return self.opening(*accounts) + self.moved(accounts)

    def loose(self, *accounts: str) -> int:
        """Return what stands on accounts at the end and belongs to no invoice, line or receipt."""
        return sum(row.before + row.within for row in self.rows if row.loose and row.account in accounts)

    def income(self) -> dict[str, int]:
        """Return the income of the period by the stream of its account."""
        found: dict[str, int] = {}
        for row in self.rows:
            if row.account.startswith(f"{ledger.INCOME}."):
                stream = row.account.partition(".")[2]
                found[stream] = found.get(stream, 0) - row.within
        return found


def of_the_bank() -> Any:
    """Return the condition of money that a line of the bank keeps: nobody has found yet for what it went out."""
    return and_(JournalLine.account == ledger.UNIDENTIFIED, JournalEntry.kind.in_(OF_THE_BANK))


def _loose() -> Any:
    """Say whether a side names no row that its account is kept by."""
    return case(
        (of_the_bank(), literal(False, Boolean)),
        *((and_(JournalLine.account.in_(codes), key.is_(None)), literal(True, Boolean)) for codes, key in KEYS),
        (and_(INCOME, JournalLine.order_line_id.is_(None)), literal(True, Boolean)),
        else_=literal(False, Boolean),
    )  # fmt: skip


def sums(until: datetime, start: date, end: date) -> Sums:
    """Return the sums of every account that a roll-forward reads, in one statement."""
    day, loose = JournalEntry.posted_on, _loose().label("loose")
    accounts = (*RECEIVABLE, *CONTRACT, ledger.VAT, *CUSTOMERS, *CASH)
    statement = (
        select(
            JournalLine.account, JournalEntry.kind, loose,
            func.coalesce(func.sum(case((day < start, FEN), else_=0)), 0),
            func.coalesce(func.sum(case((day >= start, FEN), else_=0)), 0),
        )
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(
            or_(JournalLine.account.in_(accounts), INCOME), JournalEntry.known_at <= until,
            JournalEntry.posted_on <= end,
        )
        .group_by(JournalLine.account, JournalEntry.kind, loose)
        .order_by(JournalLine.account, JournalEntry.kind)
    )  # fmt: skip
    return Sums(
        [
            Sum(account, kind, bool(alone), int(before), int(within))
            for account, kind, alone, before, within in db.session.execute(statement)
        ]
    )
