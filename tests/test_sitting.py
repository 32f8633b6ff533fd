"""Sitting an exam, verb by verb: let in, started, saved, late, taken over, given time, handed in, closed by the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal.accounts.may import StaffRole
from portal.certs import (
    answering,
    case_facts,
    cases,
    handing,
    invalidating,
    proctoring,
    sessions,
    sitting,
    sitting_chores,
)
from portal.certs.answering import Elsewhere, Over
from portal.certs.events import AttemptEnded
from portal.certs.gift_answers import Kind
from portal.certs.models.booking import Booking, BookingState, Outcome
from portal.certs.models.delivery import (
    Answer,
    AnswerSave,
    Attempt,
    AttemptState,
    Ending,
    PartState,
    Submission,
)
from portal.certs.models.watching import (
    IdentityCheck,
    Incident,
    IncidentKind,
    Invalidation,
    InvalidationState,
    Paper,
    Severity,
)
from portal.certs.sitting_verify import verify_sittings
from portal.core import audit, catalogue, clock, files
from portal.core.db import db, let_go, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from tests import seats
from tests import sittings as sit
from tests.membership import inside
from tests.people import make_person
from tests.seats import refused, who
from tests.sittings import HERE, MINUTE, THERE

A, P = AttemptState, PartState


def sound() -> None:
    count, faults = verify_sittings()
    assert count
    assert faults == []


def test_a_candidate_is_let_in_with_a_document_of_which_only_four_signs_are_kept(app: Flask) -> None:
    begin = sit.scene(app, "lin")
    with inside(app), clock.stopped_at(begin), transaction():
        row = db.session.query(Booking).one()
        with refused("last four"):
            sitting.check_in(row, paper=Paper.PASSPORT, last_four="1", by=who("proctor"))
        with refused("Only the proctors", Forbidden):
            sitting.check_in(row, paper=Paper.PASSPORT, last_four="1234", by=who("certs"))
        made = sit.let_in("lin")
        assert (made.state, made.person_id, made.factor) == (A.READY, who("lin").id, 100)
        assert [(one.code, one.written, one.minutes, one.state) for one in made.parts] == [
            ("written", True, 60, P.TO_COME), ("practical", False, 2880, P.TO_COME),
        ]  # fmt: skip
        check = db.session.query(IdentityCheck).one()
        assert (check.last_four, check.by_id) == ("12X4", who("proctor").id)
        with refused("not opened"):
            sitting.start(made, device_hash=HERE, rules="1", language="en", by=made.person)
        with refused("Only the candidate", Forbidden):
            sitting.start(made, device_hash=HERE, rules="1", language="en", by=who("proctor"))


def test_start_freezes_the_form_uses_the_attempt_and_runs_the_clock_with_the_accommodation(
    app: Flask,
) -> None:
    begin = sit.scene(app, "lin")
    with inside(app), clock.stopped_at(begin + 3 * MINUTE), transaction():
        db.session.query(Booking).one().factor = 125
        row = sit.let_in("lin")
        part = sit.start(row)
        assert part.due_at == begin + 3 * MINUTE + 75 * MINUTE
        assert (row.state, row.rules, row.started_at) == (A.RUNNING, "2026-01", begin + 3 * MINUTE)
        assert part.form is not None
        assert part.form.candidate_id == row.person_id
        rows = db.session.query(Answer).filter_by(attempt_id=row.id).all()
        assert sorted(one.position for one in rows) == [1, 2, 3, 4]
        assert {(one.value, one.seq) for one in rows} == {(None, 0)}
        with refused("started already"):
            sit.start(row, THERE)
        sound()


def test_what_was_bought_and_what_stood_at_the_start_counts_whatever_the_catalogue_says_since(
    app: Flask,
) -> None:
    begin = sit.scene(app, "lin", "wang")
    with inside(app), clock.stopped_at(begin), transaction():
        early = sit.let_in("lin")
        sit.start(early)
        frozen = early.frozen
        assert frozen is not None
        written, practical = sit.SCHEME["parts"]
        parts = [{**written, "minutes": 5, "weight": 90}, {**practical, "hours": 1, "weight": 10}]
        catalogue.put("scheme", "OPDEV", {**sit.SCHEME, "votes": 0, "parts": parts}, clock.today())
        rubric = catalogue.entry("rubric", "OPDEV")
        catalogue.put("rubric", "OPDEV", {**rubric, "criteria": rubric["criteria"][:1]}, clock.today())
        seats.rule("cut.provisional", 90)
        late = sit.let_in("wang")
        sit.start(late)
        for row in (early, late):
            assert [one.minutes for one in row.parts] == [60, 2880]
            sitting.hand_in(row, place=1, device_hash=HERE, by=row.person)
            sit.ready_for_practical(row)
            sitting.open_next(row, by=row.person)
            sitting.hand_in(row, place=2, device_hash=None, by=row.person)
        first, second = (cases.begin(row.id) for row in (early, late))
        assert first.rules == {key: said for key, said in frozen.items() if key != "rubrics"}
        assert second.rules["weights"] == first.rules["weights"] == {"written": "2/5", "practical": "3/5"}
        assert (first.rules["cut"], second.rules["cut"]) == ("13/20", "9/10")
        works = [case_facts.works_of(case, 1)[0] for case in (first, second)]
        assert [len(one.rubric["criteria"]) for one in works] == [len(rubric["criteria"]), 1]
        assert works[0].rubric["criteria"][0]["tolerance"] == 1


def test_the_greatest_number_stands_and_older_or_repeated_ones_change_nothing(app: Flask) -> None:
    with sit.at_work(app) as (row, _begin), transaction():
        n = sit.position_of(row, Kind.SINGLE)
        assert sit.save(row, n, "b", 2).taken
        assert not sit.save(row, n, "a", 1).taken
        assert sit.save(row, n, "b", 2).taken
        other = sit.save(row, n, "c", 2)
        assert (other.taken, other.value) == (False, "b")
        assert sit.save(row, n, None, 3).taken
        many = sit.position_of(row, Kind.MULTIPLE)
        assert sit.save(row, many, ["c", "a", "a"], 1, flagged=True).value == ["a", "c"]
        assert sit.answer_at(row, many).flagged
        assert sit.save(row, sit.position_of(row, Kind.SHORT), "  ca\x00che ", 1).value == "cache"
        for value, place in (
            ("z", n),
            (["z"], many),
            (["a"], n),
            ("x" * 501, sit.position_of(row, Kind.NUMERIC)),
        ):
            with refused("no possible answer"):
                sit.save(row, place, value, 9)
        for position, seq in ((99, 1), (n, 0), (n, 2 * 10**9)):
            with refused("no such question"):
                sit.save(row, position, "a", seq)
        assert [one.seq for one in db.session.query(AnswerSave).order_by(AnswerSave.id)] == [2, 3, 1, 1]
        sound()


@pytest.mark.parametrize(("late", "taken"), [(timedelta(0), True), (timedelta(seconds=60), True), (timedelta(seconds=60, microseconds=1), False)])  # fmt: skip
def test_an_answer_comes_in_time_up_to_the_grace_and_not_after(
    app: Flask, late: timedelta, taken: bool
) -> None:
    with sit.at_work(app) as (row, begin), clock.stopped_at(begin + 60 * MINUTE + late):
        n = sit.position_of(row, Kind.SINGLE)
        with transaction():
            if taken:
                assert sit.save(row, n, "a", 1).taken
            else:
                with refused("too late", Over):
                    sit.save(row, n, "a", 1)
        assert sit.answer_at(row, n).value == ("a" if taken else None)


def test_a_proctor_gives_time_to_one_and_to_all_and_the_deadline_follows(app: Flask) -> None:
    with sit.at_work(app) as (row, begin):
        with transaction():
            proctoring.grant(row, 10, reason="fire alarm", by=who("proctor"))
            with refused("1 to 1440"):
                proctoring.grant(row, 0, reason="x", by=who("proctor"))
            with refused("Only the proctors", Forbidden):
                proctoring.grant(row, 5, reason="x", by=who("certs"))
            assert proctoring.outage(sit.session(), 7, reason="power", by=who("proctor")) == 1
        assert row.due_at == begin + 77 * MINUTE
        with clock.stopped_at(begin + 77 * MINUTE), transaction():
            assert sit.save(row, 1, None, 1).taken
        with clock.stopped_at(begin + 79 * MINUTE), transaction(), refused("is over"):
            proctoring.grant(row, 5, reason="too late", by=who("proctor"))
        with reading():
            sound()
            kinds = [one.kind for one in db.session.query(Incident)]
            assert kinds == [IncidentKind.OUTAGE]


def test_one_browser_writes_and_another_goes_on_only_when_freed_or_after_silence_and_a_new_sign_in(
    app: Flask,
) -> None:
    with sit.at_work(app) as (row, begin):
        with transaction():
            with refused("another browser", Elsewhere):
                sit.save(row, 1, None, 1, THERE)
            with refused("still connected", Elsewhere):
                answering.take_over(row, device_hash=THERE, signed_in_at=begin, by=row.person)
        with clock.stopped_at(begin + 2 * MINUTE), transaction():
            with refused("sign in anew", Elsewhere):
                answering.take_over(row, device_hash=THERE, signed_in_at=begin - MINUTE, by=row.person)
            answering.take_over(row, device_hash=THERE, signed_in_at=begin + MINUTE, by=row.person)
            assert sit.save(row, 1, None, 1, THERE).taken
            with refused("another browser", Elsewhere):
                sit.save(row, 1, None, 2)
            proctoring.free_browser(row, by=who("proctor"))
            answering.take_over(row, device_hash=HERE, signed_in_at=None, by=row.person)
            assert sit.save(row, 1, None, 2).taken
        with reading():
            kinds = [one.kind for one in db.session.query(Incident)]
            assert kinds == [IncidentKind.TAKEOVER] * 2


def test_hints_are_noted_and_nothing_else_comes_of_them(app: Flask) -> None:
    with sit.at_work(app) as (row, _begin), transaction():
        for _n in range(60):
            answering.save(
                row.id, [], device_hash=HERE, by=row.person, hints=["focus_lost", "paste", "conduct", "x"]
            )
        rows = db.session.query(Incident).all()
        assert len(rows) == answering.MOST_HINTS
        assert {(one.kind, one.severity) for one in rows} == {
            (IncidentKind.FOCUS_LOST, Severity.HINT), (IncidentKind.PASTE, Severity.HINT),
        }  # fmt: skip
        assert row.state is A.RUNNING


def test_two_hand_ins_are_one_and_the_practical_waits_for_thirty_days(app: Flask) -> None:
    with sit.at_work(app) as (row, begin):
        with clock.stopped_at(begin + 30 * MINUTE), transaction():
            with refused("another browser"):
                sitting.hand_in(row, place=1, device_hash=THERE, by=row.person)
            assert sitting.hand_in(row, place=1, device_hash=HERE, by=row.person)
            assert not sitting.hand_in(row, place=1, device_hash=HERE, by=row.person)
            with refused("is over", Over):
                sit.save(row, 1, None, 5)
        written, practical = row.parts
        assert (written.state, written.ending) == (P.ENDED, Ending.HANDED_IN)
        assert practical.open_until == begin + 30 * MINUTE + timedelta(days=30)
        assert row.state is A.RUNNING
        with reading():
            keys = [one.key for one in db.session.query(MailMessage).filter_by(address="lin@mail.example")]
            assert f"attempt-next-2:{row.uid}" in keys


def put(data: bytes = b"print(1)\n") -> files.Content:
    let_go()
    return files.put(data, "text/plain")


def test_practical_work_is_handed_in_again_and_again_and_the_last_in_time_counts(app: Flask) -> None:
    with sit.hearing(AttemptEnded) as ended, sit.at_work(app) as (row, begin):
        with transaction():
            sitting.hand_in(row, place=1, device_hash=HERE, by=row.person)
            with refused("learning path"):
                sitting.open_next(row, by=row.person)
            sit.ready_for_practical(row)
            part = sitting.open_next(row, by=row.person)
            assert part.due_at == begin + timedelta(hours=48)
            with refused("upload your work"):
                handing.hand_in(row, text="", repository="", commit="", by=row.person)
        content, other = put(), put(b"two\n")
        with transaction():
            one = handing.add(row, content, name="a.py", by=row.person)
            assert handing.add(row, content, name="a.py", by=row.person).id == one.id
            for link, sha in (("http://x.example/r", "a" * 40), ("https://x.example/r", "abc"), ("", "a" * 40), ("https://u:p@x.example/r", "a" * 40)):  # fmt: skip
                with refused():
                    handing.hand_in(row, text="", repository=link, commit=sha, by=row.person)
            first = handing.hand_in(
                row, text="one", repository="https://x.example/r", commit="A" * 40, by=row.person
            )
            assert (first.n, first.commit) == (1, "a" * 40)
        with clock.stopped_at(begin + timedelta(hours=48)), transaction():
            handing.remove(one, by=row.person)
            handing.add(row, other, name="b.py", by=row.person)
            handing.hand_in(row, text="two", repository="", commit="", by=row.person)
        with clock.stopped_at(begin + timedelta(hours=48, minutes=2)):
            with transaction(), refused("deadline has passed"):
                handing.hand_in(row, text="late", repository="", commit="", by=row.person)
            assert sitting_chores.close_sittings() == 1
            assert sitting_chores.close_sittings() == 0
        with reading():
            row = db.session.get_one(Attempt, row.id, populate_existing=True)
            assert (row.state, row.ended_at) == (A.SUBMITTED, begin + timedelta(hours=48))
            counts = handing.counting(row.parts[1])
            assert counts is not None
            assert (counts.n, counts.text, [one["name"] for one in counts.files]) == (2, "two", ["b.py"])
            assert [one.n for one in db.session.query(Submission).order_by(Submission.n)] == [1, 2]
            assert ended[-1].attempt_id == row.id
            sound()


def test_the_clock_hands_in_what_was_saved_whenever_the_chore_comes(app: Flask) -> None:
    with sit.at_work(app) as (row, begin):
        with transaction():
            sit.save(row, 1, None, 1)
        with clock.stopped_at(begin + 61 * MINUTE):
            assert sitting_chores.close_sittings() == 0  # the grace is not over
        with clock.stopped_at(begin + timedelta(days=3)):
            assert sitting_chores.close_sittings() == 1
        with clock.stopped_at(begin + timedelta(days=30, hours=1)):
            assert sitting_chores.close_sittings() == 1
            assert sitting_chores.close_sittings() == 0
        with reading():
            row = db.session.get_one(Attempt, row.id, populate_existing=True)
            assert [(one.ending, one.ended_at) for one in row.parts] == [
                (Ending.TIME_UP, begin + 60 * MINUTE),
                (Ending.NOT_OPENED, begin + 60 * MINUTE + timedelta(days=30)),
            ]
            assert row.state is A.SUBMITTED
            sound()


def test_who_is_let_in_and_never_starts_has_used_the_attempt(app: Flask) -> None:
    begin = sit.scene(app, "lin")
    with inside(app):
        with clock.stopped_at(begin), transaction():
            row = sit.let_in("lin")
        with clock.stopped_at(begin + 60 * MINUTE):
            assert sitting_chores.close_sittings() == 1
            assert sitting_chores.close_sittings() == 0
            with transaction(), refused("started already"):
                sit.start(row)
        with reading():
            booking = db.session.query(Booking).one()
            assert (booking.state, booking.outcome) == (BookingState.SAT, Outcome.ABANDONED)
            assert seats.again(row).state is A.ABANDONED


def test_a_part_is_ended_by_the_proctor_with_an_incident_and_the_result_is_held(app: Flask) -> None:
    with sit.at_work(app) as (row, _begin), transaction():
        with refused("say what happened"):
            proctoring.end_part(row, reason=" ", severity=Severity.MAJOR, by=who("proctor"))
        proctoring.end_part(row, reason="phone", severity=Severity.MAJOR, by=who("proctor"))
        assert row.parts[0].ending is Ending.BY_PROCTOR
        held = proctoring.hold(row, reason="phone", by=who("proctor"))
        with refused("held already"):
            proctoring.hold(row, reason="again", by=who("proctor"))
        with refused("somebody else", Forbidden):
            proctoring.lift(row, by=who("proctor"))
        proctoring.lift(row, by=who("certs"))
        assert held.lifted_at is not None
        assert proctoring.standing_hold(row.id) is None


def doubtful(row: Attempt) -> Invalidation:
    incident = proctoring.note(
        sit.session(), IncidentKind.CONDUCT, Severity.MAJOR, words="phone", by=who("proctor"), attempt=row
    )
    return invalidating.propose(row, incident, reason="used a phone", by=who("chief"))


def test_an_attempt_is_invalid_only_after_the_candidate_was_heard_and_by_another(app: Flask) -> None:
    with sit.at_work(app) as (row, begin):
        with transaction():
            make_person("decider@house.example", "Decider", staff=(StaffRole.DECIDER,))
            made = doubtful(row)
            assert made.not_before == begin + timedelta(days=14)
            with refused("still has time"):
                invalidating.confirm(made, by=who("decider"))
            for person in ("chief", "proctor", "lin"):
                with refused("had a part", Forbidden):
                    invalidating.confirm(made, by=who(person))
            invalidating.hear(made, words="It was off.", by=row.person)
            with refused("answered or decided"):
                invalidating.hear(made, words="Again.", by=row.person)
            invalidating.confirm(made, by=who("decider"))
            assert made.state is InvalidationState.CONFIRMED
        with reading():
            row = db.session.get_one(Attempt, row.id, populate_existing=True)
            assert row.state is A.INVALIDATED
            booking = db.session.query(Booking).one()
            assert (booking.state, booking.outcome) == (BookingState.SAT, Outcome.INVALIDATED)
            sound()


def test_a_declined_proposal_lets_the_attempt_stand(app: Flask) -> None:
    with sit.at_work(app) as (row, _begin), transaction():
        make_person("decider@house.example", "Decider", staff=(StaffRole.DECIDER,))
        made = doubtful(row)
        with refused("reason"):
            invalidating.decline(made, reason=" ", by=who("decider"))
        invalidating.decline(made, reason="not proven", by=who("decider"))
        assert (made.state, row.state) == (InvalidationState.DECLINED, A.RUNNING)
        assert invalidating.open_of(row.id) is None


def test_a_session_is_opened_once_near_its_start_and_reported_by_its_proctor(app: Flask) -> None:
    begin = sit.scene(app, "lin")
    with inside(app):
        with clock.stopped_at(begin - 11 * MINUTE), transaction(), refused("ten minutes"):
            proctoring.open_session(sit.session(), by=who("proctor"))
        with clock.stopped_at(begin - 10 * MINUTE), transaction():
            one = proctoring.open_session(sit.session(), by=who("proctor"))
            assert proctoring.open_session(sit.session(), by=who("proctor2")).id == one.id
            with refused("Only the proctors", Forbidden):
                proctoring.open_session(sit.session(), by=who("certs"))
            with refused("moved on"):
                proctoring.report(sit.session(), words="early", by=who("proctor"))
        with clock.stopped_at(begin + timedelta(hours=5)), transaction():
            sessions.close(sit.session().id, by="close_sessions")
            proctoring.report(sit.session(), words="All well.", by=who("proctor"))
            with refused("moved on"):
                proctoring.report(sit.session(), words="Twice.", by=who("proctor"))


def test_a_report_that_nobody_signed_within_a_day_is_asked_for_once(app: Flask) -> None:
    begin = sit.scene(app, "lin")

    def asked() -> list[str]:
        rows = db.session.query(MailMessage).filter(MailMessage.key.startswith("session-report:"))
        return sorted(one.address for one in rows)

    with inside(app):
        with clock.stopped_at(begin + timedelta(hours=2)), transaction():
            sessions.close(sit.session().id, by="close_sessions")
        end = begin + timedelta(hours=1)
        with clock.stopped_at(end + timedelta(hours=23, minutes=59)):
            assert (sitting_chores.close_sittings(), asked()) == (0, [])
        with clock.stopped_at(end + timedelta(hours=24)):
            assert [sitting_chores.close_sittings() for _ in range(3)] == [1, 0, 0]
            assert asked() == ["proctor2@house.example", "proctor@house.example"]
            with transaction():
                proctoring.report(sit.session(), words="All well.", by=who("proctor"))
        with clock.stopped_at(end + timedelta(days=40)):
            assert sitting_chores.close_sittings() == 0


def test_everything_is_in_the_audit_and_nothing_on_record_changes(app: Flask) -> None:
    with sit.at_work(app) as (row, _begin):
        with transaction():
            sit.save(row, 1, None, 1)
            proctoring.grant(row, 1, reason="bell", by=who("proctor"))
        with reading():
            said = [one.verb for one in db.session.scalars(audit.of_subject(row.subject))]
            assert sorted(said) == ["attempt.ready", "attempt.started", "attempt.time_granted"]
        for table in ("exam_answer_save", "exam_time_grant", "exam_identity_check", "exam_opening"):
            with pytest.raises(Exception, match="on record"), transaction():
                db.session.execute(text(f"UPDATE {table} SET by_id = 1" if table != "exam_answer_save" else "UPDATE exam_answer_save SET seq = 9"))  # fmt: skip


def test_a_wrong_clock_or_answer_is_found(app: Flask) -> None:
    with sit.at_work(app) as (row, begin):
        with transaction():
            sit.save(row, 1, None, 1)
            row.parts[0].due_at = begin
            sit.answer_at(row, 1).seq = 7
        with reading():
            found = verify_sittings()[1]
    assert any("minutes and grants" in one for one in found)
    assert any("not what was saved last" in one for one in found)


def test_a_candidate_of_another_attempt_reaches_nothing(app: Flask) -> None:
    begin = sit.scene(app, "lin", "mo")
    with inside(app), clock.stopped_at(begin), transaction():
        mine, other = sit.let_in("lin"), sit.let_in("mo")
        sit.start(mine)
        with refused("not yours", Refused):
            answering.save(mine.id, [], device_hash=HERE, by=other.person)
