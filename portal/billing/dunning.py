"""Reminders: each unpaid invoice climbs its ladder, one step at a time, unless something holds it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select

from portal.accounts.people import Person
from portal.billing import fapiao, ladder
from portal.billing.checkout_models import PaymentAlert, Trouble
from portal.billing.dunning_models import (
    DecisionState,
    DunningDecision,
    DunningHold,
    DunningNotice,
    HoldKind,
    NoticeState,
)
from portal.billing.events import DunningStepReached
from portal.billing.issuing import locked, owed
from portal.billing.ladder import Step
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.money_models import Allocation
from portal.core import audit, clock, outbox
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move

MORNING = timedelta(hours=9)
# No ladder of the catalogue begins earlier than this many days before an invoice is due.
EARLIEST = timedelta(days=62)


HELD = {
    HoldKind.DISPUTE: _l("The payer disputes this invoice."),
    HoldKind.PROMISE: _l("The payer promised to pay."),
    HoldKind.OTHER: _l("Finance paused the reminders."),
}
DISPUTED = _l("A payment of this invoice is disputed at the bank.")
FAPIAO = _l("A fapiao for this invoice is still to be issued.")


def hold_of(invoice: Invoice) -> DunningHold | None:
    """Return the pause in force on an invoice; a promise counts to the end of its day."""
    row = db.session.scalars(
        select(DunningHold).where(DunningHold.invoice_id == invoice.id, DunningHold.lifted_at.is_(None))
    ).first()
    return row if row is not None and (row.until is None or row.until >= clock.today()) else None


def disputed(invoice: Invoice) -> bool:
    """Whether a payment of an invoice is disputed at its bank, and nobody has closed the matter."""
    paid_it = select(Allocation.receipt_id).where(Allocation.invoice_id == invoice.id)
    statement = select(PaymentAlert.id).where(
        or_(PaymentAlert.invoice_id == invoice.id, PaymentAlert.receipt_id.in_(paid_it)),
        PaymentAlert.trouble == Trouble.DISPUTE,
        PaymentAlert.closed_at.is_(None),
    )
    return db.session.scalar(statement.limit(1)) is not None


def held_by(invoice: Invoice) -> object | None:
    """Return in words what holds the reminders of an invoice; None if nothing does."""
    row = hold_of(invoice)
    if row is not None:
        return HELD[row.kind]
    if disputed(invoice):
        return DISPUTED
    return FAPIAO if fapiao.outstanding(invoice) else None


def notices_of(invoice: Invoice) -> list[DunningNotice]:
    """Return the steps an invoice reached, in their order."""
    rows = select(DunningNotice).where(DunningNotice.invoice_id == invoice.id).order_by(DunningNotice.place)
    return list(db.session.scalars(rows))


def last_place(invoice: Invoice) -> int:
    """Return the place of the last step an invoice reached or passed over; −1 before the first."""
    found = db.session.scalar(
        select(func.max(DunningNotice.place)).where(DunningNotice.invoice_id == invoice.id)
    )
    return -1 if found is None else int(found)


def next_step(invoice: Invoice) -> tuple[Step, date] | None:
    """Return the step an unpaid invoice reaches next, and its day; None if there is none or nothing is owed."""
    if invoice.state is not InvoiceState.OPEN or invoice.due_on is None or invoice.issued_on is None:
        return None
    step = ladder.upcoming(
        ladder.steps_of(invoice), due_on=invoice.due_on, issued_on=invoice.issued_on, last=last_place(invoice)
    )
    return (
        (step, max(step.day(invoice.due_on), clock.today())) if step is not None and owed(invoice) else None
    )


def blocked(party: Party) -> frozenset[str]:
    """Return what unpaid invoices block for a payer right now: `changes`, `service`; gone once they are paid."""
    mine = Invoice.party_id == party.id, Invoice.state == InvoiceState.OPEN
    reached = select(DunningNotice.action).join(Invoice).where(*mine).distinct()
    found = {"changes"} if ladder.BLOCK_CHANGES in db.session.scalars(reached).all() else set()
    confirmed = (
        select(DunningDecision.id)
        .join(DunningNotice, DunningNotice.id == DunningDecision.notice_id)
        .join(Invoice, Invoice.id == DunningNotice.invoice_id)
        .where(
            *mine,
            DunningDecision.state == DecisionState.CONFIRMED,
            DunningNotice.action == ladder.PROPOSE_BLOCK,
        )
    )
    if db.session.scalar(confirmed.limit(1)) is not None:
        found |= {"changes", "service"}
    return frozenset(found)


def _climb(invoice: Invoice, today: date) -> DunningNotice | None:
    """Write down what an invoice reached by today; return the notice whose words are to be mailed, if there is one."""
    due_on, issued_on = invoice.due_on, invoice.issued_on
    if invoice.state is not InvoiceState.OPEN or due_on is None or issued_on is None:
        return None
    if not owed(invoice) or held_by(invoice) is not None:
        return None
    found = ladder.reached(
        ladder.steps_of(invoice), due_on=due_on, issued_on=issued_on, last=last_place(invoice), today=today
    )
    if found is None:
        return None
    for step in found.skipped:
        _write(invoice, step, today, NoticeState.SKIPPED)
    if found.step is None:
        return None
    spoken = found.step.action in ladder.SPOKEN
    notice = _write(invoice, found.step, today, NoticeState.WAITING if spoken else NoticeState.QUIET)
    notice.words_on = ladder.next_working_day(today) if spoken else None
    if found.step.action in ladder.PROPOSALS:
        db.session.add(DunningDecision(notice=notice))
    publish(DunningStepReached(invoice, found.step.code, found.step.action, found.step.place))
    audit.record(
        "invoice.dunned", invoice, by="remind_debtors", org_id=invoice.party.org_id, step=found.step.words,
        owed=owed(invoice),
    )  # fmt: skip
    return notice if spoken else None


def _write(invoice: Invoice, step: Step, today: date, state: NoticeState) -> DunningNotice:
    row = DunningNotice(
        invoice=invoice, step=step.code, place=step.place, action=step.action,
        due_on=step.day(invoice.due_on or today), reached_on=today, state=state,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def remind(party_id: int) -> int:
    """Let the unpaid invoices of one payer climb, in the present transaction; return how many steps were reached."""
    today = clock.today()
    numbers = db.session.scalars(
        select(Invoice.id)
        .where(
            Invoice.party_id == party_id, Invoice.state == InvoiceState.OPEN, Invoice.ladder != ladder.NEVER
        )
        .order_by(Invoice.id)
    ).all()
    spoken = [notice for number in numbers if (notice := _climb(locked(number), today)) is not None]
    if spoken:
        day = spoken[0].words_on or today
        after = clock.start_of(day) + MORNING
        first = min(row.id for row in spoken)
        outbox.queue(
            "dunning", f"dunning:{party_id}:{first}", {"party": party_id}, after=max(after, clock.now())
        )
    return len(spoken)


def sweep() -> int:
    """Remind every debtor of what is due by today, one payer a transaction; a second run finds nothing to do."""
    latest = clock.today() + EARLIEST
    debtors = _debtors(latest)
    let_go()
    done = 0
    for party_id in debtors:
        with transaction():
            done += remind(party_id)
    return done


def _debtors(latest: date) -> Sequence[int]:
    statement = select(Invoice.party_id).where(
        Invoice.state == InvoiceState.OPEN, Invoice.ladder != ladder.NEVER, Invoice.due_on <= latest
    )
    return db.session.scalars(statement.distinct().order_by(Invoice.party_id)).all()


def hold(invoice: Invoice, kind: HoldKind, *, by: Person, reason: str, until: date | None = None) -> None:
    """Pause the reminders of an invoice, with the reason; a promise needs its day."""
    if kind is HoldKind.PROMISE and until is None:
        raise Refused(_l("Please say until when the payer promised to pay."), field="until", status=422)
    if until is not None and until < clock.today():
        raise Refused(_l("This day has passed already."), field="until", status=422)
    row = locked(invoice.id)
    if row.state is not InvoiceState.OPEN:
        raise Refused(_l("Only an invoice that is still to be paid is reminded."))
    _end(row, by)
    db.session.add(DunningHold(invoice=row, kind=kind, reason=reason, by=by, until=until))
    db.session.flush()
    audit.record(
        "invoice.dunning_held", row, by=by, org_id=row.party.org_id, held=kind, reason=reason, until=until
    )


def _end(invoice: Invoice, by: Person) -> bool:
    """End the pause that stands on an invoice, in force or run out."""
    row = db.session.scalars(
        select(DunningHold).where(DunningHold.invoice_id == invoice.id, DunningHold.lifted_at.is_(None))
    ).first()
    if row is None:
        return False
    row.lifted_at, row.lifted_by = clock.now(), by
    db.session.flush()
    return True


def lift(invoice: Invoice, *, by: Person) -> None:
    """End the pause of an invoice: from the next morning on it is reminded again."""
    row = locked(invoice.id)
    if not _end(row, by):
        raise Refused(_l("Nothing holds the reminders of this invoice."))
    audit.record("invoice.dunning_resumed", row, by=by, org_id=row.party.org_id)


def decide(decision: DunningDecision, *, confirmed: bool, by: Person, reason: str) -> None:
    """Confirm what a step proposes, or decline it, with the reason; a confirmed block is told to the seller."""
    row = db.session.scalars(
        select(DunningDecision)
        .where(DunningDecision.id == decision.id)
        .with_for_update(of=DunningDecision)
        .execution_options(populate_existing=True)
    ).one()
    invoice = locked(row.notice.invoice_id)
    if confirmed and not owed(invoice):
        raise Refused(_l("Nothing is owed on this invoice any more."))
    move(row, DecisionState.CONFIRMED if confirmed else DecisionState.DECLINED)
    row.by, row.reason, row.decided_at = by, reason, clock.now()
    action = row.notice.action
    verb = "invoice.block_confirmed" if action == ladder.PROPOSE_BLOCK else "invoice.write_off_taken_up"
    if not confirmed:
        verb = "invoice.dunning_declined"
    audit.record(verb, invoice, by=by, org_id=invoice.party.org_id, reason=reason)
    if confirmed and action == ladder.PROPOSE_BLOCK:
        publish(DunningStepReached(invoice, row.notice.step, ladder.BLOCK_SERVICE, row.notice.place))
