"""Income: facts become plans, and plans become entries, per line and month of service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select

from portal.billing import ledger, months
from portal.billing.book_models import Segment
from portal.billing.ledger import Line
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.note_models import Charged, CreditNote, CreditNoteLine, NoteState
from portal.billing.plans import DAY, due_by_month
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money

EARNED = "earned"
DAILY, CONTRIBUTION = "daily", "contribution"
NOT_LIVE = (InvoiceState.DRAFT, InvoiceState.VOID)


def locked_line(line_id: int) -> OrderLine:
    """Return an order line under its row lock, so that two runs never post the same month."""
    return db.session.scalars(
        select(OrderLine)
        .where(OrderLine.id == line_id)
        .with_for_update(of=OrderLine)
        .execution_options(populate_existing=True)
    ).one()


def plan_of(line: OrderLine) -> list[Segment]:
    """Return the segments of a line, oldest first."""
    return list(
        db.session.scalars(select(Segment).where(Segment.order_line_id == line.id).order_by(Segment.id))
    )


def add(
    line: OrderLine, key: str, starts: date, ends: date, amount: int, *, of: InvoiceLine | None = None,
    known_at: datetime | None = None,
) -> Segment:  # fmt: skip
    """Write one segment; the key keeps the same fact from being planned twice."""
    row = Segment(
        order_line=line, invoice_line=of, key=key, starts=starts, ends=ends, amount=Money(amount),
        known_at=known_at or clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def invoice_lines(line: OrderLine) -> list[InvoiceLine]:
    """Return what was invoiced of a line and stands."""
    statement = (
        select(InvoiceLine)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(InvoiceLine.order_line_id == line.id, Invoice.state.not_in(NOT_LIVE))
    )
    return list(db.session.scalars(statement.order_by(InvoiceLine.id)))


def charges(line: OrderLine) -> list[Charged]:
    """Return what charged an order line and stands: lines of invoices, and of credit notes of changes."""
    by_notes = (
        select(CreditNoteLine)
        .join(CreditNote)
        .where(
            CreditNoteLine.order_line_id == line.id,
            CreditNoteLine.net < Money(0),
            CreditNote.state == NoteState.ISSUED,
        )
    )
    found: list[Charged] = [one for one in invoice_lines(line) if one.net.minor > 0]
    return found + list(db.session.scalars(by_notes.order_by(CreditNoteLine.id)))


def charged(of: Charged) -> tuple[int, int]:
    """Return net and tax, in fen, that a line of an invoice or of a change's credit note charged."""
    sign = 1 if isinstance(of, InvoiceLine) else -1
    return of.net.minor * sign, of.tax.minor * sign


def taken_back(of: Charged) -> tuple[int, int]:
    """Return net and tax, in fen, that credit notes and the credit lines of changes took off what was charged."""
    notes = select(func.sum(CreditNoteLine.net), func.sum(CreditNoteLine.tax)).join(CreditNote)
    mine = (
        CreditNoteLine.invoice_line_id == of.id
        if isinstance(of, InvoiceLine)
        else CreditNoteLine.invoice_line_id.is_(None)
        & (CreditNoteLine.order_line_id == of.order_line_id)
        & (CreditNoteLine.net > Money(0))
    )
    changes = select(func.sum(InvoiceLine.net), func.sum(InvoiceLine.tax)).join(Invoice)
    ours = (
        (InvoiceLine.order_line_id == of.order_line_id)
        & (InvoiceLine.net < Money(0))
        & Invoice.state.not_in(NOT_LIVE)
    )
    noted = db.session.execute(notes.where(CreditNote.state == NoteState.ISSUED, mine)).one()
    changed = db.session.execute(changes.where(ours)).one() if charged(of)[0] > 0 else (0, 0)
    return _fen(noted[0]) - _fen(changed[0]), _fen(noted[1]) - _fen(changed[1])


def _fen(value: object) -> int:
    return value.minor if isinstance(value, Money) else int(str(value or 0))


def credited_net(*lines: Charged) -> int:
    """Return the fen, net, that issued credit notes and changes took off what was charged."""
    return sum(taken_back(one)[0] for one in lines)


