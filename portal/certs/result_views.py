"""The candidate's pages of results: how far each exam has come, the report, the appeal, the one revision."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.access import me, signed_in
from portal.certs import (
    appealing,
    appointing,
    cases,
    deciding,
    invalidating,
    levels,
    releasing,
    reviewing,
    said,
    score_report,
)
from portal.certs.case_office import percent, share
from portal.certs.grade_forms import Lodge, Revision
from portal.certs.models.deciding import ReviewState
from portal.certs.models.delivery import Attempt, AttemptState
from portal.certs.models.grading import ExamCase
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.web import go

results = Blueprint("results", __name__, url_prefix="/exams/results")
PAGE = "results.result"


def _mine(uid: str) -> ExamCase:
    """Return a case of the reader that was released or declared invalid; anything else is not there."""
    row = db.session.scalars(
        select(ExamCase).join(Attempt).where(ExamCase.uid == uid, Attempt.person_id == me().person.id)
    ).first()
    if row is None or row.attempt.state not in appealing.TOLD:
        raise Missing(_("There is no such result."))
    return row


@results.get("/")
@signed_in
def listed() -> str:
    """List the exams that the reader sat, with what is released of them."""
    rows = db.session.scalars(
        select(ExamCase).join(Attempt).where(Attempt.person_id == me().person.id).order_by(ExamCase.id.desc())
    ).all()
    lines = [
        (one, cases.current(one) if one.attempt.state is AttemptState.RELEASED else None, releasing.held(one))
        for one in rows
    ]
    return render_template(
        "exams/results.html", rows=lines, name_of=levels.name_of, there=said.there,
        due={one.id: releasing.due(one.attempt.booking.session) for one in rows}, asked=appointing.works_for(me().person),
    )  # fmt: skip


def _page(
    row: ExamCase, *, lodge: Lodge | None = None, revise: Revision | None = None, status: int = 200
) -> Any:
    g.nav = "results.listed"
    undone = invalidating.confirmed(row.attempt_id)
    form, review = lodge or Lodge(formdata=None), None if undone else reviewing.of_case(row)
    form.offer()
    until, now = appealing.last_moment(row), clock.now()
    closed = review is not None and review.state is not ReviewState.OPEN
    found = None if undone else score_report.report(row)
    return render_template(
        "exams/result.html", case=row, undone=undone, report=found, again=score_report.again(row) if found and not found.passed else None, level=levels.name_of(row.level), share=percent,
        review=review, votes=list(reviewing.votes(review).values()) if review is not None and closed else [],
        decisions=deciding.of_case(row), appeals=appealing.of_case(row), until=until, in_time=until is not None and now < until,
        lodge=form, revise=revise or Revision(formdata=None), stored=share,
    ), status  # fmt: skip


@results.get("/<uid>")
@signed_in
def result(uid: str) -> Any:
    """Show the report of a released result."""
    return _page(_mine(uid))


@results.post("/<uid>/appeal")
@signed_in
def appeal(uid: str) -> Any:
    """Appeal, or complain about how the exam was held."""
    row, form = _mine(uid), Lodge()
    form.offer()
    if status := form.carry_out(
        lambda: appealing.lodge(
            row, by=me().person, words=str(form.words.data), complaint=form.kind.data == "complaint"
        )
    ):
        return _page(_mine(uid), lodge=form, status=status)
    return go(PAGE, _("Received. You have mail about what happens next."), uid=uid)


@results.post("/<uid>/revision")
@signed_in
def revise(uid: str) -> Any:
    """Hand in the one revision of a work that the community sent back."""
    row, form = _mine(uid), Revision()
    review = reviewing.of_case(row)
    if review is None:
        raise Missing(_("There is no such review."))
    if status := form.carry_out(lambda: reviewing.revise(review, by=me().person, words=str(form.words.data))):
        return _page(_mine(uid), revise=form, status=status)
    return go(PAGE, _("Your revision is in. The same reviewers look at it."), uid=uid)
