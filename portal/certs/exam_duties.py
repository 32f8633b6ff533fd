"""What waits on the desk of those who keep items, run and watch over sessions, help candidates and keep awards."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.certs import aids, award_proposals, exam_deeds, levels
from portal.certs.booking_office import CONFIRMS
from portal.certs.models.award import AwardProposal, AwardVerb, ProposalState, Suspension
from portal.certs.models.bank import ItemState, ItemVersion
from portal.certs.models.booking import OPEN, Booking, ExamSession, Proctor, SessionState
from portal.certs.models.care import Accommodation, ExamDeed
from portal.certs.models.learning import StepRecord, StepState
from portal.certs.models.watching import ResultHold
from portal.certs.said import there
from portal.certs.sitting_chores import REPORT
from portal.certs.step_office import step_name
from portal.core import clock, labels
from portal.core.db import db
from portal.core.waiting import Task, task

MOST = 50


def tasks(reader: Reader) -> list[Task]:
    """Return what items, sessions, candidates and awards ask of a member of staff."""
    found = _deeds(reader) + _awards(reader)
    for verb, kinds in KINDS.items():
        if reader.staff_may(verb):
            found += [one for kind in kinds for one in kind(reader.person.id)]
    return found


def _items(me: int) -> list[Task]:
    """Return the versions in review that the reader neither wrote nor submitted."""
    waits = (
        select(ItemVersion)
        .where(ItemVersion.state == ItemState.IN_REVIEW)
        .where(or_(ItemVersion.author_id.is_(None), ItemVersion.author_id != me))
        .where(or_(ItemVersion.submitted_by_id.is_(None), ItemVersion.submitted_by_id != me))
        .options(joinedload(ItemVersion.item))
        .order_by(ItemVersion.id)
        .limit(MOST)
    )
    return [
        task(
            _("Item to review: %(item)s", item=row.item.key), _("Review the item"), url_for("exam_office.item", uid=row.item.uid),
            since=row.created_at, detail=levels.name_of(row.item.exam),
        )
        for row in db.session.scalars(waits)
    ]  # fmt: skip


def _steps(me: int) -> list[Task]:
    waits = (
        select(StepRecord)
        .where(StepRecord.state == StepState.DECLARED, StepRecord.person_id != me)
        .order_by(StepRecord.declared_at, StepRecord.id)
        .limit(MOST)
    )
    return [
        task(
            _("Learning step to confirm: %(name)s", name=row.person.name), _("Confirm"),
            url_for("exam_office.steps", q=row.person.email, level=row.level), since=row.declared_at, detail=step_name(row.step),
        )
        for row in db.session.scalars(waits)
    ]  # fmt: skip


def _aids(me: int) -> list[Task]:
    """Return the requests of candidates whose sessions the reader does not watch over; what they need stays on its page."""
    watched = (
        select(Booking.person_id)
        .join(Proctor, Proctor.session_id == Booking.session_id)
        .where(Proctor.person_id == me, Booking.state.in_(OPEN))
    )
    waits = aids.waiting().where(Accommodation.person_id != me, Accommodation.person_id.not_in(watched))
    return [
        task(_("Accommodations to decide: %(name)s", name=row.person.name), _("Decide"), url_for("exam_office.accommodations"), since=row.asked_at)
        for row in db.session.scalars(waits.limit(MOST))
    ]  # fmt: skip


def _holds(me: int) -> list[Task]:
    """Return the results that somebody else holds back: whoever held one does not lift it."""
    waits = (
        select(ResultHold)
        .where(ResultHold.lifted_at.is_(None), ResultHold.by_id != me)
        .options(joinedload(ResultHold.attempt))
        .order_by(ResultHold.id)
        .limit(MOST)
    )
    return [
        task(
            _("Result held: %(name)s", name=row.attempt.booking.name), _("Look"), url_for("exam_office.attempt", uid=row.attempt.uid),
            since=row.at, detail=row.reason,
        )
        for row in db.session.scalars(waits)
    ]  # fmt: skip


# ---- What two people do together


def _about(row: ExamDeed) -> tuple[int | None, str, str]:
    """Return whom a proposal is about, and in words what: the candidate with the level, else the session."""
    mine = row.booking or row.eligibility
    if mine is not None:
        return mine.person_id, mine.person.name, levels.name_of(mine.level)
    session = row.session
    if session is None:
        return None, "", ""
    return None, levels.name_of(session.level), there(session.starts_at, session.tz)


def _deeds(reader: Reader) -> list[Task]:
    kinds = [kind for kind, verb in CONFIRMS.items() if reader.staff_may(verb)]
    if not kinds:
        return []
    whole = (joinedload(ExamDeed.booking), joinedload(ExamDeed.session), joinedload(ExamDeed.eligibility))
    waits = exam_deeds.waiting(*kinds).where(ExamDeed.by_id != reader.person.id).options(*whole).limit(MOST)
    found = [(row, *_about(row)) for row in db.session.scalars(waits)]
    return [
        task(
            _("%(deed)s: %(what)s", deed=labels.label(row.kind), what=what), _("Confirm"), url_for("exam_office.deeds"),
            since=row.at, detail=detail,
        )
        for row, person, what, detail in found
        if person != reader.person.id
    ]  # fmt: skip


def _awards(reader: Reader) -> list[Task]:
    """Return the steps of awards that the reader may confirm; an end only once its holder answered or had his days."""
    verbs = [
        verb for verb, second in award_proposals.SECOND.items() if any(reader.staff_may(one) for one in second)
    ]  # fmt: skip
    if not verbs:
        return []
    heard = or_(
        AwardProposal.not_before.is_(None), AwardProposal.not_before <= clock.now(), AwardProposal.heard_at.is_not(None)
    )  # fmt: skip
    waits = (
        select(AwardProposal)
        .where(AwardProposal.state == ProposalState.PROPOSED, AwardProposal.verb.in_(verbs), heard)
        .where(AwardProposal.by_id != reader.person.id)
        .order_by(AwardProposal.id)
        .limit(MOST)
    )
    rows = [one for one in db.session.scalars(waits) if one.award.person_id != reader.person.id]
    fallen = _fallen([one.award_id for one in rows if one.verb is AwardVerb.CONFIRM])
    return [
        task(
            _("%(deed)s: %(what)s", deed=labels.label(row.verb), what=row.award.person.name), _("Decide"),
            url_for("awards.award", uid=row.award.uid), since=row.created_at, detail=levels.name_of(row.award.level),
        )
        for row in rows
        if row.award_id not in fallen or row.verb is not AwardVerb.CONFIRM
    ]  # fmt: skip


def _fallen(awards: list[int]) -> set[int]:
    """Return which awards have no urgent hold any more that could be confirmed: it fell away, or was lifted."""
    if not awards:
        return set()
    runs = select(Suspension.award_id).where(
        Suspension.award_id.in_(awards), Suspension.confirmed_at.is_(None), Suspension.lifted_at.is_(None),
        Suspension.confirm_by > clock.now(),
    )  # fmt: skip
    return set(awards) - set(db.session.scalars(runs))


# ---- Sessions


def _sessions(me: int) -> list[Task]:
    """Return the sessions of today that the reader watches over, and those over whose report is not signed."""
    tomorrow, over = clock.start_of(clock.today() + timedelta(days=1)), ExamSession.ends_at <= clock.now()
    runs = (ExamSession.state == SessionState.OPEN) & (ExamSession.starts_at < tomorrow)
    mine = ExamSession.proctors.any(Proctor.person_id == me)
    rows = select(ExamSession).where(mine, runs | ((ExamSession.state == SessionState.CLOSED) & over))
    return [
        _session(row) for row in db.session.scalars(rows.order_by(ExamSession.starts_at, ExamSession.id).limit(MOST))
    ]  # fmt: skip


def _session(row: ExamSession) -> Task:
    page, level, at = url_for("exam_office.console", uid=row.uid), levels.name_of(row.level), clock.now()
    if row.state is SessionState.OPEN:
        return task(
            _("Session today: %(level)s", level=level), _("Watch over it"), page, detail=there(row.starts_at, row.tz)
        )  # fmt: skip
    return task(
        _("Session report due: %(level)s", level=level), _("Sign the report"), page, since=row.ends_at,
        detail=there(row.starts_at, row.tz), overdue=row.ends_at + REPORT <= at,
    )  # fmt: skip


KINDS = {
    May.REVIEW_ITEMS: (_items,),
    May.RUN_EXAMS: (_steps, _holds),
    May.GRANT_ACCOMMODATIONS: (_aids,),
    May.PROCTOR: (_sessions,),
}
