"""What is on record since yesterday: told as events, and noticed by those whom it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from portal.accounts.care_models import ContactCheck
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.money_models import Receipt
from portal.billing.note_models import CreditNote
from portal.core import clock
from portal.core.audit import AuditEntry
from portal.core.db import db, reading
from portal.core.periods import days
from portal.members.belonging import Ending, Hold, Membership, Reversal, Term, TermKind
from portal.members.renewal_models import LateMoney
from portal.members.standing import Standing
from portal.simulation import habits, joining, paying, years
from portal.simulation.calendar import DONE
from portal.simulation.telling import Event
from portal.simulation.world import World

BEGINS = (TermKind.NEW, TermKind.REINSTATEMENT)
# What is told of the audit's own words, and which of its details; all else of a day is told from the facts.
TOLD: dict[str, tuple[str, tuple[str, ...]]] = {
    "application.submitted": ("applied", ("tier",)),
    "application.approved": ("approved", ("tier",)),
    "application.rejected": ("rejected", ("code",)),
    "application.closed": ("closed", ("reason",)),
    "agreement.executed": ("signed", ("number",)),
    "renewal.offered": ("offered", ("tier", "start", "amount")),
    "renewal.lapsed": ("not_renewed", ("freed",)),
    "renewal.money_late": ("late_money", ("value_on", "amount", "outcome")),
    "renewal.late_chosen": ("late_chosen", ("outcome", "start")),
    "tier.confirmed": ("tier_chosen", ("tier", "day", "gross")),
    "invoice.voided": ("voided", ("number",)),
    "membership.standing_changed": ("standing", ("old", "new")),
}
Found = tuple[datetime, int, int, Event]


def look(world: World, day: date) -> list[Event]:
    """Return the events of a day in the order of their recording, and let those concerned make their plans."""
    with clock.stopped_at(clock.start_of(day) + DONE), reading():
        found = sorted(_all(world), key=lambda one: one[:3])
    events = [*world.said, *(event for _at, _rank, _id, event in found)]
    world.said.clear()
    for event in events:
        event.day = day
    return events


def _all(world: World) -> Iterator[Found]:
    new = world.marks.new()
    yield from _standings(world, new[AuditEntry])
    for bill in new[Invoice]:
        yield from _bill(world, bill)
    for note in new[CreditNote]:
        if note.number is not None:
            detail = {"number": note.number, "gross": note.gross.minor, "net": note.net.minor}
            yield note.created_at, 2, note.id, Event("credit_note", _of(world, note.invoice.party), detail)
    for receipt in new[Receipt]:
        detail = {
            "amount": receipt.amount.minor,
            "received": receipt.received_on,
            "reference": receipt.provider_ref,
        }
        yield (
            receipt.recorded_at,
            2,
            receipt.id,
            Event("money", _of(world, receipt.party, receipt.payer), detail),
        )
    for term in new[Term]:
        yield from _term(world, term)
    for ending in new[Ending]:
        detail = {"id": ending.id, "term": ending.term_id, "on": ending.on, "cause": ending.cause}
        name = _name(world, ending.term.membership_id)
        yield ending.recorded_at, 4, ending.id, Event("ending", name, detail)
    for hold in new[Hold]:
        detail = {"id": hold.id, "start": hold.start, "end": hold.end, "cause": hold.cause}
        yield hold.recorded_at, 5, hold.id, Event("hold", _name(world, hold.membership_id), detail)
    for undone in new[Reversal]:
        detail = {"undoes": undone.undoes_kind, "id": undone.undoes_id, "from": undone.from_day}
        yield undone.recorded_at, 6, undone.id, Event("undone", _name(world, undone.membership_id), detail)
    for check in new[ContactCheck]:
        if (firm := world.by_org.get(check.org_id)) is not None:
            habits.confirm_people(world, firm, check)
    for late in new[LateMoney]:
        if (firm := world.by_membership.get(late.membership_id)) is not None:
            paying.answer_late(world, firm, late)


def _name(world: World, membership_id: int) -> str:
    firm = world.by_membership.get(membership_id)
    if firm is None:
        row = db.session.get_one(Membership, membership_id)
        firm = world.by_membership[membership_id] = world.by_org[row.org_id]
        firm.membership_id = membership_id
    return firm.en


def _of(world: World, party: Party | None, otherwise: str = "") -> str:
    """Return the name of a payer."""
    firm = world.by_org.get(party.org_id or 0) if party is not None else None
    return firm.en if firm is not None else otherwise


def _standings(world: World, rows: list[AuditEntry]) -> Iterator[Found]:
    for row in rows:
        told = TOLD.get(row.verb)
        firm = world.by_org.get(row.org_id or 0)
        if told is None or firm is None:
            continue
        kind, keys = told
        # An event's `day` is that of its recording; when a change takes effect is told beside it.
        detail = {"effective" if key == "day" else key: row.detail[key] for key in keys if key in row.detail}
        yield row.at, 0, row.id, Event(kind, firm.en, detail)
        if kind == "standing":
            _name(world, int(row.subject.partition(":")[2]))
            if row.detail["new"] in {Standing.LAPSED, Standing.RESIGNED}:
                years.think_again(world, firm)


def _bill(world: World, bill: Invoice) -> Iterator[Found]:
    firm = world.by_org.get(bill.party.org_id or 0)
    if firm is None or bill.number is None:
        return
    detail = {"number": bill.number, "gross": bill.gross.minor, "net": bill.net.minor, "due": bill.due_on}
    yield bill.created_at, 1, bill.id, Event("invoice", firm.en, detail)
    if bill.state is InvoiceState.OPEN and not bill.reversed:
        paying.plan(world, firm, bill)


def _term(world: World, term: Term) -> Iterator[Found]:
    name = _name(world, term.membership_id)
    firm, paid = world.by_membership[term.membership_id], term.invoice
    detail = {
        "id": term.id, "kind": term.kind, "tier": term.tier, "start": term.start, "end": term.end, "anchor": term.anchor,
        "charged": term.charged.minor, "net": paid.net.minor if paid else None, "gross": paid.gross.minor if paid else None,
        "cover": term.cover, "invoice": paid.number if paid else None,
    }  # fmt: skip
    yield term.recorded_at, 3, term.id, Event("term", name, detail)
    if term.kind in BEGINS:
        world.after(1, lambda: joining.settle_in(world, firm))
    if term.end is not None and days(term.start, term.end) >= 365:
        years.plan(world, firm, term)
