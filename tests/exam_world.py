"""Rows of exams for walks over every door: a candidate of company A with a booking, a bundle of the company, staff's proposals."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.certs import aids, booking, bundles, buying, exam_deeds, sessions, vouchers
from portal.certs.models.booking import Mode
from portal.certs.models.care import Aid
from portal.certs.models.eligibility import Eligibility, EligibilityState, VoucherKind
from portal.core import clock
from portal.core.db import db
from tests import seats
from tests.people import make_person

# What stands in an address of these pages, by endpoint and parameter.
KNOWN = {
    ("exams", "uid"): "exam_booking",
    ("exams", "code"): "word:OPDEV",
    ("exams.session", "uid"): "word:" + "0" * 32,
    ("exams.hold", "uid"): "word:" + "0" * 32,
    ("exams.queue", "uid"): "word:" + "0" * 32,
    ("exams.refund", "uid"): "exam_eligibility",
    ("exams.accept_seat", "uid"): "exam_seat",
    ("exams.withdraw_accommodation", "uid"): "exam_aid",
    ("exams.bundle", "uid"): "exam_bundle",
    ("exams.assign_seat", "uid"): "exam_bundle",
    ("exams.code_seat", "uid"): "exam_bundle",
    ("exams.return_seat", "uid"): "exam_seat",
    ("exam_office", "uid"): "exam_booking",
    ("exam_office.session", "uid"): "exam_session",
    ("exam_office.publish", "uid"): "exam_session",
    ("exam_office.resize", "uid"): "exam_session",
    ("exam_office.name_proctors", "uid"): "exam_session",
    ("exam_office.promote", "uid"): "exam_session",
    ("exam_office.propose_call_off", "uid"): "exam_session",
    ("exam_office.confirm_deed", "uid"): "exam_deed",
    ("exam_office.decline_deed", "uid"): "exam_deed",
    ("exam_office.eligibility", "uid"): "exam_eligibility",
    ("exam_office.propose_refund", "uid"): "exam_eligibility",
    ("exam_office.decide_accommodation", "uid"): "exam_aid",
    ("exam_office.approve_voucher", "uid"): "exam_voucher",
    ("exam_office.decline_voucher", "uid"): "exam_voucher",
    ("exam_office.end_voucher", "uid"): "exam_voucher",
    ("api_seats", "uid"): "exam_booking",
    ("api_seats.get_session", "uid"): "word:" + "0" * 32,
}


def rows(person: Person, org: Organisation) -> dict[str, str]:
    """Add a row of each kind for a candidate and his company; call inside a transaction."""
    seats.unasked("OPDEV")
    keeper = make_person("keeper@exams.example", "Keeper", staff=(StaffRole.CERTIFICATION,))
    start = clock.now() + timedelta(days=30)
    place = sessions.draw_up(
        level="OPDEV", starts_at=start, ends_at=start + timedelta(hours=1), tz="Asia/Shanghai", mode=Mode.ONLINE,
        place="https://exam.example", capacity=5, languages=["en"], proctors=[keeper], by=keeper,
    )  # fmt: skip
    sessions.publish_session(place, by=keeper)
    right = buying.buy("OPDEV", person=person, by=person)
    right = db.session.get_one(Eligibility, right.id)
    right.state, right.opened_at = EligibilityState.ACTIVE, clock.now()
    db.session.flush()
    seat = booking.hold(place.id, person=person, by=person)
    seat = booking.confirm(seat, name="Chen", name_latin="", rules="1", language="en", by=person)
    bundle = bundles.buy(org, "OPDEV", 2, by=person)
    bundle.state = type(bundle.state).ACTIVE
    db.session.flush()
    given = bundles.assign(bundle.id, person.email, by=person)
    voucher, _code = vouchers.make(
        by=keeper, kind=VoucherKind.FULL, words="walk", starts=clock.today(), ends=clock.today() + timedelta(days=9), reason="because",
    )  # fmt: skip
    deed = exam_deeds.propose_call_off(place, by=keeper, reason="because")
    aid = aids.ask(person, [Aid.BREAKS], evidence="a letter")
    return {
        "exam_session": place.uid, "exam_eligibility": right.uid, "exam_booking": seat.uid, "exam_bundle": bundle.uid,
        "exam_seat": given.uid, "exam_voucher": voucher.uid, "exam_deed": deed.uid, "exam_aid": aid.uid,
    }  # fmt: skip
