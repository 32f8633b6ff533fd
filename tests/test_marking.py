"""From ended attempts to scores: automatic marks, two blind graders, a third one, mended keys."""

from __future__ import annotations

import os
from fractions import Fraction

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.certs import cases, conflicts, mark_deeds, rekeys, releasing, verdicts
from portal.certs.events import AttemptEnded, AttemptInvalidated
from portal.certs.grade_verify import verify_results
from portal.certs.models.delivery import Answer, AttemptState
from portal.certs.models.grading import Assignment, AssignmentState, ExamCase, Tie
from portal.core import clock, outbox
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.events import publish
from tests import graded, seats
from tests.graded import LOW, TOP, who
from tests.membership import inside
from tests.seats import refused

A = AttemptState


def _state(case: ExamCase) -> AttemptState:
    return case.attempt.state


def passes(*rows: ExamCase) -> list[bool | None]:
    return [one.passed if (one := cases.current(case)) else None for case in rows]


def numbers(*rows: ExamCase) -> list[int]:
    return [one.n if (one := cases.current(case)) else 0 for case in rows]


def test_a_written_part_is_marked_when_the_attempt_ends_and_two_graders_are_drawn(app: Flask) -> None:
    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy", answers={**graded.RIGHT, 2: ["a"]})
        kept = cases.current(case)
        assert kept is not None
        assert kept.body["sections"]["written"]["fraction"] == "3/4"
        assert kept.body["waits"] == ["marks of task"]
        assert (case.attempt.state, kept.passed) == (A.MARKING, None)
        rows = graded.assigned(case)
        assert len({one.grader_id for one in rows}) == 2
        assert len({one.code for one in rows}) == 2
        assert cases.begin(case.attempt_id) is case
        assert verify_results() == (1, [])


def test_two_marks_make_a_score(app: Flask) -> None:
    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy")
        graded.marked(case, TOP, {**TOP, "performance": 2})
        kept = cases.current(case)
        assert kept is not None
        assert (case.attempt.state, kept.passed) == (A.SCORED, True)
        assert Fraction(kept.body["total"]) == Fraction(2, 5) + Fraction(3, 5) * Fraction(19, 20)
        assert verify_results() == (1, [])


MARKS = st.fixed_dictionaries({code: st.integers(0, most) for code, most in TOP.items()})


def test_in_whatever_order_marks_come_how_often_and_with_a_third_the_score_is_the_same(app: Flask) -> None:
    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy")
        hands = [one.id for one in graded.assigned(case)]

        def ends(*given: tuple[int, dict[str, int]], third: dict[str, int]) -> tuple[object, ...]:
            """Hand these marks in, each a second time too; return what the case comes to, and take all back."""
            point = db.session.begin_nested()
            try:
                for number, levels in given:
                    row = db.session.get_one(Assignment, number)
                    graded.give(row, levels)
                    with refused():
                        mark_deeds.mark(row, by=row.grader, levels=TOP, comments={})
                for row in graded.assigned(case, third=True):
                    graded.give(row, third)
                kept = cases.current(case)
                assert kept is not None
                assert verify_results() == (1, [])
                return _state(case), kept.passed, kept.body
            finally:
                point.rollback()
                db.session.expire_all()

        @settings(max_examples=60 if os.environ.get("PROOFS") else 4, deadline=None, database=None)
        @given(MARKS, MARKS, MARKS)
        def same(one: dict[str, int], two: dict[str, int], three: dict[str, int]) -> None:
            first, second = hands
            found = ends((first, one), (second, two), third=three)
            assert found[0] is A.SCORED
            assert ends((second, two), (first, one), third=three) == found
            assert ends((first, two), (second, one), third=three) == found

        same()


def test_graders_who_differ_too_far_call_a_third_and_the_median_counts(app: Flask) -> None:
    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy")
        graded.marked(case, TOP, LOW)
        assert _state(case) is A.ADJUDICATING
        (third,) = graded.assigned(case, third=True)
        assert third.grader_id not in {
            one.grader_id for one in db.session.query(Assignment).filter_by(third=False)
        }
        graded.give(third, {"correct": 2, "performance": 3, "tests": 2, "documents": 1})
        kept = cases.current(case)
        assert kept is not None
        assert _state(case) is A.SCORED
        practical = (4 * Fraction(2, 3) + 3 * 1 + 2 * 1 + 1 * Fraction(1, 2)) / 10
        assert Fraction(kept.body["sections"]["practical"]["fraction"]) == practical
        assert verify_results() == (1, [])


def test_whoever_is_tied_to_a_candidate_never_marks_and_who_notices_gives_the_work_back(app: Flask) -> None:
    from portal.accounts.may import ContactRole
    from tests.people import make_org

    with inside(app):
        graded.house("amy")
        make_org("Kun Chips", (who("amy"), ContactRole.TECHNICAL), (who("gao"), ContactRole.LEGAL))
        (case,) = graded.ended("amy")
        first, second = graded.assigned(case)
        assert who("gao").id not in {first.grader_id, second.grader_id}
        known = first.grader
        with refused("reason"):
            mark_deeds.give_back(first, by=known, reason=" ", tie=Tie.KNOWS)
        mark_deeds.give_back(first, by=known, reason="we studied together", tie=Tie.TAUGHT)
        assert conflicts.barred(case.person)[known.id] == "declared"
        fresh = graded.assigned(case)
        assert len(fresh) == 2
        assert known.id not in {one.grader_id for one in fresh}
        with refused(kind=Missing):
            mark_deeds.mine(first.uid, known)
        late = fresh[0]
        mark_deeds.accept(late, by=late.grader)
        conflicts.declare(late.grader, case.person, Tie.WORK, "found out")
        with refused("cannot mark"):
            mark_deeds.mark(late, by=late.grader, levels=TOP, comments={})
        other = next(one for one in fresh if one is not late)
        with refused(kind=Missing):
            mark_deeds.mine(other.uid, late.grader)
        for wrong in ({}, {**TOP, "correct": 9}, {**TOP, "beauty": 1}):
            with refused("one level"):
                mark_deeds.mark(other, by=other.grader, levels=wrong, comments={})


