"""Seats that a company buys together: assigned by mail address or code, taken back while nothing is booked."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts import consents
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.issuing import Item
from portal.billing.pricing import WHOLE_BP
from portal.certs import bundle_letters as letters
from portal.certs import buying, levels, seats, tracks, vouchers
from portal.certs.models.booking import LIVE, SPENT, Booking, BookingState, Outcome
from portal.certs.models.eligibility import (
    Bundle,
    BundleSeat,
    BundleState,
    Eligibility,
    EligibilityState,
    ExamKind,
    SeatState,
    VoucherKind,
    VoucherState,
)
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.money import Money, half_up
from portal.core.periods import nth
from portal.core.states import move

B, T = BundleState, SeatState
SEVERAL = {"en": "Discount for several seats", "zh": "团购优惠"}


def discount_bp(quantity: int) -> int:
    """Return what buying so many seats takes off, in basis points."""
    steps = sorted(tuple(one) for one in catalogue.policy("exam.bundle_discounts"))
    return max((int(bp) for least, bp in steps if quantity >= int(least)), default=0)


def item_of(level: str, quantity: int, org: Organisation) -> Item:
    """Return what a company is invoiced for seats: the best one reduction, by number or by membership."""
    price = levels.price(level, ExamKind.EXAM)
    listed = price.listed(quantity)
    several, member = discount_bp(quantity), tracks.member_bp([org])
    off = Money(half_up(listed.minor * max(several, member), WHOLE_BP))
    words = SEVERAL if several >= member else buying.MEMBER
    return Item(price, quantity=quantity, discount=off, discount_words=words if off else {})


def buy(org: Organisation, level: str, quantity: int, *, by: Person) -> Bundle:
    """Order seats for a company; they can be assigned once the invoice is settled, for twelve months from today."""
    if quantity < 1:
        raise Refused(_l("Please say how many, at least one."), field="quantity", status=422)
    today = clock.today()
    row = Bundle(
        org=org, level=level, scheme=levels.level(level).scheme, seats=quantity, bought_on=today, by=by,
        free_retakes=levels.number("attempts.free_retakes"), ends_on=nth(today, levels.number("eligibility.months"), 1),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    row.order = issuing.place_order(issuing.party_of(org), row.subject, [item_of(level, quantity, org)])
    db.session.flush()
    audit.record("bundle.ordered", row, by=by, org_id=org.id, level=level, quantity=quantity)
    issuing.issue_invoice(row.order, language=by.language, by=by)
    return row


def locked(bundle_id: int) -> Bundle:
    """Return a bundle under its lock."""
    return db.session.get_one(Bundle, bundle_id, with_for_update={"of": Bundle}, populate_existing=True)


def open_paid(bundle_id: int) -> None:
    """Open a bundle whose invoice is settled."""
    row = locked(bundle_id)
    if row.state is not B.PENDING:
        return
    if row.order is not None:
        issuing.agree(row.order, row.bought_on, row.ends_on)
    move(row, B.ACTIVE)
    db.session.flush()
    audit.record("bundle.opened", row, by="exam paid", org_id=row.org_id)
    letters.opened(row)


def taken_back(bundle_id: int) -> None:
    """Close a bundle whose invoice was taken back; `Refused` while seats of it are assigned."""
    row = locked(bundle_id)
    if row.state is B.PENDING:
        move(row, B.DROPPED)
    elif row.state is B.ACTIVE:
        if row.given:
            raise Refused(_l("Seats of this bundle are assigned. They have to be taken back first."))
        move(row, B.ENDED)


def _take_one(bundle_id: int) -> Bundle:
    """Take one free seat of an open bundle by a conditional update; `Refused` if there is none."""
    taken = (
        update(Bundle)
        .where(
            Bundle.id == bundle_id, Bundle.state == B.ACTIVE, Bundle.given < Bundle.seats,
            Bundle.ends_on > clock.today(),
        )
        .values(given=Bundle.given + 1)
        .returning(Bundle.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if db.session.scalar(taken) is None:
        raise Refused(_l("No seat of this bundle is free."))
    return db.session.get_one(Bundle, bundle_id, populate_existing=True)


def assign(bundle_id: int, email: str, *, by: Person) -> BundleSeat:
    """Assign a seat to a mail address: whoever has it, verified, may accept the seat."""
    bundle, address = _take_one(bundle_id), email.strip().lower()
    known = select(BundleSeat.id).where(
        BundleSeat.bundle_id == bundle.id,
        BundleSeat.email == address,
        BundleSeat.state.in_((T.ASSIGNED, T.TAKEN)),
    )
    if db.session.scalar(known) is not None:
        raise Refused(_l("This address has a seat of this bundle already."), field="email", status=422)
    row = BundleSeat(bundle=bundle, email=address)
    db.session.add(row)
    db.session.flush()
    audit.record("bundle.assigned", row, by=by, org_id=bundle.org_id)
    letters.assigned(row)
    return row


def assign_code(bundle_id: int, *, by: Person) -> tuple[BundleSeat, str]:
    """Assign a seat to whoever has a code, which is returned once."""
    bundle = _take_one(bundle_id)
    voucher, code = vouchers.make(
        by=by, kind=VoucherKind.SEAT, words=f"{bundle.level}", starts=clock.today(), ends=bundle.ends_on,
        levels=[bundle.level],
    )  # fmt: skip
    row = BundleSeat(bundle=bundle, voucher=voucher)
    db.session.add(row)
    db.session.flush()
    audit.record("bundle.coded", row, by=by, org_id=bundle.org_id)
    return row, code


def for_me(person: Person) -> list[BundleSeat]:
    """Return the seats that wait for a person's verified address."""
    if person.verified_at is None:
        return []
    return list(
        db.session.scalars(
            select(BundleSeat)
            .join(Bundle, BundleSeat.bundle_id == Bundle.id)
            .where(BundleSeat.email == person.email, BundleSeat.state == T.ASSIGNED, Bundle.state == B.ACTIVE)
            .order_by(BundleSeat.id)
        )
    )


