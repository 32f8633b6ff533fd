"""From scores to certificates: secret until released, the community's votes, one decision, appeals, the cut of a panel."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.accounts.people import Person
from portal.certs import (
    appealing,
    case_facts,
    cases,
    conflicts,
    deciding,
    grade_chores,
    grade_privacy,
    items,
    live_agreement,
    live_sittings,
    panels,
    releasing,
    reviewing,
    score_report,
    tally,
)
from portal.certs.case_rules import freeze
from portal.certs.grade_verify import verify_results
from portal.certs.models.award import Award
from portal.certs.models.bank import ItemVersion
from portal.certs.models.booking import BookingState
from portal.certs.models.deciding import AppealState, Ballot, Remedy, ReviewState, Verdict
from portal.certs.models.delivery import AttemptState
from portal.certs.models.eligibility import Eligibility
from portal.certs.models.grading import ExamCase, Tie
from portal.certs.reviewing import POINTS
from portal.core import catalogue, clock
from portal.core.db import db, transaction
from portal.core.errors import Forbidden, Missing
from portal.core.mail import MailMessage
from tests import awarded, graded, seats
from tests.graded import LOW, who
from tests.membership import inside
from tests.seats import refused

BALLOTS = st.dictionaries(st.integers(1, 9), st.sampled_from(Ballot), max_size=9)


def passed(app: Flask, *names: str) -> list[ExamCase]:
    """Let candidates pass and their results be released; call within the application."""
    graded.house(*names)
    awarded.make_keys()
    rows = graded.ended(*names)
    for case in rows:
        graded.marked(case)
    releasing.release_session(rows[0].attempt.booking.session, by=who("certs"))
    return rows


def titles(name: str) -> list[str]:
    """Return the titles of the mails to one of the cast, the oldest first."""
    rows = db.session.query(MailMessage).filter(MailMessage.address == who(name).email)
    return [one.title for one in rows.order_by(MailMessage.id)]


def approve(case: ExamCase, *names: str) -> None:
    review = reviewing.of_case(case)
    assert review is not None
    for name in names:
        reviewing.vote(review, by=who(name), ballot=Ballot.APPROVE, ticked=list(POINTS), reason="fit")
    review.closes_at = clock.now()
    db.session.flush()
    assert reviewing.close(review, by="close_reviews") == 1


def test_results_are_secret_until_the_whole_session_is_released_by_somebody_who_marked_nothing(
    app: Flask,
) -> None:
    with inside(app):
        graded.house("amy", "bob")
        amy, bob = graded.ended("amy", "bob")
        session = amy.attempt.booking.session
        graded.marked(amy)
        assert score_report.report(amy) is None
        with refused("1 attempt of this session"):
            releasing.release_session(session, by=who("certs"))
        with refused("reason"):
            releasing.release(amy, by=who("certs"), reason=" ")
        with refused("marked this work", kind=Forbidden):
            releasing.release(amy, by=db.session.get_one(Person, next(iter(conflicts.markers(amy)))), reason="soon")  # fmt: skip
        graded.marked(bob, LOW, LOW)
        releasing.hold(bob, by=who("certs"), reason="an incident is looked into")
        assert releasing.release_session(session, by=who("certs")) == 1
        assert (amy.attempt.state, bob.attempt.state) == (AttemptState.RELEASED, AttemptState.SCORED)
        with refused("held"):
            releasing.release(bob, by=who("certs"), reason="soon")
        releasing.lift(bob, by=who("certs2"))
        assert releasing.release_session(session, by=who("certs")) == 1
        booking = graded.booking_of(bob)
        assert (booking.state, booking.outcome) == (BookingState.SAT, "failed")
        report = score_report.report(bob)
        assert report is not None
        assert report.band is not None
        assert report.band.low <= report.total <= report.band.high
        again = score_report.again(bob)
        assert again.start == clock.today() + timedelta(days=14)
        assert again.left_until == booking.eligibility.ends_on
        assert (report.passed, [one.enough for one in report.parts]) == (False, [True, False])
        assert {one.name for one in report.criteria} == {
            "Correctness",
            "Performance",
            "Tests",
            "Documentation",
        }
        titles = {
            one.title for one in db.session.query(MailMessage).filter(MailMessage.address.startswith("bob@"))
        }
        assert {one.partition(":")[0] for one in titles} >= {"Your result is held", "Not passed this time"}
        assert verify_results() == (2, [])


def test_what_passed_and_was_approved_is_decided_once_by_somebody_without_a_part_in_it(app: Flask) -> None:
    with inside(app):
        (case,) = passed(app, "amy")
        assert deciding.waiting() == []
        with refused("nothing to decide"):
            deciding.decide(case, Verdict.GRANTED, by=who("deng"), reason="clean")
        approve(case, "rui", "rong")
        assert deciding.waiting() == [case]
        assert [titles(one)[-1] for one in ("deng", "ding")] == ["Certificates wait for a decision"] * 2
        marker = db.session.get_one(type(case.person), next(iter(conflicts.markers(case))))
        conflicts.declare(who("ding"), case.person, Tie.FAMILY, "cousin")
        for nobody in (marker, who("rui"), who("ding"), case.person, who("proctor")):
            with refused(kind=Forbidden):
                deciding.decide(case, Verdict.GRANTED, by=nobody, reason="clean")
        made = deciding.decide(case, Verdict.GRANTED, by=who("deng"), reason="clean")
        with refused("nothing to decide"):
            deciding.decide(case, Verdict.REFUSED, by=who("pan"), reason="late")
        award = db.session.query(Award).one()
        assert (award.decision, award.person, award.name_latin) == (made.subject, case.person, "Amy")
        assert deciding.waiting() == []
        assert verify_results() == (1, [])


@settings(max_examples=300)
@given(BALLOTS, st.integers(1, 2))
def test_votes_come_to_one_outcome_and_more_approval_never_makes_it_worse(
    votes: dict[int, Ballot], turn: int
) -> None:
    order = [ReviewState.REJECTED, ReviewState.RETURNED, ReviewState.APPROVED]
    share = Fraction(2, 3)
    before = tally.outcome(votes, share=share, turn=turn)
    silent = {**votes, 10: Ballot.ABSTAIN, 11: Ballot.RECUSE}
    assert tally.outcome(silent, share=share, turn=turn) is before
    assert tally.enough(silent, 3) == tally.enough(votes, 3)
    for number, ballot in votes.items():
        if ballot in (Ballot.RETURN, Ballot.REJECT):
            after = tally.outcome({**votes, number: Ballot.APPROVE}, share=share, turn=turn)
            assert order.index(after) >= order.index(before)
    assert turn == 1 or before is not ReviewState.RETURNED


def test_too_few_votes_extend_a_review_once_and_a_work_sent_back_is_revised_once(app: Flask) -> None:
    with inside(app):
        (case,) = passed(app, "amy")
        review = reviewing.of_case(case)
        assert review is not None
        reviewing.vote(review, by=who("rui"), ballot=Ballot.RETURN, ticked=[], reason="no licence")
        reviewing.vote(review, by=who("rong"), ballot=Ballot.RECUSE, ticked=[], reason="a friend")
        with refused("every point"):
            reviewing.vote(review, by=who("ran"), ballot=Ballot.APPROVE, ticked=["licence"], reason="fit")
        end = review.closes_at
        db.session.commit()
    with inside(app), clock.stopped_at(end):
        assert [grade_chores.close_reviews() for _n in range(2)] == [1, 0]
    with inside(app), clock.stopped_at(end + reviewing.LONGER):
        assert grade_chores.close_reviews() == 0
        review = db.session.query(type(review)).one()
        assert review.extended
        with transaction():
            reviewing.vote(review, by=who("ran"), ballot=Ballot.APPROVE, ticked=list(POINTS), reason="fit")
        assert [grade_chores.close_reviews() for _n in range(2)] == [1, 0]
        review = db.session.query(type(review)).one()
        assert review.state is ReviewState.RETURNED
        with transaction():
            reviewing.revise(review, by=review.case.person, words="Licence added.")
        assert (review.state, review.turn, reviewing.votes(review)) == (ReviewState.OPEN, 2, {})


def test_an_appeal_in_time_is_judged_by_two_who_are_new_to_the_case_and_a_score_never_falls(
    app: Flask,
) -> None:
    with inside(app):
        graded.house("amy")
        who("amy").language = who("peng").language = "zh_Hans_CN"
        (case,) = graded.ended("amy")
        graded.marked(case, LOW, LOW)
        releasing.release_session(case.attempt.booking.session, by=who("certs"))
        with refused(kind=Missing):
            appealing.lodge(case, by=who("pan"), words="not mine")
        row = appealing.lodge(case, by=case.person, words="The tests ran.")
        assert row.state is AppealState.ADMITTED
        assert appealing.pending(case.person.id, "OPDEV")
        with refused("already"):
            appealing.lodge(case, by=case.person, words="again")
        marker = db.session.get_one(type(case.person), next(iter(conflicts.markers(case))))
        with refused(kind=Forbidden):
            appealing.judge(row, Remedy.REMARK, by=marker, answer="no")
        with refused("does not fit"):  # nothing was decided yet that could be decided anew
            appealing.judge(row, Remedy.DECIDE_ANEW, by=who("pan"), answer="no")
        appealing.judge(row, Remedy.REMARK, by=who("pan"), answer="Two others mark it.")
        with refused(kind=Forbidden):
            appealing.confirm(row, by=who("pan"))
        old = conflicts.markers(case)
        appealing.confirm(row, by=who("peng"))
        fresh = graded.assigned(case)
        assert len(fresh) == 2
        assert not old & {one.grader_id for one in fresh}
        before = cases.current(case)
        for one in fresh:
            assert appealing.pending(case.person.id, "OPDEV")
            graded.give(one, dict.fromkeys(LOW, 0))
        assert cases.current(case) is before
        assert verify_results() == (1, [])
        assert not appealing.pending(case.person.id, "OPDEV")
        # Everybody is told in his own language: the candidate and one of the panel read Chinese, the other English.
        assert [one.partition("：")[0] for one in titles("amy")][-4:] == [
            "本次未通过",
            "您的申诉",
            "申诉成立",
            "已重新评分",
        ]
        assert titles("peng")[-1].startswith("申诉答复待另一位成员确认：")
        assert titles("pan") == ["An appeal to judge: FlagOS Operator Developer"]


def test_copies_of_works_are_forgotten_when_their_time_is_over_also_those_that_hold_files_alone(
    app: Flask,
) -> None:
    with inside(app):
        graded.house("amy", "bob")
        amy, bob = graded.ended("amy", "bob")
        for case in (amy, bob):
            graded.marked(case)
        (first,), (second,) = case_facts.works_of(amy, 1), case_facts.works_of(bob, 1)
        first.text, first.files, second.text = "", [{"sha256": "0" * 64, "size": 1}], ""
        releasing.release_session(amy.attempt.booking.session, by=who("certs"))
        later = clock.now() + timedelta(days=1)
        due = grade_privacy._due(later)
        assert list(db.session.scalars(due)) == [first.id]
        grade_privacy._forget_work(first.id)
        assert list(db.session.scalars(due)) == []


def test_a_better_mark_after_an_appeal_turns_a_fail_into_a_pass_and_a_free_attempt_costs_nothing(
    app: Flask,
) -> None:
    with inside(app):
        graded.house("amy")
        (case,) = graded.ended("amy")
        graded.marked(case, LOW, LOW)
        releasing.release_session(case.attempt.booking.session, by=who("certs"))
        for remedy, one, other in ((Remedy.REMARK, "pan", "peng"), (Remedy.FREE_ATTEMPT, "pei", "piao")):
            row = appealing.lodge(case, by=case.person, words="The tests ran.")
            appealing.judge(row, remedy, by=who(one), answer="You are right.")
            appealing.confirm(row, by=who(other))
            if remedy is Remedy.REMARK:
                for hand in graded.assigned(case):
                    graded.give(hand)
        kept = cases.current(case)
        assert kept is not None
        assert (kept.passed, kept.body["round"], graded.booking_of(case).outcome) == (True, 2, "passed")
        assert db.session.query(Eligibility).filter_by(person_id=case.person.id).count() == 2
        assert verify_results() == (1, [])


def test_an_appeal_after_its_time_is_kept_and_answered_so(app: Flask) -> None:
    with inside(app):
        (case,) = passed(app, "amy")
        until = appealing.last_moment(case)
        number = case.id
        db.session.commit()
    assert until is not None
    with inside(app), clock.stopped_at(until), transaction():
        case = db.session.get_one(ExamCase, number)
        assert appealing.lodge(case, by=case.person, words="late").state is AppealState.TOO_LATE
        assert (
            appealing.lodge(case, by=case.person, words="late", complaint=True).state is AppealState.ADMITTED
        )


def test_results_release_themselves_when_their_hour_has_come_and_live_marks_are_taken_over_for_analysis(
    app: Flask,
) -> None:
    with inside(app):
        graded.house("amy", "bob")
        rows = graded.ended("amy", "bob")
        for case in rows:
            graded.marked(case)
        due = releasing.due(rows[0].attempt.booking.session)
        db.session.commit()
    with inside(app), clock.stopped_at(due - timedelta(seconds=1)):
        assert [grade_chores.release_results() for _n in range(2)] == [1, 0]  # who releases has a mail, once
    with inside(app), clock.stopped_at(due):
        assert [grade_chores.release_results() for _n in range(3)] == [2, 0, 0]
        from portal.certs import sittings

        (sitting,) = sittings.all_of("OPDEV")
        assert (sitting.imported, sitting.candidates) == (False, 2)
        assert sittings.answers(sitting).marks == [(1, 1, 1, 1), (1, 1, 1, 1)]
        assert next((one.item, one.n, one.difficulty) for one in live_sittings.figures("OPDEV")) == (
            "multiple",
            2,
            Fraction(1),
        )
        found = live_agreement.found("OPDEV")
        assert (found.works, found.exact) == (2, Fraction(1))


def test_a_panel_gives_the_cut_of_the_specification_and_a_decider_adopts_it(app: Flask) -> None:
    names = ("gao", "gong", "gu", "guan", "rui")
    sheets = (("0.6", "0.7", "0.5", "1"), ("0.7", "0.8", "0.45", "1"), ("0.55", "0.75", "0.6", "1"), ("0.65", "0.65", "0.55", "1"), ("0.6", "0.7", "0.5", "1"))  # fmt: skip
    with inside(app):
        graded.house("amy")
        graded.bank()
        graded.blueprint()
        judges = [(who(name), "ten years of kernels") for name in names]
        with refused("at least 5"):
            panels.begin("OPDEV", "written", judges[:4], by=who("chief"))
        panel = panels.begin("OPDEV", "written", judges, by=who("chief"))
        for round_no in (1, 2):
            with refused("have not rated"):
                panels.go_on(panel, by=who("chief"))
            for name, sheet in zip(names, sheets, strict=True):
                panels.rate(panel, by=who(name), chances=list(sheet))
            with refused("already"):
                panels.rate(panel, by=who("gao"), chances=list(sheets[0]))
            panels.go_on(panel, by=who("chief"))
            found = panels.figures(panel, round_no)
            assert found is not None
            cut = found
        assert (
            cut.points == sum((Fraction(Decimal(one)) for sheet in sheets for one in sheet), Fraction(0)) / 5
        )
        for share in ("99", "10"):
            with refused("standard error"):
                panels.propose(
                    panel, by=who("chief"), share=share, valid_from=clock.today(), reason="because"
                )
        row = panels.propose(panel, by=who("chief"), share="", valid_from=clock.today(), reason="the panel's")
        with refused(kind=Forbidden):
            panels.decide(row, by=who("gao"), adopt=True)
        panels.decide(row, by=who("deng"), adopt=True)
        session = seats.session(capacity=3)
        attempt = graded.attempt("amy", session, [items.newest(one.item) for one in db.session.query(ItemVersion).order_by("id")])  # fmt: skip
        rules = freeze(attempt)
        written = Fraction(rules["cut"]) - Fraction(3, 5) * Fraction(
            int(catalogue.policy("cut.provisional")), 100
        )
        assert abs(written / Fraction(2, 5) - cut.share) < Fraction(1, 100_000)
        assert rules["provisional"]
