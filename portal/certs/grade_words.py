"""How the history of results reads: the verbs of marking, deciding and appeals with their details."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from portal.accounts import audit_office
from portal.certs.models.cutting import CutPanel
from portal.certs.models.deciding import Ballot, Remedy, Review, ReviewState, Verdict
from portal.certs.models.grading import ExamCase, Tie
from portal.core import labels, story
from portal.core.db import db


def _case(number: int) -> str | None:
    row = db.session.get(ExamCase, number)
    return url_for("exam_cases.case", uid=row.uid) if row is not None else None


def _review(number: int) -> str | None:
    row = db.session.get(Review, number)
    return url_for("exam_cases.case", uid=row.case.uid) if row is not None else None


def _panel(number: int) -> str | None:
    row = db.session.get(CutPanel, number)
    return url_for("cut_panels.panel", uid=row.uid) if row is not None else None


def _said(kind: type[StrEnum]) -> Any:
    known = {one.value: one for one in kind}
    return lambda value: labels.label(known[str(value)]) if str(value) in known else str(value)


def install() -> None:
    """Name the verbs, their details, and the pages that an entry opens."""
    audit_office.opens("exam_case", _case)
    audit_office.opens("exam_review", _review)
    audit_office.opens("cut_panel", _panel)
    story.words(_VERBS, _DETAILS)
    story.values(
        {
            "review.voted/ballot": _said(Ballot), "review.closed/outcome": _said(ReviewState), "decision.made/verdict": _said(Verdict),
            "appeal.proposed/remedy": _said(Remedy), "appeal.judged/remedy": _said(Remedy), "conflict.declared/tie": _said(Tie),
            "assignment.declined/tie": _said(Tie),
        }
    )  # fmt: skip


_DETAILS = {
    "provisional": _l("Provisional cut"), "third": _l("Third mark"), "tie": _l("Tie to the candidate"), "share": _l("Share"),
    "quorum": _l("Votes needed"), "ballot": _l("Vote"), "outcome": _l("Outcome"), "verdict": _l("Verdict"),
    "remedy": _l("What follows"), "late": _l("Too late"), "judges": _l("Judges"), "reviewer": _l("Appointed reviewer"), "round": _l("Round"),
}  # fmt: skip
_VERBS = {
    "case.opened": (_l("Marking began"), "pencil-square"),
    "case.disputed": (_l("Graders differ: a third one marks"), "people"),
    "case.scored": (_l("Score found"), "clipboard-check"),
    "assignment.offered": (_l("Work offered to a grader"), "send"),
    "assignment.accepted": (_l("Work taken by a grader"), "hand-thumbs-up"),
    "assignment.declined": (_l("Work given back"), "arrow-return-left"),
    "assignment.redrawn": (_l("Work given to somebody else"), "arrow-repeat"),
    "assignment.submitted": (_l("Marks of a grader came in"), "check2"),
    "conflict.declared": (_l("Tie to a candidate declared"), "exclamation-triangle"),
    "answer.judged": (_l("Answer judged by a person"), "chat-left-text"),
    "rekey.proposed": (_l("Another key proposed"), "key"),
    "rekey.done": (_l("Key put right, everybody marked anew"), "key"),
    "rekey.declined": (_l("Key left as it is"), "key"),
    "side.taken": (_l("Turned result counts"), "check2-all"),
    "side.left": (_l("Turned result left as it was"), "x-circle"),
    "result.released": (_l("Result told to the candidate"), "envelope"),
    "result.turned": (_l("Result became a pass"), "check-circle"),
    "exam.free_attempt": (_l("Free attempt given"), "gift"),
    "review.opened": (_l("Community review opened"), "people"),
    "review.voted": (_l("Reviewer voted"), "check2-square"),
    "review.extended": (_l("Community review extended"), "hourglass-split"),
    "review.appointed": (_l("Reviewer appointed"), "person-plus"),
    "review.closed": (_l("Community review closed"), "people"),
    "review.revised": (_l("Revision handed in"), "arrow-repeat"),
    "decision.made": (_l("Certificate decided"), "patch-check"),
    "appeal.lodged": (_l("Appeal lodged"), "megaphone"),
    "appeal.proposed": (_l("Answer to an appeal proposed"), "pencil-square"),
    "appeal.sent_back": (_l("Answer to an appeal sent back"), "arrow-return-left"),
    "appeal.judged": (_l("Appeal judged"), "check2-all"),
    "panel.begun": (_l("Cut panel begun"), "sliders"),
    "panel.rated": (_l("Judge rated"), "check2"),
    "panel.round_ended": (_l("Round of the panel over"), "check2-all"),
    "cut.proposed": (_l("Cut proposed"), "pencil-square"),
    "cut.adopted": (_l("Cut adopted by a decider"), "check2-all"),
    "cut.declined": (_l("Cut not adopted"), "x-circle"),
    "sitting.recorded": (_l("Responses taken over for analysis"), "bar-chart-line"),
}