def _open(seat: BundleSeat, person: Person, guardian: str) -> Eligibility:
    bundle = seat.bundle
    if bundle.state is not B.ACTIVE or clock.today() >= bundle.ends_on:
        raise Refused(_l("The time of this seat is over."))
    move(seat, T.TAKEN)
    row = Eligibility(
        person=person, level=bundle.level, kind=ExamKind.EXAM, scheme=bundle.scheme, bought_on=bundle.bought_on,
        ends_on=bundle.ends_on, free_retakes=bundle.free_retakes, seat=seat, guardian=guardian,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    buying.open_now(row, by=person)
    return row


def _locked_seat(seat_id: int) -> BundleSeat:
    return db.session.get_one(BundleSeat, seat_id, with_for_update={"of": BundleSeat}, populate_existing=True)


def accept(seat: BundleSeat, *, person: Person, guardian: str = "") -> Eligibility:
    """Accept a seat assigned to one's own address: an eligibility opens, which ends with the bundle."""
    locked(seat.bundle_id)
    row = _locked_seat(seat.id)
    if person.verified_at is None or row.email != person.email:
        raise Missing(_l("There is no such seat, or it is not yours."))
    return _open(row, person, guardian)


def redeem(code: str, *, person: Person, guardian: str = "") -> Eligibility:
    """Accept the seat of a code; the code is good once."""
    voucher = vouchers.redeem(code, person)
    seat = db.session.scalars(select(BundleSeat).where(BundleSeat.voucher_id == voucher.id)).first()
    if seat is None:
        raise Refused(_l("This voucher code is not valid here."), field="code", status=422)
    locked(seat.bundle_id)
    made = _open(_locked_seat(seat.id), person, guardian)
    vouchers.note(voucher, made, person)
    return made


def take_back(seat: BundleSeat, *, by: Person) -> None:
    """Take a seat back that nothing is booked with: it may be assigned anew."""
    code = vouchers.locked(seat.voucher_id) if seat.voucher_id is not None else None
    bundle = locked(seat.bundle_id)
    if seat.eligibility is not None:
        seats.lock_candidate(seat.eligibility.person_id)
        eligibility = buying.locked(seat.eligibility.id)
        if buying.booked(eligibility):
            raise Refused(_l("With this seat an exam is booked or was sat: it stays with its candidate."))
        if eligibility.state is EligibilityState.ACTIVE:
            move(eligibility, EligibilityState.ENDED)
    row = _locked_seat(seat.id)
    move(row, T.RETURNED)
    bundle.given -= 1
    if code is not None and code.state is VoucherState.ACTIVE:
        move(code, VoucherState.ENDED)
    db.session.flush()
    audit.record("bundle.taken_back", row, by=by, org_id=bundle.org_id)


@dataclass(frozen=True, slots=True)
class Counts:
    """What the buyer sees of his seats; each seat counts once."""

    free: int
    assigned: int
    booked: int
    sat: int


def standing_of(seat: BundleSeat, states: dict[int, set[BookingState]]) -> str:
    """Return how far a seat is: assigned, booked or sat."""
    mine = states.get(seat.eligibility.id, set()) if seat.eligibility is not None else set()
    if mine & set(SPENT):
        return "sat"
    return "booked" if mine & set(LIVE) else "assigned"


def states_of(rows: list[BundleSeat]) -> dict[int, set[BookingState]]:
    """Return the states of the bookings made with seats, by eligibility."""
    ids = [one.eligibility.id for one in rows if one.eligibility is not None]
    found: dict[int, set[BookingState]] = {}
    for number, state in db.session.execute(
        select(Booking.eligibility_id, Booking.state).where(Booking.eligibility_id.in_(ids))
    ):
        found.setdefault(number, set()).add(state)
    return found


def results_of(rows: list[BundleSeat]) -> dict[int, Outcome]:
    """Return the newest released pass or fail of seats, by eligibility, of those candidates who allow it today."""
    taken = [one.eligibility for one in rows if one.eligibility is not None]
    agreed = consents.standing_among(consents.EXAM_RESULTS, {one.person_id for one in taken})
    found: dict[int, Outcome] = {}
    for number, outcome in db.session.execute(
        select(Booking.eligibility_id, Booking.outcome)
        .where(
            Booking.eligibility_id.in_([one.id for one in taken if one.person_id in agreed]),
            Booking.outcome.in_((Outcome.PASSED, Outcome.FAILED)),
            Booking.released_at.is_not(None),
        )
        .order_by(Booking.released_at, Booking.id)
    ):
        if outcome is not None:
            found[number] = outcome
    return found


def has_taken(person: Person) -> bool:
    """Whether a person sits, or sat, an exam on a company's seat."""
    mine = select(Eligibility.id).where(Eligibility.person_id == person.id, Eligibility.seat_id.is_not(None))
    return db.session.scalars(mine.limit(1)).first() is not None


def open_seats(bundle: Bundle) -> list[BundleSeat]:
    """Return the seats of a bundle that are with somebody."""
    return list(
        db.session.scalars(
            select(BundleSeat)
            .where(BundleSeat.bundle_id == bundle.id, BundleSeat.state.in_((T.ASSIGNED, T.TAKEN)))
            .order_by(BundleSeat.id)
        )
    )


def counts(bundle: Bundle) -> Counts:
    """Return how many seats are free, assigned, booked and sat."""
    rows = open_seats(bundle)
    states = states_of(rows)
    kinds = [standing_of(one, states) for one in rows]
    return Counts(bundle.seats - bundle.given, *(kinds.count(kind) for kind in ("assigned", "booked", "sat")))
