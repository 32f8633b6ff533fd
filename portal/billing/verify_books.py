"""The invariants of credit notes, plans and closed months, as sentences about what breaks them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select

from portal.billing import ledger, months, plans
from portal.billing.book_models import AccountingPeriod, PeriodState, Segment
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.note_models import CreditNote, CreditNoteLine, CreditNoteShare, NoteState
from portal.core.db import db
from portal.core.money import Money

NOWHERE = (InvoiceState.VOID, InvoiceState.DRAFT)


def fen(value: object) -> int:
    """Return a sum as whole fen, whichever way the driver gives it."""
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def _sums(column: Any, key: Any, *conditions: Any, join: Any = None) -> dict[int, int]:
    statement = select(key, func.sum(column)).where(*conditions).group_by(key)
    if join is not None:
        statement = statement.join(join)
    return {row[0]: fen(row[1]) for row in db.session.execute(statement)}


def _notes() -> list[str]:
    """A note is the sum of its lines; no line is credited beyond what it says, net and tax."""
    found: list[str] = []
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    by_line: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    statement = select(CreditNoteLine, CreditNote.state).join(CreditNote)
    for line, state in db.session.execute(statement):
        for n, part in enumerate((line.gross, line.net, line.tax)):
            sums[line.note_id][n] += part.minor
        if state is NoteState.ISSUED and line.invoice_line_id is not None:
            by_line[line.invoice_line_id][0] += line.net.minor
            by_line[line.invoice_line_id][1] += line.tax.minor
    for row in db.session.execute(
        select(CreditNote.id, CreditNote.number, CreditNote.gross, CreditNote.net, CreditNote.tax)
    ):
        figures = [row.gross.minor, row.net.minor, row.tax.minor]
        if figures != sums[row.id]:
            found.append(f"notes: {row.number or row.id} says {figures} fen, its lines {sums[row.id]}")
    shared = _sums(CreditNoteShare.gross, CreditNoteShare.note_id)
    issued = select(CreditNote.id, CreditNote.number, CreditNote.gross).where(
        CreditNote.state == NoteState.ISSUED
    )
    for note_id, number, gross in db.session.execute(issued):
        if gross.minor != shared.get(note_id, 0):
            found.append(f"notes: {number} is over {gross.minor} fen and takes {shared.get(note_id, 0)} off")
    printed = select(InvoiceLine.id, InvoiceLine.net, InvoiceLine.tax).where(
        InvoiceLine.id.in_(list(by_line))
    )
    for said in db.session.execute(printed):
        net, tax = by_line[said.id]
        if net > said.net.minor or tax > said.tax.minor:
            found.append(
                f"notes: line {said.id} is credited with {net} + {tax} fen, it says {said.net.minor} + {said.tax.minor}"
            )
    return found


def _lines() -> list[str]:
    """Per line: recognised + deferred − contract asset + credited = invoiced net; nothing is earned beyond the plan."""
    found: list[str] = []
    key = JournalLine.order_line_id
    live = (InvoiceLine.invoice_id == Invoice.id, Invoice.state.not_in(NOWHERE))
    invoiced = _sums(InvoiceLine.net, InvoiceLine.order_line_id, *live)
    credited: dict[int, int] = defaultdict(int)
    notes = (
        select(CreditNoteLine.order_line_id, func.sum(CreditNoteLine.net))
        .join(CreditNote, CreditNote.id == CreditNoteLine.note_id)
        .where(CreditNote.state == NoteState.ISSUED)
        .group_by(CreditNoteLine.order_line_id)
    )
    for line_id, amount in db.session.execute(notes):
        credited[line_id] = fen(amount)
    balance = _sums(
        JournalLine.amount,
        key,
        JournalLine.account.in_([ledger.DEFERRED, ledger.CONTRACT_ASSET]),
        key.is_not(None),
    )
    income = _sums(
        JournalLine.amount, key, JournalLine.account.startswith(f"{ledger.INCOME}."), key.is_not(None)
    )
    for line_id in {*invoiced, *balance, *income, *credited}:
        if credited[line_id] > max(0, invoiced.get(line_id, 0)):
            found.append(
                f"lines: {line_id} has {invoiced.get(line_id, 0)} fen invoiced and {credited[line_id]} credited"
            )
        earned, left = -income.get(line_id, 0), -balance.get(line_id, 0)
        if earned + left + credited[line_id] != invoiced.get(line_id, 0):
            found.append(
                f"lines: {line_id} has {invoiced.get(line_id, 0)} fen invoiced, but {earned} earned, "
                f"{left} deferred and {credited[line_id]} credited"
            )
    return found + _plans(income)


def _plans(income: dict[int, int]) -> list[str]:
    """No more is booked than a plan earns, and each income stands on the account of its line's stream."""
    found: list[str] = []
    rows: dict[int, list[Segment]] = defaultdict(list)
    for segment in db.session.scalars(select(Segment)):
        rows[segment.order_line_id].append(segment)
    for line_id, amount in income.items():
        whole = plans.total(rows.get(line_id, []))
        if -amount > whole and -amount > 0:
            found.append(f"plans: line {line_id} has earned {-amount} fen of {whole}")
    wrong = (
        select(JournalLine.id, JournalLine.account, OrderLine.stream)
        .join(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .where(
            JournalLine.account.startswith(f"{ledger.INCOME}."),
            JournalLine.account != ledger.INCOME + "." + OrderLine.stream,
        )
    )
    found += [
        f"streams: line {row.id} of the journal is on {row.account}, sold as {row.stream}"
        for row in db.session.execute(wrong)
    ]
    return found


def _months() -> list[str]:
    """Months close one after another, and nothing was posted into one after it closed."""
    found: list[str] = []
    rows = list(db.session.scalars(select(AccountingPeriod).order_by(AccountingPeriod.month)))
    closed = [row for row in rows if row.state is PeriodState.CLOSED]
    for before, row in pairwise(closed):
        if months.following(before.month) != row.month:
            found.append(
                f"months: {row.month:%Y-%m} is closed, {months.following(before.month):%Y-%m} is not"
            )
    for row in closed:
        late = select(JournalEntry.id).where(
            JournalEntry.posted_on >= row.month, JournalEntry.posted_on <= months.last_of(row.month),
            JournalEntry.recorded_at > row.closed_at,
        )  # fmt: skip
        found += [
            f"months: entry {number} was posted into {row.month:%Y-%m} after its close"
            for number in db.session.scalars(late)
        ]
    return found


CHECKS: tuple[Callable[[], list[str]], ...] = (_notes, _lines, _months)
