"""Money that comes after a membership has lapsed: the bank's value date decides what it does."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.events import ReceiptUnapplied
from portal.billing.money_models import Receipt
from portal.billing.settling import credit_of
from portal.core import audit, catalogue, clock
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move
from portal.members import late_letters, renewal_queries, renewing, terms
from portal.members.belonging import Membership, TermKind
from portal.members.joining import rules_of
from portal.members.renewal_models import LateMoney, LateState, OfferState, RenewalOffer
from portal.members.renewal_rules import Late, Period, beginning, charge, late
from portal.members.standing import Standing

L = LateState
WAITS = (L.REVIEW, L.ASKED, L.HELD)


def on_unapplied(event: ReceiptUnapplied) -> None:
    """See whether money that no open invoice takes is for a membership that has lapsed."""
    party = event.receipt.party
    if party is None or party.org is None:
        return
    membership = terms.membership_of(party.org)
    if membership is not None:
        arrived(membership)


def waiting(membership: Membership) -> LateMoney | None:
    """Return the late money of a membership about which something is still to be decided."""
    return db.session.scalars(
        select(LateMoney).where(LateMoney.membership_id == membership.id, LateMoney.state.in_(WAITS))
    ).first()


def arrived(membership: Membership) -> LateMoney | None:
    """Take up what a lapsed member has unused here, once it covers what was last offered; None if it is not for that."""
    known = waiting(membership)
    if known is not None and not _went_away(known):
        return None
    last = renewal_queries.last_offer(membership)
    if terms.standing(membership) is Standing.EXPELLED:
        return _hold(membership, last)
    if last is None or last.state is not OfferState.LAPSED or renewal_queries.why_not(last.term) is not None:
        return None
    day = covered_on(membership, last.amount)
    if day is None or last.term.end is None or _decided(membership, L.APPLY, day):
        return None
    answer = late(
        day, last.term.end, grace=renewal_queries.grace_days(), choose=int(catalogue.policy("late.choose_days")),
        review=int(catalogue.policy("late.review_days")),
    )  # fmt: skip
    return _file(membership, last, day, answer)


def _went_away(row: LateMoney) -> bool:
    """Close what the member was asked about if its money is not here any more, refunded or used: other money may come."""
    row = locked(row.id)
    if row.state is not L.ASKED or row.offer is None:
        return False
    days = [covered_on(row.membership, amount) for _period, amount in ways(row).values()]
    if any(day is not None and day <= row.value_on for day in days):
        return False
    move(row, L.APPLY)
    row.decided_on, row.decided_by = clock.today(), "late money"
    db.session.flush()
    audit.record(
        "renewal.late_gone",
        row,
        by="late money",
        org_id=row.membership.org_id,
        value_on=row.value_on,
        amount=row.amount,
    )
    return True


def _credits(membership: Membership) -> list[tuple[Receipt, Money]]:
    """Return the receipts of a member's payer with something unused, in order of their value dates."""
    party = issuing.known_party(membership.org)
    if party is None:
        return []
    rows = db.session.scalars(
        select(Receipt)
        .where(Receipt.party_id == party.id, Receipt.currency == LEDGER_CURRENCY)
        .order_by(Receipt.received_on, Receipt.id)
    )
    found = [(row, credit_of(row)) for row in rows]
    return [(row, left) for row, left in found if left]


def covered_on(membership: Membership, amount: Money) -> date | None:
    """Return the value date of the money with which what is unused first covers a sum; None if it does not."""
    total = Money(0)
    for row, left in _credits(membership):
        total += left
        if total >= amount:
            return row.received_on
    return None


def _decided(membership: Membership, how: LateState, day: date) -> bool:
    """Whether it was decided already about money of a day or a later one."""
    found = select(LateMoney.id).where(
        LateMoney.membership_id == membership.id, LateMoney.state == how, LateMoney.value_on >= day
    )
    return db.session.scalar(found.limit(1)) is not None


def _hold(membership: Membership, last: RenewalOffer | None) -> LateMoney | None:
    found = _credits(membership)
    if not found or _decided(membership, L.SETTLED, found[-1][0].received_on):
        return None
    total = sum((left for _row, left in found), Money(0))
    row = _add(membership, last, found[-1][0].received_on, total, L.HELD)
    late_letters.money_held(row)
    return row


