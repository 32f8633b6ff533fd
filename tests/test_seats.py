"""Places in sessions: the lives of bookings at their borders, the queue, moves, two people, and any mix of verbs counted anew."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.certs import aids, asking, attempts, booking, exam_deeds, seat_chores, sessions, waitlist
from portal.certs import seats as rule
from portal.certs.asking import Award
from portal.certs.calendars import calendar
from portal.certs.models.booking import SEATED, Booking, BookingState, ExamSession, Outcome, SessionState
from portal.certs.models.care import Accommodation, Aid, ExamDeed
from portal.certs.models.eligibility import Eligibility, EligibilityState
from portal.certs.seat_verify import verify_seats
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage, _message
from tests import seats
from tests.membership import inside
from tests.undone import part, undone

K = BookingState
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def clean() -> None:
    with reading():
        assert verify_seats()[1] == []


def state(row: Booking) -> BookingState:
    return BookingState(seats.again(row).state)


def titles(name: str) -> list[str]:
    mine = (
        select(MailMessage.title)
        .where(MailMessage.address == f"{name}@mail.example")
        .order_by(MailMessage.id)
    )
    return list(db.session.scalars(mine))


def hold(name: str, row: ExamSession, level: str = "OPDEV") -> Booking:
    person = seats.who(name)
    if not db.session.query(Eligibility).filter_by(person_id=person.id, level=level).count():
        seats.eligible(person, level)
    return booking.hold(row.id, person=person, by=person)


def queue(name: str, row: ExamSession) -> Booking:
    person = seats.who(name)
    seats.eligible(person)
    return waitlist.queue(row.id, person=person, by=person)


def test_a_hold_lasts_fifteen_minutes_and_its_seat_is_free_again(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei")
            place = seats.session(capacity=1)
            row = hold("lin", place)
            assert row.expires_at == NOW + timedelta(minutes=15)
            seats.eligible(seats.who("mei"))
        with clock.stopped_at(NOW), pytest.raises(rule.Full), transaction():
            booking.hold(place.id, person=seats.who("mei"), by=seats.who("mei"))
        with clock.stopped_at(NOW + timedelta(minutes=15)):
            with pytest.raises(Refused, match="time to confirm"), transaction():
                seats.confirm(row)
            assert seat_chores.expire_holds() == 1
            assert seat_chores.expire_holds() == 0
            with transaction():
                assert state(row) is K.LAPSED
                assert state(hold("mei", place)) is K.HELD
        clean()


def test_confirming_mails_a_calendar_and_every_change_raises_its_sequence(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            one, other = seats.session(days=30), seats.session(days=40)
            row = seats.booked("lin", one)
            moved = booking.reschedule(row, other.id, by=row.person)
            booking.cancel(moved, by=row.person)
        with transaction():
            mails = (
                db.session.query(MailMessage)
                .filter(MailMessage.calendar != "")
                .order_by(MailMessage.id)
                .all()
            )
            found = [icalendar.Calendar.from_ical(mail.calendar) for mail in mails]
            assert [one["METHOD"] for one in found] == ["REQUEST", "REQUEST", "CANCEL"]
            events: list[Any] = [next(iter(one.walk("VEVENT"))) for one in found]
            assert [int(one["SEQUENCE"]) for one in events] == [0, 1, 2]
            assert {str(one["UID"]) for one in events} == {f"{row.chain}@127.0.0.1"}
            assert events[0]["DTSTART"].dt == one_start(one)
            assert events[0]["DTSTART"].to_ical().endswith(b"Z")
            alarms = [alarm["TRIGGER"].dt for alarm in events[0].walk("VALARM")]
            assert alarms == [-24 * HOUR, -HOUR]
            part = next(_message(mails[0]).iter_attachments())
            assert part.get_content_type() == "text/calendar"
            assert part.get_param("method") == "REQUEST"
            sent = part.get_payload(decode=True)
            assert isinstance(sent, bytes)
            assert icalendar.Calendar.from_ical(sent)["METHOD"] == "REQUEST"
            assert "METHOD:CANCEL" in calendar(seats.again(moved))
        clean()


def one_start(row: ExamSession) -> datetime:
    return row.starts_at


def test_changes_end_exactly_at_the_cut_off_for_candidates(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei", "bo")
            one, other = seats.session(NOW + 30 * DAY, capacity=3), seats.session(NOW + 40 * DAY, capacity=3)
            first, second, third = (seats.booked(name, one) for name in ("lin", "mei", "bo"))
        end = NOW + 29 * DAY
        with clock.stopped_at(end - timedelta(microseconds=1)), transaction():
            booking.cancel(first, by=first.person)
        with clock.stopped_at(end):
            verbs: tuple[Callable[[], Booking], ...] = (
                lambda: booking.cancel(second, by=second.person),
                lambda: booking.reschedule(second, other.id, by=second.person),
            )
            for verb in verbs:
                with pytest.raises(Refused, match="Changes end 24 hours"), transaction():
                    verb()
            with transaction():
                assert (seats.again(one).booked, seats.again(other).booked) == (2, 0)
                exam_deeds.propose_cancel(second, by=seats.who("certs"), reason="hospital")
                exam_deeds.propose_reschedule(third, other, by=seats.who("certs"), reason="fire alarm")
            with transaction():
                deeds = db.session.query(ExamDeed).order_by(ExamDeed.id).all()
                with seats.refused(None, Forbidden):
                    exam_deeds.confirm(deeds[0], by=seats.who("certs"))
                for deed in deeds:
                    exam_deeds.confirm(deed, by=seats.who("certs2"))
                assert [state(row) for row in (first, second, third)] == [
                    K.CANCELLED,
                    K.CANCELLED,
                    K.RESCHEDULED,
                ]
                assert (seats.again(one).booked, seats.again(other).booked) == (0, 1)
        clean()


def test_a_freed_seat_becomes_an_offer_in_order_and_offers_end_before_the_cut_off(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei", "bo")
            place = seats.session(NOW + 30 * DAY, capacity=1)
            row = seats.booked("lin", place)
        for n, name in enumerate(("mei", "bo")):
            with clock.stopped_at(NOW + n * HOUR), transaction():
                assert waitlist.place_of(queue(name, place)) == n + 1
        late = NOW + 30 * DAY - timedelta(hours=49)
        with clock.stopped_at(late), transaction():
            booking.cancel(row, by=row.person)
            offer = db.session.query(Booking).filter_by(state=K.OFFERED).one()
            assert (offer.person.name, offer.expires_at) == ("Mei", late + 12 * HOUR)
            assert seats.again(place).booked == 1
            assert titles("mei")[-1].startswith("A seat is free for you")
        with clock.stopped_at(late + 12 * HOUR):
            # Within 48 hours nobody is offered it any more: it lies open for all.
            assert seat_chores.expire_holds() == 1
            assert seat_chores.promote_waitlist() == 1
            with transaction():
                assert [one.state for one in db.session.query(Booking).order_by(Booking.id)][1:] == [
                    K.LAPSED,
                    K.LAPSED,
                ]
                assert seats.again(place).booked == 0
        clean()


def test_an_offer_that_lapses_goes_to_the_next(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei", "bo")
            place = seats.session(capacity=1)
            row = seats.booked("lin", place)
            queue("mei", place)
            queue("bo", place)
            booking.cancel(row, by=row.person)
        with clock.stopped_at(NOW + 12 * HOUR):
            assert seat_chores.expire_holds() == 1
            with transaction():
                offer = db.session.query(Booking).filter_by(state=K.OFFERED).one()
                assert offer.person.name == "Bo"
                assert state(seats.confirm(offer)) is K.CONFIRMED
        clean()


def test_taking_an_offer_while_booked_elsewhere_is_a_move(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei", "bo")
            early, later = seats.session(days=20, capacity=1), seats.session(days=40, capacity=1)
            first = seats.booked("lin", early)
            mine = seats.booked("mei", later)
            waiting = waitlist.queue(early.id, person=seats.who("mei"), by=seats.who("mei"))
            queue("bo", later)
            booking.cancel(first, by=first.person)
            taken = seats.confirm(seats.again(waiting))
            assert (state(mine), state(taken), taken.rescheduled_from_id) == (
                K.RESCHEDULED,
                K.CONFIRMED,
                mine.id,
            )
            assert (taken.chain, taken.sequence, taken.moves) == (mine.chain, 1, 1)
            assert db.session.query(Booking).filter_by(state=K.OFFERED).one().person.name == "Bo"
        clean()


def test_a_refused_move_changes_nothing_and_three_moves_are_the_most(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei")
            one, full = seats.session(days=20), seats.session(days=25, capacity=1)
            row = seats.booked("lin", one)
            seats.booked("mei", full)
        with clock.stopped_at(NOW):
            with pytest.raises(rule.Full), transaction():
                booking.reschedule(row, full.id, by=row.person)
            with transaction():
                assert (state(row), seats.again(one).booked) == (K.CONFIRMED, 1)
                two = seats.session(days=26)
                for target in (two, one, two):
                    row = booking.reschedule(row, target.id, by=row.person)
            with pytest.raises(Refused, match="3 times"), transaction():
                booking.reschedule(row, one.id, by=row.person)
        clean()


def test_we_call_a_session_off_and_everything_comes_back(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin", "mei", "bo", "an")
            place, other = seats.session(days=20, capacity=2), seats.session(days=30, capacity=1)
            rows = [seats.booked("lin", place), hold("mei", place), queue("bo", place)]
            taken = seats.booked("an", other)
            exam_deeds.propose_call_off(place, by=seats.who("certs"), reason="No power")
            with seats.refused("made this proposal"):
                exam_deeds.propose_call_off(place, by=seats.who("certs2"), reason="No power")
        with clock.stopped_at(NOW), transaction():
            exam_deeds.confirm(db.session.query(ExamDeed).one(), by=seats.who("chief"))
            assert {state(row) for row in rows} == {K.CALLED_OFF}
            place = seats.again(place)
            assert (place.booked, place.state) == (0, SessionState.CALLED_OFF)
            assert titles("lin")[-1].startswith("Called off by us")
            # Who was booked there stands before everybody who waits already.
            usual = waitlist.queue(other.id, person=seats.who("bo"), by=seats.who("bo"))
            first = waitlist.queue(other.id, person=seats.who("lin"), by=seats.who("lin"))
            assert (waitlist.place_of(first), waitlist.place_of(usual)) == (1, 2)
            booking.cancel(taken, by=taken.person)
            assert state(first) is K.OFFERED
        clean()


def test_who_does_not_come_loses_the_attempt_unless_a_second_person_excuses_it(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            place = seats.session(NOW + 30 * DAY)
            row = seats.booked("lin", place)
        start = NOW + 30 * DAY
        with clock.stopped_at(start + timedelta(minutes=29, seconds=59)):
            assert seat_chores.mark_no_shows() == 0
        with clock.stopped_at(start + timedelta(minutes=30)):
            assert [seat_chores.mark_no_shows() for _ in range(3)] == [1, 0, 0]
            with transaction():
                assert (state(row), seats.again(place).booked) == (K.NO_SHOW, 0)
                eligibility = seats.again(row.eligibility)
                assert (eligibility.state, eligibility.attempts) == (EligibilityState.USED, 1)
        with clock.stopped_at(start + 14 * DAY), pytest.raises(Refused, match="some days"), transaction():
            exam_deeds.propose_excuse(
                row, by=seats.who("certs"), reason="illness", evidence="A doctor's note"
            )
        with clock.stopped_at(start + 13 * DAY), transaction():
            deed = exam_deeds.propose_excuse(
                row, by=seats.who("certs"), reason="illness", evidence="A doctor's note"
            )
            exam_deeds.confirm(deed, by=seats.who("certs2"))
            assert (state(row), seats.again(row.eligibility).state) == (K.EXCUSED, EligibilityState.ACTIVE)
            assert deed.evidence == ""
        clean()


def test_a_fail_gives_one_free_retake_after_the_cool_down(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            row = seats.booked("lin", seats.session(NOW + 2 * DAY))
        with clock.stopped_at(NOW + 2 * DAY):
            with pytest.raises(Forbidden), transaction():
                booking.check_in(row, by=seats.who("certs"))
            with transaction():
                booking.check_in(row, by=seats.who("proctor"))
        told = NOW + 5 * DAY
        with clock.stopped_at(told), pytest.raises(Refused, match="still open"), transaction():
            hold("lin", seats.session(told + 15 * DAY))
        with clock.stopped_at(told), transaction():
            attempts.finish(row, Outcome.FAILED, at=told, by="test")
            assert seats.again(row.eligibility).attempts == 2
            with seats.refused("After the last result"):
                hold("lin", seats.session(told + 14 * DAY - timedelta(seconds=1)))
        with clock.stopped_at(told), transaction():
            retake = seats.confirm(hold("lin", seats.session(told + 14 * DAY)))
        with clock.stopped_at(told + 14 * DAY), transaction():
            booking.check_in(retake, by=seats.who("proctor"))
            attempts.finish(retake, Outcome.FAILED, at=clock.now(), by="test")
            eligibility = seats.again(row.eligibility)
            assert (eligibility.attempts, eligibility.state) == (2, EligibilityState.USED)
            place = seats.session(clock.now() + 31 * DAY)
            with seats.refused("no attempt left"):
                booking.hold(place.id, person=row.person, by=row.person)
        clean()


def test_nobody_is_admitted_after_half_an_hour(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            row = seats.booked("lin", seats.session(NOW + 2 * DAY))
        late = NOW + 2 * DAY + timedelta(minutes=30, seconds=1)
        with clock.stopped_at(late), pytest.raises(Refused, match="too long ago"), transaction():
            booking.check_in(row, by=seats.who("proctor"))


def test_three_attempts_in_twelve_months_and_older_ones_do_not_count(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            for _ in range(2):
                seats.eligible(seats.who("lin"))
        at = NOW
        for _ in range(3):
            at += 40 * DAY
            with clock.stopped_at(at), transaction():
                row = seats.confirm(hold("lin", seats.session(at + 2 * DAY)))
            with clock.stopped_at(at + 2 * DAY), transaction():
                booking.check_in(row, by=seats.who("proctor"))
                attempts.finish(row, Outcome.INVALIDATED, at=clock.now(), by="test")
                seats.eligible(seats.who("lin"))
        with clock.stopped_at(at + 10 * DAY), pytest.raises(Refused, match="3 times"), transaction():
            hold("lin", seats.session(at + 20 * DAY))
        with clock.stopped_at(NOW + 42 * DAY + 330 * DAY), transaction():
            assert state(hold("lin", seats.session(NOW + 42 * DAY + 365 * DAY))) is K.HELD


def test_sessions_that_overlap_and_extra_time_that_makes_them(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            at = NOW + 30 * DAY
            one, next_ = seats.session(at), seats.session(at + HOUR, level="ADAPT")
            seats.holding(monkeypatch, Award("OPDEV", NOW - DAY, NOW + 400 * DAY))
            mine = hold("lin", next_, "ADAPT")
            seats.confirm(mine)
            seats.holding(monkeypatch)
            seats.confirm(hold("lin", one))  # touches its end: no overlap
            row = aids.ask(seats.who("lin"), [Aid.TIME_125, Aid.BREAKS], evidence="A letter")
            with seats.refused("overlap"):
                aids.grant(row, [Aid.TIME_125], by=seats.who("certs"))
        with clock.stopped_at(NOW), transaction():
            booking.cancel(seats.again(mine), by=seats.who("lin"))
            row = db.session.query(Accommodation).one()
            with seats.refused(None, Forbidden):
                aids.grant(row, [Aid.TIME_150], by=seats.who("proctor"))
            aids.grant(row, [Aid.TIME_150], by=seats.who("certs"))
            assert (row.factor, row.evidence) == (150, "")
            kept = db.session.query(Booking).filter_by(state=K.CONFIRMED).one()
            assert (kept.factor, kept.until_at) == (150, at + 1.5 * HOUR)
            seats.holding(monkeypatch, Award("OPDEV", NOW - DAY, NOW + 400 * DAY))
            with seats.refused("overlaps"):
                booking.hold(next_.id, person=seats.who("lin"), by=seats.who("lin"))
        clean()


@pytest.mark.parametrize(
    ("award", "said"),
    [
        (Award("OPDEV", NOW - DAY, NOW + 30 * DAY), "asks for the level"),
        (Award("OPDEV", NOW - DAY, NOW + 30 * DAY + timedelta(seconds=1)), ""),
        (Award("OPDEV", NOW - DAY, NOW + 90 * DAY, suspended=True), "asks for the level"),
        (Award("OPDEV", NOW - DAY, NOW + 90 * DAY, revoked=True), "asks for the level"),
        (Award("ADAPT", NOW - DAY, NOW + 211 * DAY), "renewed in the months"),
        (Award("ADAPT", NOW - DAY, NOW + 210 * DAY), ""),
        (Award("ADAPT", NOW - DAY, NOW + 210 * DAY, suspended=True), "on hold"),
    ],
)
def test_the_level_below_must_be_in_force_at_the_start(
    app: Flask, award: Award, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = Award("OPDEV", NOW - DAY, NOW + 90 * DAY)
    seats.holding(monkeypatch, award, *([below] if award.level == "ADAPT" else []))
    with inside(app), clock.stopped_at(NOW), transaction():
        seats.house("lin")
        place = seats.session(NOW + 30 * DAY, level="ADAPT")
        if said:
            with seats.refused(said):
                hold("lin", place, "ADAPT")
        else:
            assert hold("lin", place, "ADAPT").state is K.HELD


def test_the_window_opens_and_closes(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            place = seats.session(NOW + 100 * DAY)
            seats.eligible(seats.who("lin"))
        for at, said in (
            (NOW + 10 * DAY - timedelta(microseconds=1), "not opened yet"),
            (NOW + 99 * DAY, "has closed"),
        ):
            with clock.stopped_at(at), pytest.raises(Refused, match=said), transaction():
                hold("lin", place)
        with clock.stopped_at(NOW + 10 * DAY), transaction():
            assert hold("lin", place).state is K.HELD


def test_reminders_are_said_once_and_catch_up(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("lin")
            seats.booked("lin", seats.session(NOW + 30 * DAY))
        start = NOW + 30 * DAY
        for before, said in (
            (8 * DAY, 0),
            (7 * DAY, 1),
            (7 * DAY, 0),
            (30 * HOUR, 1),
            (2 * HOUR, 1),
            (HOUR / 2, 1),
        ):
            with clock.stopped_at(start - before):
                assert seat_chores.remind_candidates() == said, before
        with reading():
            found = [one for one in titles("lin") if one.startswith("In ")]
            assert found == [
                f"In {when}: FlagOS Operator Developer"
                for when in ("7 days", "2 days", "24 hours", "an hour")
            ]


def test_capacity_never_falls_below_what_is_booked_and_new_seats_go_to_the_queue(app: Flask) -> None:
    with inside(app), clock.stopped_at(NOW):
        with transaction():
            seats.house("lin", "mei", "bo")
            place = seats.session(capacity=2)
            for name in ("lin", "mei"):
                seats.booked(name, place)
            row = queue("bo", place)
        with pytest.raises(Refused, match="fewer seats"), transaction():
            sessions.resize(place, 1, by=seats.who("certs"))
        with transaction():
            sessions.resize(seats.again(place), 3, by=seats.who("certs"))
            assert (state(row), seats.again(place).booked) == (K.OFFERED, 3)
        clean()


def test_a_session_needs_its_proctors_and_its_forms_to_be_published(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(app), clock.stopped_at(NOW):
        with transaction():
            seats.house()
        with pytest.raises(Refused, match="3 proctors"), transaction():
            seats.session(capacity=41)
        monkeypatch.setattr(asking, "_faults", [lambda _session: ["Topic memory: 4 items are missing."]])
        with pytest.raises(Refused, match="Topic memory"), transaction():
            seats.session()


Deed = Callable[[random.Random, list[ExamSession], Person], None]


def _pick(chance: random.Random, person: Person, *states: BookingState) -> Booking | None:
    rows = (
        db.session.query(Booking)
        .filter(Booking.person_id == person.id, Booking.state.in_(states))
        .order_by(Booking.id)
        .all()
    )
    return chance.choice(rows) if rows else None


def _change(chance: random.Random, places: list[ExamSession], person: Person) -> None:
    row = _pick(chance, person, K.CONFIRMED)
    if row is not None and chance.random() < 0.5:
        booking.cancel(row, by=person)
    elif row is not None:
        booking.reschedule(row, chance.choice(places).id, by=person)


def _answer(chance: random.Random, _places: list[ExamSession], person: Person) -> None:
    row = _pick(chance, person, K.HELD, K.OFFERED, K.WAITING)
    if row is not None and row.state is not K.WAITING and chance.random() < 0.8:
        seats.confirm(row)
    elif row is not None:
        booking.decline(row, by=person)


def _call_off(chance: random.Random, places: list[ExamSession], _person: Person) -> None:
    row = chance.choice(places)
    if chance.random() < 0.25:
        sessions.call_off(row, by=seats.who("chief"), reason="any")
    else:
        sessions.resize(seats.again(row), chance.randint(1, 3), by=seats.who("certs"))


DEEDS: dict[str, Deed] = {
    "hold": lambda chance, places, person: void(
        booking.hold(chance.choice(places).id, person=person, by=person)
    ),
    "queue": lambda chance, places, person: void(
        waitlist.queue(chance.choice(places).id, person=person, by=person)
    ),
    "answer": _answer,
    "change": _change,
    "call_off": _call_off,
}


def void(_value: object) -> None:
    """Drop a value."""


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Return deeds with who does them and how many minutes later."""
    deed = st.sampled_from(["hold", "hold", "queue", "answer", "answer", "change", "call_off"])
    return draw(
        st.lists(st.tuples(deed, st.integers(0, 4), st.sampled_from([0, 1, 14, 400, 3000])), max_size=16)
    )


