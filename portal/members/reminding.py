"""The words of the ladder: the latest due step once, what stops them, and on to the next contact if mail comes back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.outbox import OutboxItem
from portal.members import renewal_letters, renewal_queries, renewing
from portal.members.belonging import Hold, Membership, Reversal, Term
from portal.members.renewal_models import LadderPause, OfferState, RenewalOffer, RenewalReminder, StepState
from portal.members.renewal_rules import Step, latest
from portal.members.standing import HoldCause

MAIL = "mail"
# To whom a step goes on when its mails came back: billing, then these one after the other, then staff.
ONWARD = {MAIL: "representative", "representative": "owner", "owner": "staff"}
STOPS: dict[str, LazyString] = {
    "covered": _l("It is paid."),
    "resigned": _l("The member has resigned."),
    "expelled": _l("The member was expelled."),
    "absorbed": _l("The member is part of another one now."),
    "cancelled": _l("The term was cancelled."),
    "tier_change": _l("The tier was changed."),
    "conduct": _l("The membership is suspended for conduct."),
    "paused": _l("Staff paused the reminders."),
    "closed": _l("The offer was taken back."),
}


def pause_of(membership: Membership, *, on: date | None = None) -> LadderPause | None:
    """Return the pause of a member's reminders that holds on a day."""
    return db.session.scalars(
        select(LadderPause)
        .where(
            LadderPause.membership_id == membership.id,
            LadderPause.lifted_at.is_(None),
            LadderPause.until > (on or clock.today()),
        )
        .order_by(LadderPause.until.desc())
    ).first()


def pause(membership: Membership, *, until: date, by: Person, reason: str) -> LadderPause:
    """Keep the reminders of a member back until a day; the ladder's acts go on all the same."""
    if until <= clock.today():
        raise Refused(_l("This day has passed already."), field="until", status=422)
    _end_pauses(membership, by)
    row = LadderPause(membership=membership, until=until, reason=reason, by=by)
    db.session.add(row)
    db.session.flush()
    audit.record("renewal.paused", membership, by=by, org_id=membership.org_id, until=until, reason=reason)
    return row


def _end_pauses(membership: Membership, by: Person) -> bool:
    rows = db.session.scalars(
        select(LadderPause).where(
            LadderPause.membership_id == membership.id,
            LadderPause.lifted_at.is_(None),
            LadderPause.until > clock.today(),
        )
    ).all()
    for row in rows:
        row.lifted_at, row.lifted_by = clock.now(), by
    return bool(rows)


def resume(membership: Membership, *, by: Person) -> None:
    """Let the reminders go on from the next morning."""
    if not _end_pauses(membership, by):
        raise Refused(_l("Nothing holds the reminders of this member."))
    audit.record("renewal.resumed", membership, by=by, org_id=membership.org_id)


def stopped(offer: RenewalOffer) -> str | None:
    """Return a word for what stops the words of an offer today; None if nothing does. See `STOPS`."""
    if offer.state is OfferState.RENEWED:
        return "covered"
    why = renewal_queries.why_not(offer.term)
    if why is not None:
        return "covered" if why == "followed" else why
    if offer.state is OfferState.WITHDRAWN:
        return "closed"
    if _held_for_conduct(offer.membership):
        return "conduct"
    return "paused" if pause_of(offer.membership) is not None else None


def _held_for_conduct(membership: Membership) -> bool:
    today = clock.today()
    lifted = select(Reversal.undoes_id).where(
        Reversal.membership_id == membership.id, Reversal.undoes_kind == "hold", Reversal.from_day <= today
    )
    running = select(Hold.id).where(
        Hold.membership_id == membership.id,
        Hold.cause == HoldCause.CONDUCT,
        Hold.start <= today,
        (Hold.end.is_(None)) | (Hold.end > today),
        Hold.id.not_in(lifted),
    )
    return db.session.scalar(running.limit(1)) is not None


def spoken(org_steps: Collection[Step]) -> tuple[Step, ...]:
    """Return the steps of a ladder that have words."""
    return tuple(step for step in org_steps if step.letter)


def ledger(term: Term) -> list[RenewalReminder]:
    """Return what was written down of a term's ladder, in order of the days."""
    return list(
        db.session.scalars(
            select(RenewalReminder)
            .where(RenewalReminder.term_id == term.id)
            .order_by(RenewalReminder.due_on, RenewalReminder.id)
        )
    )


