"""What happens to tickets as time passes: promises near their end are told, holds end, silence counts, closing asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import audit, bounces, catalogue, clock, workdays
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.services.support import (
    answering,
    clocks,
    duty,
    ending,
    history,
    letters,
    satisfying,
)
from portal.services.support.clocks import STEPS, Clock, ClockKind, Fact, Severity
from portal.services.support.models import (
    LIVE,
    EventKind,
    Satisfaction,
    SupportTicket,
    TicketState,
    TicketStep,
)

T = TicketState
CALL_AGAIN = timedelta(minutes=30)


def _ticket(number: int) -> SupportTicket:
    return history.locked(db.session.get_one(SupportTicket, number))


def _new_steps(ticket: SupportTicket, ladder: str, run: int, reached: Iterable[int]) -> int | None:
    """Write the steps that were reached and not written; return the latest if it is one to tell, none before it."""
    asked = select(TicketStep.step).where(
        TicketStep.ticket_id == ticket.id, TicketStep.ladder == ladder, TicketStep.run == run
    )
    there = set(db.session.scalars(asked))
    fresh = sorted(set(reached) - there)
    tell = fresh[-1] if fresh and fresh[-1] > max(there, default=-1) else None
    for step in fresh:
        db.session.add(TicketStep(ticket=ticket, ladder=ladder, run=run, step=step, sent=step == tell))
    db.session.flush()
    return tell


# ---- Promises


def escalate_tickets() -> int:
    """Tell of each clock at 50, 80, 100 and 150 per cent, once a step; call again to S1 that nobody has taken."""
    live = select(SupportTicket.id).where(SupportTicket.state.in_(LIVE)).order_by(SupportTicket.id)
    return each("escalate_tickets", ids_of(live), _escalate)


def _escalate(number: int) -> int:
    ticket, now = _ticket(number), clock.now()
    if ticket.state not in LIVE:
        return 0
    facts = history.facts(ticket)
    return sum(_climb(ticket, facts, kind) for kind in ClockKind) + _call(ticket, now - ticket.received_at)


def _climb(ticket: SupportTicket, facts: Sequence[Fact], kind: ClockKind) -> int:
    now = clock.now()
    runs = clocks.runs(facts, kind, now)
    if not runs or runs[-1].over:
        return 0
    one = runs[-1]
    reached = [step for step in STEPS if (at := one.reaches(step)) is not None and at <= now]
    step = _new_steps(ticket, kind.value, len(runs), reached)
    if step is None:
        return 0
    audit.record(
        "ticket.escalated", ticket, by="escalate_tickets", org_id=ticket.org_id, clock=kind, percent=step
    )
    _tell(ticket, one, step, len(runs))
    return 1


def _tell(ticket: SupportTicket, one: Clock, step: int, run: int) -> None:
    letters.escalated(ticket, one.kind, step, run, _who(ticket, step))
    due = one.due
    if step == 100 and due is not None:
        letters.late(ticket, one.kind, due, run)


def _who(ticket: SupportTicket, step: int) -> list[Person]:
    """Return who hears of a step: agent or duty, leads, leads again as the customer hears too, the executive of S1."""
    leads = grants.holders(May.LEAD_SUPPORT)
    if step == 50:
        return [ticket.agent] if ticket.agent is not None else duty.people_on(clock.today()) or leads
    if step == 150:
        return grants.holders(May.HEAR_OF_S1) if ticket.severity is Severity.S1 else []
    return leads


def _call(ticket: SupportTicket, waited: timedelta) -> int:
    """Call again to a ticket that stopped somebody's work and that nobody has taken, each half hour."""
    if ticket.severity is not Severity.S1 or ticket.state is not T.NEW:
        return 0
    count = waited // CALL_AGAIN
    step = _new_steps(ticket, "call", 1, [count] if count else [])
    if step is None:
        return 0
    letters.called(ticket, again=step)
    return 1


# ---- Holds and silence


def wake_held() -> int:
    """Go on with tickets whose hold is over."""
    due = select(SupportTicket.id).where(
        SupportTicket.state == T.ON_HOLD, SupportTicket.hold_until <= clock.now()
    )
    return each("wake_held", ids_of(due.order_by(SupportTicket.id)), _wake)


def _wake(number: int) -> int:
    ticket = _ticket(number)
    if ticket.state is not T.ON_HOLD or ticket.hold_until is None or ticket.hold_until > clock.now():
        return 0
    answering.wake(ticket, by="wake_held")
    return 1


def _waiting() -> list[int]:
    rows = select(SupportTicket.id).where(SupportTicket.state == T.WAITING_CUSTOMER)
    return ids_of(rows.order_by(SupportTicket.id))


def _silent_days(ticket: SupportTicket, most: int) -> tuple[int, int]:
    """Return since which line of its history a ticket waits, and how many working days (at most so many) are over.

    Whoever could not be reached is not silent: once a mail about it came back, no day counts.
    """
    line = next(
        one
        for one in reversed(history.lines(ticket))
        if one.kind is EventKind.STATE and one.value == T.WAITING_CUSTOMER.value
    )
    if bounces.came_back(ticket.subject, ticket.asker.email, line.at):
        return line.n, 0
    day, today = clock.day_of(line.at), clock.today()
    return line.n, next((n for n in range(most, 0, -1) if workdays.after(day, n) <= today), 0)


def remind_customers() -> int:
    """Remind of tickets that wait for their customer, on the working days of the catalogue."""
    return each("remind_customers", _waiting(), _remind)


def _remind(number: int) -> int:
    ticket = _ticket(number)
    if ticket.state is not T.WAITING_CUSTOMER:
        return 0
    days = [int(one) for one in catalogue.policy("support.silence_reminders")]
    run, silent = _silent_days(ticket, max(days))
    step = _new_steps(ticket, "silence", run, [one for one in days if one <= silent])
    if step is None:
        return 0
    letters.silent(ticket, step, run)
    return 1


def close_silent() -> int:
    """Count tickets as solved after so many working days of silence; close what was solved for so many days."""
    silent = each("close_silent", _waiting(), _solve)
    solved = select(SupportTicket.id).where(SupportTicket.state == T.SOLVED).order_by(SupportTicket.id)
    return silent + each("close_silent", ids_of(solved), _close)


def _solve(number: int) -> int:
    ticket, most = _ticket(number), int(catalogue.policy("support.silence_days"))
    if ticket.state is not T.WAITING_CUSTOMER or _silent_days(ticket, most)[1] < most:
        return 0
    ending.solve_by_silence(ticket, by="close_silent")
    return 1


def _close(number: int) -> int:
    return int(ending.close(_ticket(number), by="close_silent"))


def ask_satisfaction() -> int:
    """Ask once how a closed ticket was."""
    asked = select(Satisfaction.ticket_id)
    closed = select(SupportTicket.id).where(SupportTicket.state == T.CLOSED, SupportTicket.id.not_in(asked))
    return each("ask_satisfaction", ids_of(closed.order_by(SupportTicket.id)), _ask)


def _ask(number: int) -> int:
    return int(satisfying.ask(_ticket(number)))
