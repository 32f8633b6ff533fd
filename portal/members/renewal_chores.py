"""What renewing does by the clock: acts catch up completely and in order, then charges, then words."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.billing.models import InvoiceState
from portal.billing.saved_cards import card_of, offered
from portal.core import catalogue, clock, outbox
from portal.core.db import db, let_go
from portal.core.rows import each, ids_of
from portal.members import late_money, reminding, renewal_queries, renewing
from portal.members.belonging import Ending, Membership, Reversal, Term
from portal.members.events import StandingChanged, TermEnded
from portal.members.renewal_models import LateMoney, LateState, OfferState, RenewalOffer, RenewalReminder
from portal.members.renewal_models import StepState as S
from portal.members.renewal_rules import Step, latest, tries
from portal.members.standing import Standing

O = OfferState  # noqa: E741
CARD = "card"


def _act_days(act: str) -> int:
    """Return the earliest day of an act over all ladders, in days from the end of a term."""
    found = [
        step.days + (renewal_queries.grace_days() if step.from_lapse else 0)
        for code in catalogue.entries("renewal_ladder")
        for step in renewal_queries.ladder(code)
        if step.act == act
    ]
    return min(found, default=0)


def _last_days() -> int:
    """Return how many days after the end the longest ladder goes."""
    days = [
        step.days + (renewal_queries.grace_days() if step.from_lapse else 0)
        for code in catalogue.entries("renewal_ladder")
        for step in renewal_queries.ladder(code)
    ]
    return max(days, default=0)


@cache  # a clause is never changed, and making it anew each time costs more than asking it
def _unended() -> Any:
    """Return the condition that no ending of a term stands."""
    undone = exists().where(Reversal.undoes_kind == "ending", Reversal.undoes_id == Ending.id)
    return ~exists().where(Ending.term_id == Term.id, ~undone)


@cache
def _followed() -> Any:
    """Return the condition that a later term of the same membership is on record."""
    later = aliased(Term)
    return exists().where(later.membership_id == Term.membership_id, later.start >= Term.end)


def _to_offer() -> list[int]:
    """Return the terms near their end, or lately ended, that have no offer and are not followed by another term."""
    today = clock.today()
    known = exists().where(RenewalOffer.term_id == Term.id, RenewalOffer.state != O.WITHDRAWN)
    statement = (
        select(Term.id, Term.end, Term.recorded_at, Organisation.person_id)
        .join(Membership, Membership.id == Term.membership_id)
        .join(Organisation, Organisation.id == Membership.org_id)
        .where(
            Term.end <= today - timedelta(days=_act_days("offer")),
            Term.end > today - timedelta(days=_last_days()),
            Term.kind.not_in(renewal_queries.NEVER),
            Term.tier.in_(list(catalogue.entries("tier"))),
            ~Organisation.unclaimed,
            _unended(),
            ~_followed(),
            ~known,
        )
        .order_by(Term.end, Term.id)
    )
    rows = db.session.execute(statement).all()
    first = {
        person: {
            step.act: step.day for step in renewal_queries.ladder("person" if person else "organisation")
        }
        for person in (False, True)
    }
    grace = timedelta(days=renewal_queries.grace_days())
    found = [
        number
        for number, end, recorded, person in rows
        if end is not None
        # What was over before we knew of it was never ours to renew: an imported history.
        and clock.day_of(recorded) < end + grace
        and "offer" in first[person is not None]
        and first[person is not None]["offer"](end, grace.days) <= today
    ]
    let_go()
    return found


def open_offers() -> int:
    """Open the offer of every term whose day has come."""

    def do(term_id: int) -> int:
        term = db.session.get_one(Term, term_id)
        if renewal_queries.why_not(term) is not None:
            return 0
        renewing.offer(term, by="offer_renewals")
        return 1

    return each("offer_renewals", _to_offer(), do)


def _open(*conditions: Any) -> list[int]:
    return ids_of(
        select(RenewalOffer.id)
        .join(Term, Term.id == RenewalOffer.term_id)
        .where(RenewalOffer.state == O.OPEN, *conditions)
        .order_by(Term.end, RenewalOffer.id)
    )


def withdraw_ended() -> int:
    """Take back the offers of terms that were ended by somebody, or are followed by another term."""

    def do(offer_id: int) -> int:
        row = db.session.get_one(RenewalOffer, offer_id)
        why = renewal_queries.why_not(row.term)
        return int(why is not None and renewing.withdraw(row, by="chore", reason=why))

    return each("withdraw_offers", _open((~_unended()) | _followed()), do)


def invoice_due() -> int:
    """Issue the invoices of open offers whose day has come and that never had one."""

    def do(offer_id: int) -> int:
        row = db.session.get_one(RenewalOffer, offer_id)
        if row.invoiced_on is not None or clock.today() < renewal_queries.act_day(row.term, "invoice"):
            return 0
        renewing.invoice(row, by="issue_renewal_invoices")
        return 1

    latest_end = clock.today() - timedelta(days=_act_days("invoice"))
    found = _open(RenewalOffer.invoiced_on.is_(None), Term.end <= latest_end)
    return each("issue_renewal_invoices", found, do)


def lapse_due() -> int:
    """Close the offers that nobody covered by the end of grace, and see whether money came since."""

    def do(offer_id: int) -> int:
        row = db.session.get_one(RenewalOffer, offer_id)
        if not renewing.lapse(row, by="chore"):
            return 0
        day = late_money.covered_on(row.membership, row.amount)
        if day is not None and day >= renewal_queries.lapse_day(row):
            late_money.arrived(row.membership)
        return 1

    last = clock.today() - timedelta(days=renewal_queries.grace_days())
    return each("lapse_renewals", _open(Term.end <= last), do)


def decide_silent() -> int:
    """Begin anew for members who did not say in time what late money is for."""
    found = ids_of(select(LateMoney.id).where(LateMoney.state == LateState.ASKED).order_by(LateMoney.id))
    return each("late_money", found, late_money.silent)


def offer_renewals() -> int:
    """Open offers, and take back those of terms that ended otherwise."""
    return withdraw_ended() + open_offers()


def issue_renewal_invoices() -> int:
    """Do every act of the ladder that is due, in order: offer, invoice, lapse; then decide for who stays silent."""
    offer_renewals()
    return invoice_due() + lapse_due() + decide_silent()


def charge_renewals() -> int:
    """Have cards on file charged on the days of the catalogue, each try once and never again for an offer."""
    issue_renewal_invoices()
    if not offered():
        return 0
    marks = [int(mark) for mark in catalogue.policy("charge.attempts")]
    latest_end = clock.today() - timedelta(days=min(marks, default=0))
    found = _open(RenewalOffer.invoice_id.is_not(None), Term.end <= latest_end)
    return each("charge_renewals", found, lambda offer_id: _charge(offer_id, marks))


def _charge(offer_id: int, marks: list[int]) -> int:
    row = renewing.locked(offer_id)
    paid, end = row.invoice, row.term.end
    if paid is None or end is None or paid.state is not InvoiceState.OPEN or not issuing.owed(paid):
        return 0
    if reminding.stopped(row) not in (None, "paused") or card_of(paid.party) is None:
        return 0
    done = {int(one.step.rpartition("_")[2]) for one in reminding.ledger(row.term) if one.channel == CARD}
    turn, missed = tries(marks, done, end=end, today=clock.today())
    if turn is None:
        return 0
    for n in missed:
        reminding.write(row.term, f"charge_{n}", CARD, S.SKIPPED, end + timedelta(days=marks[n - 1]))
    reminding.write(row.term, f"charge_{turn}", CARD, S.SENT, end + timedelta(days=marks[turn - 1]))
    outbox.queue("charge_card", f"charge_card:{paid.uid}:{turn}", {"invoice": paid.id, "k": turn})
    return 1


def send_reminders() -> int:
    """Do what the ladder does, then send the words of each offer's latest due step; mail that came back goes on."""
    issue_renewal_invoices()
    sent = each("send_reminders", _to_remind(), reminding.remind)
    marks = reminding.came_back()
    let_go()
    return sent + each("send_reminders", range(len(marks)), lambda n: reminding.move_on(*marks[n]))