def write(
    term: Term, step: str, channel: str, state: StepState, due_on: date, receivers: int = 0
) -> RenewalReminder:
    """Write a step down; the unique key refuses a second time."""
    row = RenewalReminder(
        term=term, step=step, channel=channel, state=state, due_on=due_on, on=clock.today(), receivers=receivers,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def remind(offer_id: int) -> int:
    """Send the words that are due for an offer today, in the present transaction; return how many steps that were."""
    row = renewing.locked(offer_id)
    if row.term.end is None or stopped(row) is not None:
        return 0
    done = {one.step for one in ledger(row.term) if one.channel == MAIL}
    grace = renewal_queries.grace_days()
    step, missed = latest(
        spoken(renewal_queries.steps_of(row.membership.org)),
        done,
        end=row.term.end,
        grace=grace,
        today=clock.today(),
    )
    if step is None:
        return 0
    for one in missed:
        write(row.term, one.code, MAIL, StepState.SKIPPED, one.day(row.term.end, grace))
    people = receivers(row, step)
    sent = renewal_letters.send_step(row, step.letter, people, step=step.code, channel=MAIL)
    write(row.term, step.code, MAIL, StepState.SENT, step.day(row.term.end, grace), sent)
    audit.record(
        "renewal.reminded", row, by="send_reminders", org_id=row.membership.org_id, step=dict(step.name)
    )
    if not sent and not any(contacts.holders(row.membership.org, *ContactRole)):
        write(row.term, step.code, "staff", StepState.SENT, step.day(row.term.end, grace))
        renewal_letters.unreachable(row, step.code)
    return 1


def receivers(offer: RenewalOffer, step: Step) -> list[Person]:
    """Return to whom the words of a step go: the roles it names, or else the owners.

    The invoice itself went to the billing contacts with the mail of its document: they are not told twice.
    """
    org = offer.membership.org
    found = contacts.holders(org, *(ContactRole(role) for role in step.to))
    if step.letter == "invoice":
        paying = {person.id for person in contacts.holders(org, ContactRole.BILLING)}
        return [person for person in found if person.id not in paying]
    return found or contacts.holders(org, ContactRole.OWNER)


def came_back() -> list[tuple[str, str, str]]:
    """Return term, step and channel of every step none of whose mails could be delivered."""
    prefix = "mail:renewal:"
    mine = (OutboxItem.key >= prefix, OutboxItem.key < prefix + "~", OutboxItem.kind == "mail")
    dead = select(OutboxItem.key).where(*mine, OutboxItem.dead_at.is_not(None))
    marks = {
        (parts[2], parts[3], parts[4]) for key in db.session.scalars(dead) if len(parts := key.split(":")) > 4
    }
    return sorted(mark for mark in marks if mark[2] in ONWARD and not _others_reached(*mark))


def _others_reached(term_uid: str, step: str, channel: str) -> bool:
    """Whether some mail of a step is not laid aside: delivered, or still being tried."""
    prefix = f"mail:renewal:{term_uid}:{step}:{channel}:"
    alive = select(func.count()).where(
        OutboxItem.key >= prefix, OutboxItem.key < prefix + "~", OutboxItem.dead_at.is_(None)
    )
    return bool(db.session.scalar(alive))


def move_on(term_uid: str, code: str, channel: str) -> int:
    """Send the words of a step to the next contact, since its mails came back; to staff if nobody is left."""
    offer = db.session.scalars(
        select(RenewalOffer).join(Term, Term.id == RenewalOffer.term_id).where(Term.uid == term_uid)
        .order_by(RenewalOffer.id.desc())
    ).first()  # fmt: skip
    if offer is None or offer.term.end is None:
        return 0
    row = renewing.locked(offer.id)
    known = {one.channel for one in ledger(row.term) if one.step == code}
    step = next((one for one in renewal_queries.steps_of(row.membership.org) if one.code == code), None)
    onward = ONWARD[channel]
    if step is None or onward in known or stopped(row) is not None:
        return 0
    told = {one.id for role in step.to for one in contacts.holders(row.membership.org, ContactRole(role))}
    day = step.day(offer.term.end, renewal_queries.grace_days())
    while onward != "staff":
        people = [
            one for one in contacts.holders(row.membership.org, ContactRole(onward)) if one.id not in told
        ]
        if people:
            sent = renewal_letters.send_step(row, step.letter, people, step=code, channel=onward)
            write(row.term, code, onward, StepState.SENT, day, sent)
            return 1
        onward = ONWARD[onward]
    if "staff" not in known:
        write(row.term, code, "staff", StepState.SENT, day)
        renewal_letters.unreachable(row, code)
    return 1
