"""What waits on the desk of those who mark, review, release, decide and judge: each finds only what he may do now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.certs import cut_duties, deciding, graders, levels, releasing, reviewing, tally, verdicts
from portal.certs.apart import Apart
from portal.certs.models.appointing import Reviewer
from portal.certs.models.bank import ItemVersion
from portal.certs.models.booking import Proctor
from portal.certs.models.deciding import (
    AppealState,
    Ballot,
    ExamAppeal,
    Rekey,
    RekeyState,
    Review,
    ReviewState,
    ReviewVote,
    SideChange,
    SideState,
)
from portal.certs.models.grading import Assignment, AssignmentState
from portal.certs.models.watching import Invalidation, InvalidationState
from portal.certs.said import there
from portal.core import clock
from portal.core.db import db
from portal.core.waiting import Task, task
from portal.core.words import day, moment

LOOKED_AT, MOST = 200, 50


def tasks(reader: Reader) -> list[Task]:
    """Return what marking to decision asks of a member of staff."""
    apart = Apart(reader.person)
    found = cut_duties.ratings(apart.me)
    for verb, kinds in KINDS.items():
        if reader.staff_may(verb):
            found += [one for kind in kinds for one in kind(apart)[:MOST]]
    return found + _reviews(apart, role=reader.staff_may(May.VOTE_ON_WORK))[:MOST]


def _works(apart: Apart) -> list[Task]:
    """Return the works in a grader's hands: a code, no name, and no moment that tells which candidate was first."""
    rows = (
        select(Assignment)
        .where(Assignment.grader_id == apart.me, Assignment.state.in_(graders.WAITS))
        .order_by(Assignment.due_at, Assignment.code)
        .limit(MOST)
    )
    return [
        task(
            _("Work to mark: %(code)s", code=row.code),
            _("Take it in hand") if row.state is AssignmentState.OFFERED else _("Mark it"),
            url_for("marking.work", uid=row.uid), overdue=row.due_at <= clock.now(),
            detail=_("%(level)s · by %(moment)s", level=levels.name_of(row.work.level), moment=moment(row.due_at)),
        )
        for row in db.session.scalars(rows)
    ]  # fmt: skip


def _answers(_apart: Apart) -> list[Task]:
    waits = len(verdicts.waiting())
    title = ngettext(
        "%(num)s short answer that no key takes", "%(num)s short answers that no key takes", waits
    )
    return [task(title, _("Say what it is worth"), url_for("marking.answers"))] if waits else []


# ---- The community's review


def _cast(rows: Sequence[Review]) -> dict[int, dict[int, Ballot]]:
    """Return the votes that stand on reviews, by review and voter, in one statement."""
    found: dict[int, dict[int, Ballot]] = defaultdict(dict)
    turns = {row.id: row.turn for row in rows}
    said = select(ReviewVote.review_id, ReviewVote.turn, ReviewVote.by_id, ReviewVote.ballot).where(
        ReviewVote.review_id.in_(turns)
    )
    for review, turn, by, ballot in db.session.execute(said.order_by(ReviewVote.id)) if turns else ():
        if turns[review] == turn:
            found[review][by] = ballot
    return found


def _over(rows: Sequence[Review]) -> set[int]:
    """Return which of some reviews are over: their time is up, and their votes are in."""
    late = [one for one in rows if one.closes_at <= clock.now()]
    cast = _cast(late)
    return {one.id for one in late if tally.enough(cast[one.id], one.quorum)}


def _reviews(apart: Apart, *, role: bool) -> list[Task]:
    """Return the works to vote on: for the role all, for others those that they were asked about by name."""
    voted = exists().where(
        ReviewVote.review_id == Review.id, ReviewVote.turn == Review.turn, ReviewVote.by_id == apart.me
    )
    open_now = reviewing.standing(Review, ReviewState.OPEN).where(~voted)
    if not role:
        named = select(Reviewer.review_id).where(Reviewer.person_id == apart.me)
        open_now = open_now.where(Review.id.in_(named))
    rows = db.session.scalars(open_now.order_by(Review.closes_at, Review.id).limit(LOOKED_AT)).all()
    over, page = _over(rows), "exam_reviews.review" if role else "reviews.review"
    return [
        task(
            _("Work to vote on: %(level)s", level=levels.name_of(row.case.level)), _("Vote"),
            url_for(page, uid=row.uid), since=row.opened_at, overdue=row.closes_at <= clock.now(),
            detail=_("by %(day)s", day=day(clock.day_of(row.closes_at))),
        )
        for row in rows
        if row.id not in over and apart.may_vote(row.case)
    ]  # fmt: skip