def _to_remind() -> list[int]:
    """Return the offers with words due today that nobody has written down, in two statements for all of them."""
    today, grace = clock.today(), renewal_queries.grace_days()
    first = min(
        (step.days for code in catalogue.entries("renewal_ladder") for step in renewal_queries.ladder(code)),
        default=0,
    )
    offers = db.session.execute(
        select(RenewalOffer.id, Term.id, Term.end, Organisation.person_id)
        .join(Term, Term.id == RenewalOffer.term_id)
        .join(Membership, Membership.id == RenewalOffer.membership_id)
        .join(Organisation, Organisation.id == Membership.org_id)
        .where(
            RenewalOffer.state.in_((O.OPEN, O.LAPSED)),
            Term.end <= today - timedelta(days=first),
            Term.end > today - timedelta(days=_last_days() + 90),
            ~_followed(),
        )
        .order_by(Term.end, RenewalOffer.id)
    ).all()
    done: dict[int, set[str]] = defaultdict(set)
    rows = db.session.execute(
        select(RenewalReminder.term_id, RenewalReminder.step)
        .join(Term, Term.id == RenewalReminder.term_id)
        .where(
            RenewalReminder.channel == reminding.MAIL, Term.end > today - timedelta(days=_last_days() + 90)
        )
    )
    for term_id, step in rows:
        done[term_id].add(step)
    let_go()
    ladders = {kind: reminding.spoken(renewal_queries.ladder(kind)) for kind in ("person", "organisation")}

    def due(term_id: int, end: Any, person: int | None) -> bool:
        steps: tuple[Step, ...] = ladders["person" if person is not None else "organisation"]
        return latest(steps, done[term_id], end=end, grace=grace, today=today)[0] is not None

    return [number for number, term_id, end, person in offers if due(term_id, end, person)]


def on_standing_changed(event: StandingChanged) -> None:
    """Have the offer of a member that lapses or leaves closed right after: in a transaction of its own, as its locks need."""
    if event.new in {Standing.LAPSED, Standing.RESIGNED, Standing.EXPELLED}:
        close_soon(event.membership)


def on_term_ended(event: TermEnded) -> None:
    """Have what was offered after a term that got an ending closed right after."""
    close_soon(event.ending.term.membership)


def close_soon(membership: Membership) -> None:
    """Have the open offer of a membership closed right after, if its time is over or its term was ended."""
    row = renewal_queries.open_offer(membership)
    if row is not None:
        outbox.queue("close_renewal", f"close_renewal:{row.uid}:{clock.now().isoformat()}", {"offer": row.id})


@outbox.handles("close_renewal", _l("End of a renewal"))
def _close(item: outbox.Claim) -> outbox.Finish:
    def finish() -> None:
        row = db.session.get_one(RenewalOffer, item.payload["offer"])
        why = renewal_queries.why_not(row.term)
        if why is not None:
            renewing.withdraw(row, by="announce_standings", reason=why)
        else:
            renewing.lapse(row, by="announce_standings")

    return finish
