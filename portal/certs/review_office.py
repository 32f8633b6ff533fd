"""The pages of community reviewers: works that are open for votes; in the office for the role, outside for whoever was appointed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import gettext as _

from portal.accounts.access import allow, me, signed_in
from portal.accounts.may import May
from portal.certs import blind, case_facts, levels, reviewing, tally
from portal.certs.grade_forms import Vote
from portal.certs.marking_office import sent
from portal.certs.models.deciding import Ballot, Review, ReviewState
from portal.certs.models.grading import ExamWork
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.web import go

exam_reviews = Blueprint("exam_reviews", __name__, url_prefix="/office/exam-reviews")
reviews = Blueprint("reviews", __name__, url_prefix="/exams/reviews")
# By the blueprint: the frame of its pages, and the list that stands above them.
PLACES = {
    "exam_reviews": ("frames/office.html", "exam_reviews.listed"),
    "reviews": ("frames/member.html", "results.listed"),
}


def _mine(row: Review) -> bool:
    """Whether the reader may vote on a work, or has voted on it."""
    return me().person.id in {one.id for one in reviewing.reviewers(row.case)}


def _review(uid: str) -> Review:
    row = reviewing.found(uid)
    if not _mine(row):
        raise Missing(_("There is no such review."))
    return row


@exam_reviews.get("/")
@allow(May.VOTE_ON_WORK)
def listed() -> str:
    """List the works that are open for votes."""
    rows = db.session.scalars(reviewing.standing(Review, ReviewState.OPEN).order_by(Review.closes_at))
    mine = [(one, reviewing.votes(one)) for one in rows if _mine(one)]
    return render_template(
        "office/grading/reviews.html", rows=mine, name_of=levels.name_of, me=me().person.id
    )


def _works(row: Review) -> list[ExamWork]:
    return case_facts.works_of(row.case, 1)


def _page(row: Review, form: Vote | None = None, status: int = 200) -> Any:
    here = str(request.blueprint)
    frame, g.nav = PLACES[here]
    said = reviewing.votes(row)
    shown = form or Vote(formdata=None)
    shown.offer()
    return render_template(
        "office/grading/review.html", here=here, frame=frame, row=row, works=_works(row), form=shown,
        over=row.state is ReviewState.OPEN and clock.now() >= row.closes_at, mine=said.get(me().person.id), name=blind.name,
        counted=sum(tally.counted(reviewing.ballots(row)).values()), level=levels.name_of(row.case.level), ticked=request.form.getlist("ticked"),
    ), status  # fmt: skip


@reviews.get("/<uid>", endpoint="review")
@signed_in
def asked(uid: str) -> Any:
    """Show a work to whoever was asked by name to vote on it."""
    return _page(_review(uid))


@exam_reviews.get("/<uid>")
@allow(May.VOTE_ON_WORK)
def review(uid: str) -> Any:
    """Show a work and one's own vote."""
    return _page(_review(uid))


@exam_reviews.post("/<uid>/vote")
@allow(May.VOTE_ON_WORK)
def vote(uid: str) -> Any:
    """Vote, or change one's vote."""
    return _vote(uid)


@reviews.post("/<uid>/vote", endpoint="vote")
@signed_in
def asked_vote(uid: str) -> Any:
    """Vote as somebody who was asked by name."""
    return _vote(uid)


def _vote(uid: str) -> Any:
    row, form = _review(uid), Vote()
    form.offer()
    if status := form.carry_out(
        lambda: reviewing.vote(
            row,
            by=me().person,
            ballot=Ballot(form.ballot.data),
            ticked=request.form.getlist("ticked"),
            reason=form.reason.data or "",
        )
    ):
        return _page(_review(uid), form, status)
    return go(
        f"{request.blueprint}.review",
        _("Your vote is in. You may change it until the review closes."),
        uid=uid,
    )


@exam_reviews.get("/<uid>/works/<int:place>/files/<int:number>")
@allow(May.VOTE_ON_WORK)
def file(uid: str, place: int, number: int) -> Response:
    """Hand out a file of a work under review, cleaned."""
    return _file(uid, place, number)


@reviews.get("/<uid>/works/<int:place>/files/<int:number>", endpoint="file")
@signed_in
def asked_file(uid: str, place: int, number: int) -> Response:
    """Hand out a file, cleaned, to whoever was asked by name."""
    return _file(uid, place, number)


def _file(uid: str, place: int, number: int) -> Response:
    works = _works(_review(uid))
    if not (1 <= place <= len(works) and 1 <= number <= len(works[place - 1].files)):
        raise Missing(_("There is no such file."))
    return sent(blind.file_of(works[place - 1], number), blind.name(works[place - 1], number))
