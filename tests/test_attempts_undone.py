"""After the fact: an attempt declared invalid once its award is there, what retention takes of incidents, whose file a grader sees."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from portal.accounts.events import PersonErased
from portal.certs import (
    appealing,
    award_hearing,
    award_proposals,
    blind,
    case_facts,
    cases,
    deciding,
    grade_chores,
    invalidating,
    proctoring,
    releasing,
    reviewing,
    sitting_keeping,
)
from portal.certs.award_proposals import Wanted
from portal.certs.events import AttemptInvalidated
from portal.certs.grade_verify import verify_results
from portal.certs.models.award import Award, AwardState, AwardVerb, RevokeCause
from portal.certs.models.bank import ItemVersion
from portal.certs.models.booking import ExamSession, Outcome
from portal.certs.models.deciding import AppealState, Ballot, ExamAppeal, Remedy, ReviewState, Verdict
from portal.certs.models.delivery import AttemptState, Submission, Upload
from portal.certs.models.eligibility import EligibilityState
from portal.certs.models.grading import ExamCase
from portal.certs.models.watching import Incident, IncidentKind, Invalidation, Notice, Severity
from portal.core import clock, files, outbox, retaining
from portal.core.db import db, let_go, reading, transaction
from portal.core.errors import Forbidden, Missing
from portal.core.events import publish
from portal.core.files import StoredFile
from portal.core.mail import MailMessage
from tests import awarded, graded, seats
from tests import sittings as sit
from tests.graded import LOW, who
from tests.membership import inside
from tests.people import browser, make_person, post
from tests.seats import refused

DAY = timedelta(days=1)


def released(*names: str, low: bool = False) -> list[ExamCase]:
    """Let candidates sit, be marked and told; call within the application."""
    graded.house(*names)
    awarded.make_keys()
    rows = graded.ended(*names)
    for case in rows:
        graded.marked(case, *((LOW, LOW) if low else ()))
    releasing.release_session(rows[0].attempt.booking.session, by=who("certs"))
    return rows


def decided(case: ExamCase) -> Award:
    """Let the community approve a work and a decider grant the certificate."""
    review = reviewing.of_case(case)
    assert review is not None
    for name in ("rui", "rong"):
        reviewing.vote(
            review, by=who(name), ballot=Ballot.APPROVE, ticked=list(reviewing.POINTS), reason="fit"
        )
    review.closes_at = clock.now()
    db.session.flush()
    assert reviewing.close(review, by="close_reviews") == 1
    deciding.decide(case, Verdict.GRANTED, by=who("deng"), reason="clean")
    return db.session.query(Award).one()


def undone(case: ExamCase, kind: IncidentKind = IncidentKind.CONDUCT) -> Invalidation:
    """Declare an attempt invalid: proposed by the chief examiner, answered by the candidate, confirmed by a decider."""
    incident = proctoring.note(
        case.attempt.booking.session, kind, Severity.MAJOR, words="a phone", by=who("proctor"), attempt=case.attempt
    )  # fmt: skip
    row = invalidating.propose(case.attempt, incident, reason="used a phone", by=who("chief"))
    invalidating.hear(row, words="It was off.", by=case.person)
    invalidating.confirm(row, by=who("ding"))
    return row


def test_an_attempt_undone_after_its_award_leads_to_a_revocation_that_two_people_decide_after_a_hearing(
    app: Flask,
) -> None:
    with inside(app):
        (case,) = released("amy")
        award = decided(case)
        undone(case)
        assert (case.attempt.state, award.state) == (AttemptState.INVALIDATED, AwardState.GRANTED)
        (proposal,) = award_proposals.open_for(award)
        assert (proposal.verb, proposal.by, proposal.reason) == (
            AwardVerb.REVOKE,
            who("chief"),
            "used a phone",
        )
        assert proposal.detail == {"cause": RevokeCause.MISCONDUCT}
        told = [one.title for one in db.session.query(MailMessage).filter_by(address=case.person.email)]
        assert "Please answer: revocation of FlagOS Operator Developer" in told
        with refused(kind=Forbidden):
            award_proposals.confirm(proposal, by=who("chief"))
        with refused("still has time"):
            award_proposals.confirm(proposal, by=who("ding"))
        assert proposal.not_before is not None
        with clock.stopped_at(proposal.not_before):
            award_proposals.confirm(proposal, by=who("ding"))
        assert (award.state, award.cause) == (AwardState.REVOKED, RevokeCause.MISCONDUCT)
        assert award_hearing.resting_on(case) == []
        assert verify_results() == (1, [])


def test_a_revocation_under_way_is_not_proposed_twice_and_an_outage_is_nobodys_misconduct(app: Flask) -> None:
    with inside(app):
        amy, ben = released("amy", "ben")
        award = decided(amy)
        first = award_proposals.propose(
            award, AwardVerb.REVOKE, Wanted("by mistake", cause=RevokeCause.ERROR), by=who("certs")
        )
        undone(amy, IncidentKind.OUTAGE)
        assert award_proposals.open_for(award) == [first]
        award_proposals.decline(first, by=who("certs"), reason="was a mistake")
        publish(AttemptInvalidated(amy.attempt_id))
        (second,) = award_proposals.open_for(award)
        assert second.detail == {"cause": RevokeCause.ERROR}
        undone(ben)  # nothing rests on a case without a decision
        assert award_hearing.resting_on(ben) == []


def test_what_is_undone_is_neither_voted_on_nor_marked_nor_turned_and_lets_the_candidate_book_again(
    app: Flask,
) -> None:
    with inside(app):
        amy, ben = released("amy", "ben", low=True)
        appeal = appealing.lodge(amy, by=amy.person, words="please look again")
        appealing.judge(appeal, Remedy.REMARK, by=who("pan"), answer="we look again")
        appealing.confirm(appeal, by=who("peng"))
        later = appealing.lodge(amy, by=amy.person, words="and again")
        appealing.judge(later, Remedy.REMARK, by=who("pei"), answer="once more")
        assert len(graded.assigned(amy)) == 2
        undone(amy)
        assert graded.assigned(amy) == []
        db.session.commit()
        assert grade_chores.chase_graders() == 0
        assert graded.assigned(amy) == []
        assert appealing.fitting(later) == (Remedy.FREE_ATTEMPT, Remedy.DISMISS)
        with refused("does not fit any more"):
            appealing.confirm(later, by=who("piao"))
        appealing.send_back(later, by=who("piao"))
        appealing.judge(later, Remedy.DISMISS, by=who("pei"), answer="it counts for nothing")
        appealing.confirm(later, by=who("piao"))
        assert later.state is AppealState.DISMISSED
        assert not appealing.pending(amy.person.id, amy.level)
        assert appealing.pending(ben.person.id, ben.level) is False
        with refused("declared invalid"):
            releasing.turn_to_pass(amy, by=who("deng"), reason="rekey")
        third = appealing.lodge(amy, by=amy.person, words="it was off")
        assert third.state is AppealState.ADMITTED
        for nobody in ("chief", "ding"):  # who declared it invalid does not judge about that
            assert not appealing.new_to(third, who(nobody))


def test_a_review_stands_still_once_its_attempt_is_undone(app: Flask) -> None:
    with inside(app):
        (case,) = released("amy")
        review = reviewing.of_case(case)
        assert review is not None
        assert db.session.scalar(reviewing.count_open()) == 1
        undone(case)
        assert db.session.scalar(reviewing.count_open()) == 0
        with refused("is over"):
            reviewing.vote(review, by=who("rui"), ballot=Ballot.REJECT, ticked=[], reason="late")
        db.session.commit()
        with clock.stopped_at(clock.now() + 60 * DAY):
            assert grade_chores.close_reviews() == 0
        assert (review.state, deciding.waiting()) == (ReviewState.OPEN, [])


def test_the_free_retake_of_a_fail_goes_with_the_fail_unless_it_is_booked(app: Flask) -> None:
    with inside(app):
        amy, ben = released("amy", "ben", low=True)
        for case in (amy, ben):
            assert case.attempt.booking.eligibility.attempts == 2
        kept = ben.attempt.booking.eligibility
        start = clock.now() + 60 * DAY
        with clock.stopped_at(clock.now() + 20 * DAY):
            place = seats.session(start)
            from portal.certs import booking

            seats.confirm(booking.hold(place.id, person=ben.person, by=ben.person))
            for case in (amy, ben):
                undone(case)
        gone = amy.attempt.booking.eligibility
        db.session.refresh(gone)
        assert (gone.attempts, gone.state) == (1, EligibilityState.USED)
        assert (kept.attempts, kept.state) == (2, EligibilityState.ACTIVE)
        assert amy.attempt.booking.outcome is Outcome.INVALIDATED


def put(data: bytes) -> files.Content:
    let_go()
    return files.put(data, "text/plain")


def on_disk(sha256: str) -> bool:
    from portal.core import store

    try:
        store.read(files.address(sha256))
    except OSError:
        return False
    return True


def test_evidence_of_incidents_goes_when_its_time_is_over_and_the_words_a_decision_rests_on_stay(
    app: Flask,
) -> None:
    shown, cited, whole = put_all(app)
    with inside(app):
        with transaction():
            amy, ben = released("amy", "ben")
            session = amy.attempt.booking.session
            for case, content, name in ((amy, shown, "amy.txt"), (ben, cited, "ben.txt")):
                proctoring.note(
                    session, IncidentKind.MATERIAL, Severity.MAJOR, words=name, by=who("proctor"), attempt=case.attempt,
                    evidence=(content, name),
                )  # fmt: skip
            proctoring.note(
                session,
                IncidentKind.OUTAGE,
                Severity.MINOR,
                words="dark",
                by=who("proctor"),
                evidence=(whole, "w.txt"),
            )
            proctoring.tell(session, zh="请安静", en="Quiet, please", by=who("proctor"), attempt=amy.attempt)
            proctoring.tell(session, zh="开始", en="Begin", by=who("proctor"))
            row = invalidating.propose(
                ben.attempt,
                db.session.query(Incident).filter_by(note="ben.txt").one(),
                reason="notes",
                by=who("chief"),
            )
            invalidating.hear(row, words="They were not mine.", by=ben.person)
        with clock.stopped_at(clock.now() + 729 * DAY):
            assert counts() == {}
        with clock.stopped_at(clock.now() + 732 * DAY):
            assert counts() == {"answers": 2, "works": 2, "incidents": 1}
            retaining.run(by="test")
            # Ben's proposal is not decided: what it rests on stays.
            assert [one.note for one in db.session.query(Incident)] == ["ben.txt"]
            assert [one.attempt_id for one in db.session.query(Notice)] == [None]
            assert [len(sitting_keeping.obstacles(one.person)) for one in (amy, ben)] == [0, 1]
            with transaction():
                invalidating.confirm(row, by=who("ding"))
            retaining.run(by="test")
            assert counts() == {}
            outbox.drain()
            kept = db.session.query(Incident).one()
            assert kept.file is not None
            assert (kept.note, kept.file.name, kept.file.erased_at) == ("ben.txt", "-", clock.now())
            assert row.heard == ""
            assert [on_disk(one.sha256) for one in (shown, cited, whole)] == [False] * 3
            assert (
                db.session.query(StoredFile).filter_by(purpose="exam_incident", erased_at=None).count() == 0
            )


def put_all(app: Flask) -> list[files.Content]:
    with app.app_context():
        return [put(data) for data in (b"amy's notes\n", b"ben's notes\n", b"the lights went out\n")]


def counts() -> dict[str, int]:
    return {
        one.kind: one.count
        for one in retaining.dry_run()
        if one.count and one.kind in {"answers", "works", "incidents"}
    }


def test_a_grader_sees_the_candidates_own_file_whoever_else_handed_in_the_same_bytes(app: Flask) -> None:
    with app.app_context():
        content = put(b"print('same')\n")
    with inside(app):
        graded.house("amy", "ben")
        session, versions = seats.session(days=30, capacity=10), graded.bank()
        both = [handed_in(name, session, versions, content) for name in ("amy", "ben")]
        works = [case_facts.works_of(case, 1)[0] for case in both]
        db.session.commit()
        assert [blind.file_of(one, 1) for one in works] == [b"print('same')\n"] * 2
        for n in (0, 2, -1):
            with pytest.raises(Missing):
                blind.file_of(works[1], n)
        db.session.rollback()
        with transaction():
            amy = both[0].person
            publish(PersonErased(amy, "token", amy.name, amy.email))
        outbox.drain()
        assert blind.file_of(works[1], 1) == b"print('same')\n"
        with pytest.raises(Missing):  # what is hers is gone, although the same bytes are still there
            blind.file_of(works[0], 1)
        db.session.rollback()
        with transaction():
            for upload in db.session.query(Upload).all():
                files.forget(upload.file)
        with pytest.raises(Missing):
            blind.file_of(works[1], 1)


def handed_in(
    name: str, session: ExamSession, versions: list[ItemVersion], content: files.Content
) -> ExamCase:
    """Let a candidate hand in a file; return the case."""
    row = graded.attempt(name, session, versions)
    part = row.parts[1]
    file = StoredFile(
        sha256=content.sha256, name="a.py", media_type="text/plain", size=content.size, purpose="exam_work"
    )
    db.session.add(file)
    db.session.add(Upload(part=part, file=file, name="a.py", sha256=content.sha256, size=content.size))
    task = db.session.query(Submission).filter_by(part_id=part.id).one().task
    db.session.add(
        Submission(
            attempt=row, part=part, n=2, task=task, text="", repository="", commit="", handed_in_at=clock.now(),
            files=[{"uid": "0" * 32, "name": "a.py", "sha256": content.sha256, "size": content.size}],
        )
    )  # fmt: skip
    db.session.flush()
    return cases.begin(row.id)


def test_who_was_shut_out_before_any_mark_finds_his_page_and_appeals_to_others(app: Flask) -> None:
    with inside(app), transaction():
        for name, role in graded.EXAMINERS.items():
            make_person(f"{name}@examiner.example", name.title(), staff=(role,))
    with sit.at_work(app) as (row, _begin):
        with transaction():
            incident = proctoring.note(
                row.booking.session, IncidentKind.IDENTITY, Severity.MAJOR, words="not him", by=who("proctor"), attempt=row
            )  # fmt: skip
            doubt = invalidating.propose(row, incident, reason="somebody else sat there", by=who("chief"))
            invalidating.hear(doubt, words="It was me.", by=row.person)
            invalidating.confirm(doubt, by=who("ding"))
        with reading():
            case = cases.of_attempt(row.id)
            assert case is not None
            result = f"/exams/results/{case.uid}"
            assert verify_results() == (1, [])
    page, chinese = browser(app, "lin@mail.example"), browser(app, "lin@mail.example", language="zh_Hans_CN")
    assert result in page.get("/exams/results/").text
    assert "somebody else sat there" in page.get(result).text
    assert f"{result}/appeal" in chinese.get(result).text
    assert post(page, f"{result}/appeal", kind="appeal", words="It was me.").status_code == 303
    with inside(app), reading():
        number, uid = db.session.query(ExamAppeal.id, ExamAppeal.uid).one()
    panel = browser(app, "pan@examiner.example").get(f"/office/exam-appeals/{uid}").text
    assert "somebody else sat there" in panel
    assert "It was me." in panel
    with inside(app), transaction():
        appeal = db.session.get_one(ExamAppeal, number)
        appealing.judge(appeal, Remedy.FREE_ATTEMPT, by=who("pan"), answer="The photo was old.")
        appealing.confirm(appeal, by=who("peng"))
        assert appeal.state is AppealState.UPHELD