def test_a_short_answer_no_key_takes_waits_for_a_person_and_then_counts_for_everybody(app: Flask) -> None:
    with inside(app):
        graded.house("amy", "bob")
        rows = graded.ended("amy", "bob", answers={**graded.RIGHT, 4: "Tri-Ton 2"})
        (one,) = verdicts.waiting()
        assert (one.text, one.times) == ("Tri-Ton 2", 2)
        with refused("share"):
            verdicts.say(one.version, one.text, "2", by=who("gu"))
        verdicts.say(one.version, one.text, "0.5", by=who("gu"))
        assert verdicts.waiting() == []
        bodies = [cases.current(case) for case in rows]
        assert [one.body["sections"]["written"]["fraction"] for one in bodies if one] == ["7/8", "7/8"]
        with refused("already"):
            verdicts.say(one.version, "tri-ton  2", "1", by=who("gao"))
        assert verify_results() == (2, [])


def test_a_mended_key_marks_everybody_anew_takes_no_pass_and_done_twice_changes_nothing(app: Flask) -> None:
    with inside(app):
        graded.house("amy", "bob")
        session, versions = seats.session(days=30, capacity=10), graded.bank()
        wrong = {**graded.RIGHT, 1: "b", 2: ["c"], 3: "9"}
        good = cases.begin(graded.attempt("amy", session, versions).id)
        bad = cases.begin(graded.attempt("bob", session, versions, wrong).id)
        for case in (good, bad):
            graded.marked(case)
        releasing.release_session(session, by=who("certs"))
        before = cases.current(bad)
        assert before is not None
        assert before.passed is False
        key = rekeys.weights_of(versions[0], {"a": "0", "b": "1"})
        row = rekeys.propose(versions[0], key, by=who("chief"), reason="the book is wrong")
        assert [(one.before, one.after) for one in rekeys.effects(row)] == [(True, True), (False, True)]
        with refused(kind=Forbidden):
            rekeys.confirm(row, by=who("chief"))
        (side,) = rekeys.confirm(row, by=who("deng"))
        assert side.case is bad
        assert passes(good, bad) == [True, False]
        with refused("counts already"):
            rekeys.propose(versions[0], key, by=who("chief"), reason="again")
        n = numbers(good, bad)
        for case in (good, bad):
            cases.rescore(cases.locked(case), reason="again")
        assert n == numbers(good, bad)
        rekeys.decide_side(side, take=True, by=who("ding"), reason="the key was wrong")
        assert passes(good, bad) == [True, True]
        assert bad.attempt.booking.outcome == "passed"
        with pytest.raises(Refused):
            rekeys.decide_side(side, take=True, by=who("deng"), reason="again")
        assert verify_results() == (2, [])


def test_a_dropped_item_counts_for_nobody_and_the_last_points_cannot_be_dropped(app: Flask) -> None:
    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy", answers={**graded.RIGHT, 1: "b"})
        parts = case.attempt.parts[0]
        versions = [
            one.item_version
            for one in db.session.query(Answer).filter_by(part_id=parts.id).order_by(Answer.position)
        ]
        for n, version in enumerate(versions):
            if n == 3:
                with refused("no points left"):
                    rekeys.propose(version, None, by=who("chief"), reason="ambiguous")
                break
            rekeys.confirm(rekeys.propose(version, None, by=who("chief"), reason="ambiguous"), by=who("deng"))
        kept = cases.current(case)
        assert kept is not None
        assert kept.body["sections"]["written"]["fraction"] == "1"
        assert case.attempt.state is A.MARKING
        assert verify_results() == (1, [])


def test_a_late_grader_is_reminded_once_and_then_somebody_else_marks(app: Flask) -> None:
    from portal.certs import grade_chores

    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy")
        due = graded.assigned(case)[0].due_at
        names = {one.grader_id for one in graded.assigned(case)}
        number = case.id
        db.session.commit()
    with app.app_context(), clock.stopped_at(due - grade_chores.DAY / 2):
        assert [grade_chores.chase_graders() for _n in range(3)] == [2, 0, 0]
    with app.app_context(), clock.stopped_at(due):
        assert [grade_chores.chase_graders() for _n in range(3)] == [2, 0, 0]
        rows = db.session.query(Assignment).filter_by(state=AssignmentState.OFFERED).all()
        assert len(rows) == 2
        assert not names & {one.grader_id for one in rows}
        assert db.session.get_one(ExamCase, number).attempt.state is A.MARKING


def test_an_attempt_that_ends_is_marked_afterwards_and_an_invalid_one_leaves_the_graders(app: Flask) -> None:
    with inside(app):
        graded.house("amy")
        attempt = graded.attempt("amy", seats.session(days=30), graded.bank())
        publish(AttemptEnded(attempt.id))
        db.session.commit()
        assert cases.of_attempt(attempt.id) is None
        outbox.drain()
        case = cases.of_attempt(attempt.id)
        assert case is not None
        assert len(graded.assigned(case)) == 2
        publish(AttemptInvalidated(attempt.id))
        assert graded.assigned(case) == []