def test_whatever_mix_of_verbs_booked_is_the_count_of_held_seats(app: Flask) -> None:
    with inside(app):
        with clock.stopped_at(NOW), transaction():
            seats.house("a1", "a2", "a3", "a4", "a5")
            for n in range(1, 6):
                seats.eligible(seats.who(f"a{n}"))
            for days in (5, 9, 12):
                seats.session(days=days, capacity=2)

        @settings(max_examples=part(app, one_in=4), deadline=None, suppress_health_check=list(HealthCheck))
        @given(histories(), st.integers(0, 9999))
        def live(history: list[tuple[str, int, int]], seed: int) -> None:
            chance, at = random.Random(seed), NOW
            with undone(app):
                places = db.session.query(ExamSession).order_by(ExamSession.id).all()
                for what, number, minutes in history:
                    at += timedelta(minutes=minutes)
                    with clock.stopped_at(at):
                        if minutes:
                            seat_chores.expire_holds()
                            seat_chores.promote_waitlist()
                            seat_chores.mark_no_shows()
                        try:
                            with transaction():
                                DEEDS[what](chance, places, seats.who(f"a{number + 1}"))
                        except Refused:
                            pass
                        held = select(func.count(Booking.id)).where(Booking.state.in_(SEATED))
                        whole = select(func.sum(ExamSession.booked))
                        assert db.session.scalar(held) == db.session.scalar(whole)
                assert verify_seats()[1] == []

        live()
