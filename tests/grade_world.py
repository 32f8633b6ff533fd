"""Rows of marking and deciding for the walk through every door: a released case with a work, a review, an appeal, a panel."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.certs import appealing, cases, panels, rekeys, releasing, reviewing, sessions
from portal.certs.models.bank import ItemState
from portal.certs.models.booking import Mode
from portal.certs.models.grading import Assignment
from portal.core import catalogue, clock
from portal.core.db import db
from tests import graded, sittings
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("marking", "uid"): "exam_assignment",
    ("marking", "number"): "word:1",
    ("marking.verdict", "uid"): "item_version",
    ("marking.answer_picture", "uid"): "item_version",
    ("marking.answer_picture", "picture"): "word:" + "0" * 32,
    ("exam_cases", "uid"): "exam_case",
    ("exam_cases", "assignment"): "exam_assignment",
    ("exam_cases.see_to", "deed"): "word:hold",
    ("exam_cases.release_session", "uid"): "exam_sat",
    ("exam_cases.mend", "uid"): "item_version",
    ("exam_cases.decide_key", "uid"): "exam_rekey",
    ("exam_cases.decide_key", "deed"): "word:refusal",
    ("exam_cases.decide_side", "uid"): "word:" + "0" * 32,
    ("exam_cases.decide_side", "deed"): "word:left",
    ("exam_cases", "exam"): "word:OPDEV",
    ("exam_reviews", "uid"): "exam_review",
    ("exam_reviews", "place"): "word:1",
    ("exam_reviews", "number"): "word:1",
    ("reviews", "uid"): "exam_review",
    ("reviews", "place"): "word:1",
    ("reviews", "number"): "word:1",
    ("exam_appeals", "uid"): "exam_appeal",
    ("exam_appeals", "deed"): "word:return",
    ("cut_panels", "uid"): "cut_panel",
    ("cut_panels", "picture"): "word:" + "0" * 32,
    ("cut_panels", "cut"): "word:" + "0" * 32,
    ("cut_panels", "deed"): "word:refusal",
    ("results", "uid"): "exam_case",
}


def rows(org: Organisation) -> dict[str, str]:
    """Let somebody of a company sit, be marked, pass and complain; call inside a transaction."""
    staff = make_person("walkstaff@exams.example", "Walk Staff", staff=(StaffRole.CERTIFICATION,))
    chief = make_person("walkchief@exams.example", "Walk Chief", staff=(StaffRole.CHIEF_EXAMINER,))
    walker = make_person("walker@mail.example", "Walker")
    graders = [
        make_person(f"walk{n}@exams.example", f"Walk {n}", staff=(StaffRole.GRADER,)) for n in range(5)
    ]
    db.session.add(Contact(person=walker, org=org, role=ContactRole.TECHNICAL, start=clock.today()))
    start = clock.now() + timedelta(days=40)
    place = sessions.draw_up(
        level="OPDEV", starts_at=start, ends_at=start + timedelta(hours=1), tz="Asia/Shanghai", mode=Mode.ONLINE,
        place="https://exam.example", capacity=5, languages=["en"], proctors=[staff], by=staff,
    )  # fmt: skip
    sessions.publish_session(place, by=staff)
    versions = graded.bank()
    case = cases.begin(graded.attempt("walker", place, versions).id)
    for hand in graded.assigned(case):
        graded.give(hand)
    releasing.release_session(place, by=staff)
    review = reviewing.of_case(case)
    assert review is not None
    appeal = appealing.lodge(case, by=walker, words="walked", complaint=True)
    for version in versions[:4]:
        version.state = ItemState.LIVE
    catalogue.put("scheme", "OPDEV", sittings.SCHEME, clock.today())
    panel = panels.begin("OPDEV", "written", [(one, "walks") for one in graders], by=chief)
    rekey = rekeys.propose(versions[0], None, by=chief, reason="walked")
    given = db.session.query(Assignment).order_by(Assignment.id).first()
    assert given is not None
    return {
        "exam_assignment": given.uid, "item_version": versions[1].uid, "exam_case": case.uid, "exam_rekey": rekey.uid,
        "exam_review": review.uid, "exam_appeal": appeal.uid, "cut_panel": panel.uid, "exam_sat": place.uid,
    }  # fmt: skip
