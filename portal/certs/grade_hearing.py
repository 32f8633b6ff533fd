"""What marking hears: an attempt has ended, an attempt counts for nothing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.certs import cases, grade_letters
from portal.certs.events import AttemptEnded, AttemptInvalidated
from portal.certs.models.grading import Assignment, AssignmentState, CaseWork
from portal.core import clock, outbox
from portal.core.db import db
from portal.core.states import may_move, move

MARKING = "marking"


def on_ended(event: AttemptEnded) -> None:
    """Let an attempt be marked afterwards: whatever hinders that never hinders a candidate who hands in."""
    outbox.queue(MARKING, f"{MARKING}:{event.attempt_id}", {"attempt": event.attempt_id})


@outbox.handles(MARKING, _l("Marking of an exam"))
def _mark(item: outbox.Claim) -> outbox.Finish | None:
    number = int(item.payload["attempt"])

    def finish() -> None:
        cases.begin(number)

    return finish


def on_invalidated(event: AttemptInvalidated) -> None:
    """Take the works of an attempt that counts for nothing out of the graders' hands, and let the candidate appeal."""
    case = cases.of_undone(event.attempt_id)
    works = db.session.query(CaseWork.work_id).filter(CaseWork.case_id == case.id)
    waits = (AssignmentState.OFFERED, AssignmentState.ACCEPTED)
    rows = db.session.query(Assignment).filter(Assignment.work_id.in_(works), Assignment.state.in_(waits))
    for row in rows:
        if may_move(row, AssignmentState.REDRAWN):
            move(row, AssignmentState.REDRAWN)
            row.reason, row.ended_at = "invalidated", clock.now()
            grade_letters.taken(row)
