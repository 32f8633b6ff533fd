"""Rows of exams for walks over every door: a candidate of company A with a booking, a bundle of the company, staff's proposals."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.certs import aids, booking, bundles, buying, exam_deeds, seats, sessions, vouchers
from portal.certs.models.booking import Booking, BookingState, ExamSession, Mode
from portal.certs.models.care import Aid
from portal.certs.models.delivery import Attempt, AttemptPart, Upload
from portal.certs.models.eligibility import Eligibility, EligibilityState, ExamKind, VoucherKind
from portal.certs.models.watching import Incident, IncidentKind, Invalidation, Severity
from portal.core import clock
from portal.core.db import db
from portal.core.files import Content, StoredFile
from tests.people import make_person
from tests.seats import unasked

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
    ("exams.sitting", "uid"): "exam_attempt",
    ("exams.start_sitting", "uid"): "exam_attempt",
    ("exams.take_over", "uid"): "exam_attempt",
    ("exams.save_answers", "uid"): "exam_attempt",
    ("exams.save_page", "uid"): "exam_attempt",
    ("exams.confirm_part", "uid"): "exam_attempt",
    ("exams.end_part", "uid"): "exam_attempt",
    ("exams.open_part", "uid"): "exam_attempt",
    ("exams.upload_work", "uid"): "exam_attempt",
    ("exams.hand_in_work", "uid"): "exam_attempt",
    ("exams.material", "uid"): "exam_attempt",
    ("exams.work_file", "uid"): "exam_attempt",
    ("exams.remove_work", "uid"): "exam_attempt",
    ("exams", "file"): "exam_upload",
    ("exams.answer_doubt", "uid"): "exam_invalidation",
    ("exam_office.console", "uid"): "exam_session",
    ("exam_office.console_lines", "uid"): "exam_session",
    ("exam_office.open_session", "uid"): "exam_session",
    ("exam_office.check_in", "uid"): "exam_session",
    ("exam_office.outage", "uid"): "exam_session",
    ("exam_office.note_incident", "uid"): "exam_session",
    ("exam_office.tell", "uid"): "exam_session",
    ("exam_office.sign_report", "uid"): "exam_session",
    ("exam_office.attempt", "uid"): "exam_attempt",
    ("exam_office.give_time", "uid"): "exam_attempt",
    ("exam_office.note_about", "uid"): "exam_attempt",
    ("exam_office.tell_one", "uid"): "exam_attempt",
    ("exam_office.free_browser", "uid"): "exam_attempt",
    ("exam_office.end_attempt", "uid"): "exam_attempt",
    ("exam_office.propose_doubt", "uid"): "exam_attempt",
    ("exam_office.hold_result", "uid"): "exam_attempt",
    ("exam_office.lift_hold", "uid"): "exam_attempt",
    ("exam_office.incident_file", "uid"): "exam_incident",
    ("exam_office.confirm_doubt", "uid"): "exam_invalidation",
    ("exam_office.decline_doubt", "uid"): "exam_invalidation",
    ("exam_office.attach_file", "uid"): "item",
    ("exam_office.task_file", "uid"): "item",
    ("exam_office.task_file", "file"): "word:" + "0" * 32,
    ("exam_office.add_picture", "uid"): "item",
    ("exam_office.remove_picture", "uid"): "item",
    ("exam_office.remove_picture", "picture"): "word:" + "0" * 32,
    ("exam_office.item_picture", "uid"): "item",
    ("exam_office.item_picture", "picture"): "word:" + "0" * 32,
    ("exams.sitting_picture", "uid"): "exam_attempt",
    ("exams.sitting_picture", "picture"): "word:" + "0" * 32,
    ("api_attempts", "uid"): "exam_attempt",
    ("api_seats", "uid"): "exam_booking",
    ("api_seats.get_session", "uid"): "word:" + "0" * 32,
}


def rows(person: Person, org: Organisation, content: Content) -> dict[str, str]:
    """Add a row of each kind for a candidate and his company; call inside a transaction."""
    unasked("OPDEV", "ADAPT")
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
    sat = sitting_rows(person, place, keeper, content)
    return {
        **sat, "exam_session": place.uid, "exam_eligibility": right.uid, "exam_booking": seat.uid, "exam_bundle": bundle.uid,
        "exam_seat": given.uid, "exam_voucher": voucher.uid, "exam_deed": deed.uid, "exam_aid": aid.uid,
    }  # fmt: skip


def sitting_rows(person: Person, like: ExamSession, keeper: Person, content: Content) -> dict[str, str]:
    """Add an attempt of another level that waits in its practical part, with a file and a proposal; call inside a transaction."""
    place = sessions.draw_up(
        level="ADAPT", starts_at=like.starts_at, ends_at=like.ends_at, tz=like.tz, mode=like.mode, place=like.place,
        capacity=5, languages=["en"], proctors=[keeper], by=keeper,
    )  # fmt: skip
    sessions.publish_session(place, by=keeper)
    seats.take(place.id)
    right = Eligibility(
        person=person, level="ADAPT", kind=ExamKind.EXAM, scheme=1, bought_on=clock.today(),
        ends_on=clock.today() + timedelta(days=300), free_retakes=1, state=EligibilityState.ACTIVE,
    )  # fmt: skip
    seat = Booking(
        session=place, person=person, level="ADAPT", eligibility=right, state=BookingState.PRESENT,
        until_at=place.ends_at, name="Chen", language="en",
    )  # fmt: skip
    attempt = Attempt(booking=seat, person=person, level="ADAPT", scheme=1, language="en")
    part = AttemptPart(attempt=attempt, place=1, code="practical", written=False, minutes=60)
    db.session.add_all([right, seat, attempt, part])
    db.session.flush()
    file = StoredFile(
        sha256=content.sha256,
        name="work.txt",
        media_type=content.media_type,
        size=content.size,
        purpose="exam_work",
        person_id=person.id,
    )
    upload = Upload(part=part, file=file, name="work.txt", sha256=content.sha256, size=content.size)
    incident = Incident(
        session=place,
        kind=IncidentKind.CONDUCT,
        severity=Severity.MINOR,
        note="noise",
        attempt=attempt,
        by=keeper,
    )
    doubt = Invalidation(
        attempt=attempt,
        incident=incident,
        reason="because",
        by=keeper,
        not_before=clock.now() + timedelta(days=14),
    )
    db.session.add_all([file, upload, incident, doubt])
    db.session.flush()
    return {
        "exam_attempt": attempt.uid,
        "exam_upload": upload.uid,
        "exam_invalidation": doubt.uid,
        "exam_incident": incident.uid,
    }
