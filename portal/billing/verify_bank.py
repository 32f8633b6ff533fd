"""What must hold of bank accounts: each equals its statement, and every line is in the books once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from portal.billing import ledger
from portal.billing.bank_models import BankBook, BankLine, LineState, OutsideMove, StatementFile
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.core.money import Money

Source = tuple[str, str]


def _fen(value: object) -> int:
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def on_bank() -> dict[Source, int]:
    """Return what each source booked on the bank account, by kind of entry and source."""
    rows = db.session.execute(
        select(JournalEntry.kind, JournalEntry.source, func.sum(JournalLine.amount))
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(JournalLine.account == ledger.BANK)
        .group_by(JournalEntry.kind, JournalEntry.source)
    )
    return {(kind, source): _fen(total) for kind, source, total in rows}


def sources(row: Any) -> list[Source]:
    """Return where the books say what a line moved: its receipt, its refund, and its own entries."""
    found = [("bank_line", f"bank_line:{row.id}")]
    if row.receipt_id is not None:
        found.append(("receipt", f"receipt:{row.receipt_id}"))
    if row.refund_id is not None:
        found.append(("refund_done", f"refund:{row.refund_id}"))
    return found


def _lines() -> Any:
    return db.session.execute(
        select(
            BankLine.id, BankLine.account, BankLine.amount, BankLine.receipt_id, BankLine.refund_id, BankLine.state,
            BankLine.booked_on,
        )
    ).all()  # fmt: skip


def _accounts() -> list[str]:
    """Each account's ledger equals opening + lines, and each file's closing balance is that sum on its day."""
    found: list[str] = []
    booked, lines = on_bank(), _lines()
    told: Counter[str] = Counter()
    ledgers: Counter[str] = Counter()
    days: dict[str, Counter[Any]] = defaultdict(Counter)
    for row in lines:
        moved = sum(booked.get(source, 0) for source in sources(row))
        if moved != row.amount.minor:
            found.append(f"bank: line {row.id} moved {row.amount.minor} fen, the bank account says {moved}")
        told[row.account] += row.amount.minor
        ledgers[row.account] += moved
        days[row.account][row.booked_on] += row.amount.minor
    for book in db.session.scalars(select(BankBook)):
        opened = booked.get(("bank_opening", f"bank_account:{book.account}"), 0)
        said, stands = book.opening.minor + told[book.account], opened + ledgers[book.account]
        if said != stands:
            found.append(
                f"bank: account {book.account} stands at {said} fen by its statements, the ledger says {stands}"
            )
    return found


def _files() -> list[str]:
    """The last file of each account closes with what its lines make, unless later lines of that day came by another."""
    found: list[str] = []
    for book in db.session.scalars(select(BankBook)):
        last = db.session.scalars(
            select(StatementFile)
            .where(StatementFile.account == book.account, StatementFile.fresh > 0)
            .order_by(StatementFile.last_on.desc(), StatementFile.id.desc())
        ).first()
        if last is None:
            continue
        total = db.session.scalar(select(func.sum(BankLine.amount)).where(BankLine.account == book.account))
        said = book.opening.minor + _fen(total)
        if last.closing.minor != said:
            found.append(
                f"bank: file {last.id} of {book.account} closes with {last.closing.minor} fen, its lines make {said}"
            )
    return found


def _outside() -> list[str]:
    """What is outside of a line is all of it or nothing, as its state says, and is booked so."""
    found: list[str] = []
    sums = db.session.execute(
        select(OutsideMove.line_id, func.sum(OutsideMove.amount)).group_by(OutsideMove.line_id)
    )
    out = {line: _fen(total) for line, total in sums}
    for row in _lines():
        wanted = row.amount.minor if row.state is LineState.OUTSIDE else 0
        if out.get(row.id, 0) != wanted:
            found.append(f"bank: line {row.id} is {row.state} with {out.get(row.id, 0)} fen outside")
    booked = select(JournalEntry.source).where(JournalEntry.kind == "bank_outside")
    for number in set(db.session.scalars(select(OutsideMove.id))) - {
        int(source.rpartition(":")[2]) for source in db.session.scalars(booked)
    }:
        found.append(f"bank: outside move {number} is not in the journal")
    return found


CHECKS: tuple[Callable[[], list[str]], ...] = (_accounts, _files, _outside)