def _short(_apart: Apart) -> list[Task]:
    """Return the works that were open for longer and still found too few votes."""
    late = reviewing.standing(Review, ReviewState.OPEN).where(
        Review.extended, Review.closes_at <= clock.now()
    )
    rows = db.session.scalars(late.order_by(Review.closes_at, Review.id).limit(LOOKED_AT)).all()
    over = _over(rows)
    return [
        task(
            _("Too few votes: %(level)s", level=levels.name_of(row.case.level)), _("Name reviewers"),
            url_for("exam_cases.case", uid=row.case.uid), since=row.closes_at, overdue=True,
        )
        for row in rows
        if row.id not in over
    ]  # fmt: skip


# ---- Results, decisions, keys


def _results(apart: Apart) -> list[Task]:
    """Return the sessions whose every result is there, but for those of which the reader marked one."""
    rows = db.session.scalars(releasing.releasable(but=apart.me).limit(MOST))
    return [
        task(
            _("Results to release: %(level)s", level=levels.name_of(row.level)), _("Release the results"),
            url_for("exam_cases.listed"), since=row.ends_at, overdue=releasing.due(row) <= clock.now(),
            detail=there(row.starts_at, row.tz),
        )
        for row in rows
    ]  # fmt: skip


def _decisions(apart: Apart) -> list[Task]:
    return [
        task(
            _("Certificate to be decided: %(name)s", name=row.person.name), _("Decide"),
            url_for("exam_cases.case", uid=row.uid), since=row.released_at, detail=levels.name_of(row.level),
        )
        for row in deciding.waiting(most=LOOKED_AT)
        if apart.independent(row)
    ]  # fmt: skip


def _keys(apart: Apart) -> list[Task]:
    whole = joinedload(Rekey.version).joinedload(ItemVersion.item)
    waits = select(Rekey).where(Rekey.state == RekeyState.PROPOSED, Rekey.by_id != apart.me).options(whole)
    return [
        task(
            _("Mended key to be decided: %(item)s", item=row.version.item.key), _("Decide"),
            url_for("exam_cases.keys"), since=row.at, detail=levels.name_of(row.version.item.exam),
        )
        for row in db.session.scalars(waits.order_by(Rekey.id).limit(MOST))
    ]  # fmt: skip


def _sides(apart: Apart) -> list[Task]:
    waits = select(SideChange).where(SideChange.state == SideState.OPEN).options(joinedload(SideChange.rekey))
    return [
        task(
            _("Result that turned by a mended key: %(name)s", name=row.case.person.name), _("Decide"),
            url_for("exam_cases.keys"), since=row.rekey.decided_at, detail=levels.name_of(row.case.level),
        )
        for row in db.session.scalars(waits.order_by(SideChange.id).limit(LOOKED_AT))
        if apart.independent(row.case)
    ]  # fmt: skip


def _doubts(apart: Apart) -> list[Task]:
    """Return the attempts whose candidate answered or had his days, but for the reader's own and those he watched."""
    heard = or_(Invalidation.heard_at.is_not(None), Invalidation.not_before <= clock.now())
    waits = (
        select(Invalidation)
        .where(Invalidation.state == InvalidationState.PROPOSED, Invalidation.by_id != apart.me, heard)
        .options(joinedload(Invalidation.attempt))
        .order_by(Invalidation.id)
        .limit(LOOKED_AT)
    )
    watched = set(db.session.scalars(select(Proctor.session_id).where(Proctor.person_id == apart.me)))
    return [
        task(
            _("Attempt in doubt: %(name)s", name=row.attempt.booking.name), _("Decide"), url_for("exam_office.doubts"),
            since=row.at, detail=levels.name_of(row.attempt.level),
        )
        for row in db.session.scalars(waits)
        if row.attempt.person_id != apart.me and row.attempt.booking.session_id not in watched
    ]  # fmt: skip


def _appeals(apart: Apart) -> list[Task]:
    """Return the appeals to answer, and the answers of others to confirm."""
    waits = select(ExamAppeal).where(
        ExamAppeal.state == AppealState.ADMITTED,
        or_(ExamAppeal.first_id.is_(None), ExamAppeal.first_id != apart.me),
    )
    return [
        task(
            _("Complaint to answer: %(level)s", level=levels.name_of(row.case.level)) if row.complaint
            else _("Appeal to judge: %(level)s", level=levels.name_of(row.case.level)),
            _("Propose an answer") if row.first_id is None else _("Confirm the answer"),
            url_for("exam_appeals.appeal", uid=row.uid), since=row.lodged_at, overdue=row.due_at <= clock.now(),
            detail=_("by %(day)s", day=day(clock.day_of(row.due_at))),
        )
        for row in db.session.scalars(waits.order_by(ExamAppeal.due_at, ExamAppeal.id).limit(LOOKED_AT))
        if apart.new_to(row.case)
    ]  # fmt: skip


KINDS = {
    May.MARK: (_works, _answers),
    May.LEAD_EXAMS: (_short, lambda one: cut_duties.panels(one.me)),
    May.RELEASE_RESULTS: (_results,),
    May.DECIDE_AWARDS: (_decisions, _keys, _sides, _doubts, lambda one: cut_duties.cuts(one.me)),
    May.DECIDE_EXAM_APPEALS: (_appeals,),
}