def standing(line: OrderLine) -> tuple[int, int]:
    """Return net and tax, in fen, of what was charged for an order line and not taken back."""
    pairs = [(charged(one), taken_back(one)) for one in charges(line)]
    return sum(a[0] - b[0] for a, b in pairs), sum(a[1] - b[1] for a, b in pairs)


def agree(line: OrderLine, period: tuple[date, date]) -> None:
    """Agree on a line for a period `[start, end)`: from here on it earns; days already past are caught up."""
    line.agreed_on = clock.today()
    line.period_start, line.period_end = period
    db.session.flush()
    plan(line)


def plan(line: OrderLine) -> None:
    """Plan what an agreed line earns of what was invoiced: over its period, or at once; an offer plans nothing."""
    if line.agreed_on is None or line.period_start is None or line.period_end is None:
        return
    if line.recognition not in {DAILY, CONTRIBUTION}:
        return
    catch_up(line)
    known = set(db.session.scalars(select(Segment.key).where(Segment.order_line_id == line.id)))
    for one in charges(line):
        of = one if isinstance(one, InvoiceLine) else None
        key = f"{line.recognition}:{one.id}" if of else f"{line.recognition}:note:{one.id}"
        left = charged(one)[0] - credited_net(one)
        if key in known or left <= 0:
            continue
        if line.recognition == DAILY:
            add(line, key, line.period_start, line.period_end, left, of=of)
        else:
            day = clock.today()
            post_fact(line, add(line, key, day, day + DAY, left, of=of))
    catch_up(line)


def post_fact(line: OrderLine, segment: Segment) -> None:
    """Book at once what is earned on one day: a delivery, an acceptance, units used, usage rated."""
    source = f"{line.subject}:{segment.starts:%Y-%m}"
    _post(
        line, source, segment.amount.minor, on=segment.starts, service=months.first_of(segment.starts),
        known_at=max(segment.known_at, months.end_of(segment.starts)),
    )  # fmt: skip


def _post(
    line: OrderLine,
    source: str,
    amount: int,
    *,
    on: date,
    service: date,
    known_at: datetime,
    at_end: bool = False,
) -> None:
    party = line.order.party
    order = (
        (ledger.DEFERRED, ledger.CONTRACT_ASSET) if amount > 0 else (ledger.CONTRACT_ASSET, ledger.DEFERRED)
    )
    sides = ledger.taken_first(line, amount, *order, party=party)
    sides.append(Line(ledger.income(line.stream), Money(-amount), party, None, line))
    ledger.post(
        EARNED, source, sides, on=on, n=ledger.next_n(EARNED, source), service=service, known_at=known_at,
        at_end=at_end,
    )  # fmt: skip


def posted_by_month(line: OrderLine) -> dict[date, int]:
    """Return the income booked for a line, by month of service: a note's own counts in the note's month."""
    statement = (
        select(JournalEntry.service_month, func.sum(JournalLine.amount))
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(JournalLine.order_line_id == line.id, JournalLine.account == ledger.income(line.stream))
        .group_by(JournalEntry.service_month)
    )
    found: dict[date, int] = {}
    for month, amount in db.session.execute(statement):
        found[month] = -(amount.minor if isinstance(amount, Money) else int(amount))
    return found


def catch_up(line: OrderLine, *, today: date | None = None) -> int:
    """Post what a line has earned in the months that are over: earned by their end less what is posted. Return how many entries."""
    segments = plan_of(line)
    if not segments:
        return 0
    owed = due_by_month(segments, posted_by_month(line), until=months.first_of(today or clock.today()))
    for month, due in owed:
        end = months.last_of(month)
        _post(
            line, f"{line.subject}:{month:%Y-%m}", due, on=end, service=month, at_end=True,
            known_at=_known(segments, month, end),
        )  # fmt: skip
    return len(owed)


def _known(segments: Sequence[Segment], month: date, end: date) -> datetime:
    """Return when a month's part was known: its facts are recorded and its service is over."""
    here = [one for one in segments if one.starts <= end and one.ends > month]
    facts = [one.known_at for one in here] + [
        one.cut_known_at for one in here if one.cut_known_at is not None
    ]
    over = max((min(end, one.ends - DAY) for one in here), default=end)
    return max([*facts, months.end_of(over)])