def _add(
    membership: Membership, last: RenewalOffer | None, day: date, amount: Money, state: LateState
) -> LateMoney:
    row = LateMoney(
        membership=membership, offer=last, value_on=day, amount=amount, state=state,
        asked_on=clock.today() if state is L.ASKED else None,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record(
        "renewal.money_late", row, by="late money", org_id=membership.org_id, value_on=day, amount=amount,
        outcome=state,
    )  # fmt: skip
    return row


def _file(membership: Membership, last: RenewalOffer, day: date, answer: Late) -> LateMoney:
    states = {
        Late.CONTINUOUS: L.ASKED, Late.CHOOSE: L.ASKED, Late.REVIEW: L.REVIEW, Late.APPLY: L.APPLY,
    }  # fmt: skip
    row = _add(membership, last, day, last.amount, states[answer])
    if answer is Late.CONTINUOUS:
        _go_on(row, L.CONTINUOUS, by="value date", kind=TermKind.RENEWAL)
    elif answer is Late.CHOOSE:
        late_letters.choose(row)
    elif answer is Late.REVIEW:
        late_letters.review_late(row)
    else:
        row.decided_on, row.decided_by = clock.today(), "late money"
        late_letters.apply_anew(row)
    return row


def locked(late_id: int) -> LateMoney:
    """Return late money under its lock, fresh from the database."""
    return db.session.scalars(
        select(LateMoney)
        .where(LateMoney.id == late_id)
        .with_for_update(of=LateMoney)
        .execution_options(populate_existing=True)
    ).one()


def ways(row: LateMoney) -> dict[LateState, tuple[Period, Money]]:
    """Return the two ways back with the period and price of each: without a gap, or anew from the value date."""
    if row.offer is None:
        return {}
    old = row.offer
    basis, joining = rules_of(old.tier)
    fresh = beginning(row.value_on, basis, joining)
    return {
        L.CONTINUOUS: (Period(old.start, old.end, old.anchor, old.k), old.amount),
        L.FRESH: (fresh, Money(charge(old.period_price.minor, fresh, joining))),
    }


def last_day_to_choose(row: LateMoney) -> date | None:
    """Return the last day on which the member may choose by itself."""
    if row.asked_on is None:
        return None
    return row.asked_on + timedelta(days=int(catalogue.policy("late.silent_days")) - 1)


def allow(late_money: LateMoney, *, by: Person, reason: str) -> None:
    """Let a member choose although the money came very late, as a reviewer."""
    row = locked(late_money.id)
    if row.state is not L.REVIEW:
        raise Refused(_l("Nothing is to be decided about this money any more."))
    move(row, L.ASKED)
    row.reviewed_by, row.reason, row.asked_on = by, reason, clock.today()
    audit.record("renewal.late_allowed", row, by=by, org_id=row.membership.org_id, reason=reason)
    late_letters.choose(row)


def refuse(late_money: LateMoney, *, by: Person, reason: str) -> None:
    """Ask for a new application instead; the money stays the payer's credit."""
    row = locked(late_money.id)
    if row.state is not L.REVIEW:
        raise Refused(_l("Nothing is to be decided about this money any more."))
    move(row, L.APPLY)
    row.reviewed_by, row.reason = by, reason
    row.decided_on, row.decided_by = clock.today(), by.name
    audit.record("renewal.late_refused", row, by=by, org_id=row.membership.org_id, reason=reason)
    late_letters.apply_anew(row)


def release(late_money: LateMoney, *, by: Person, reason: str) -> None:
    """Note what finance or the secretary decided about the money of somebody who was expelled; nothing revives."""
    row = locked(late_money.id)
    move(row, L.SETTLED)
    row.reason, row.decided_on, row.decided_by = reason, clock.today(), by.name
    audit.record("renewal.late_settled", row, by=by, org_id=row.membership.org_id, reason=reason)


def choose(late_money: LateMoney, how: LateState, *, by: Person | str) -> RenewalOffer:
    """Go on without a gap, or begin anew: the money covers it at once and what is left stays credit."""
    return _go_on(locked(late_money.id), how, by=by)


def _go_on(
    row: LateMoney, how: LateState, *, by: Person | str, kind: TermKind = TermKind.REINSTATEMENT
) -> RenewalOffer:
    if row.state is not L.ASKED or row.offer is None or how not in (L.CONTINUOUS, L.FRESH):
        raise Refused(_l("Nothing is to be decided about this money any more."))
    if (
        terms.standing(row.membership) is Standing.EXPELLED
        or renewal_queries.why_not(row.offer.term) is not None
    ):
        raise Refused(_l("This membership cannot go on this way: please write to us."))
    period, amount = ways(row)[how]
    if covered_on(row.membership, amount) is None:
        raise Refused(_l("The money is not here any more. Please write to us."))
    move(row, how)
    row.decided_on, row.decided_by = clock.today(), str(getattr(by, "name", by))[:120]
    db.session.flush()
    _basis, joining = rules_of(row.offer.tier)
    made = renewing.offer_again(row.offer, kind, period, joining, by=by)
    audit.record(
        "renewal.late_chosen", row, by=by, org_id=row.membership.org_id, outcome=how, start=period.start
    )
    renewing.pay_from_credit(renewing.invoice(made, by=by), by=by)
    return made


def silent(late_id: int) -> int:
    """Begin anew, or as the catalogue says, for a member who did not choose in time; return whether that was due."""
    row = locked(late_id)
    last = last_day_to_choose(row)
    if row.state is not L.ASKED or last is None or clock.today() <= last:
        return 0
    if _went_away(row):
        return 1
    _go_on(row, LateState(str(catalogue.policy("late.silent"))), by="silence")
    return 1
