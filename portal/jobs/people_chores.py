"""What time does to candidates' side: nudges employers, lets silent referrals go, erases what its time is over for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, func, or_, select, update

from portal.core import audit, catalogue, clock, retaining, rows
from portal.core.db import db, transaction
from portal.jobs import application_letters as letters
from portal.jobs import consents, leaving, profiles, referring
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.kinds import OVER
from portal.jobs.models import Post
from portal.jobs.people_models import Look, PoolSearch, Profile
from portal.jobs.stages import JobApplicationState, Purpose

A = JobApplicationState
WAITING = (A.SENT, A.SEEN, A.INTERVIEW)


def nudge_employers() -> int:
    """Remind employers of applications that nobody has moved for two weeks; one letter a post, once a standstill."""
    before = clock.now() - timedelta(days=int(catalogue.policy("jobs.nudge_days")))
    still = (
        JobApplication.state.in_(WAITING), JobApplication.moved_at <= before, JobApplication.nudged_at.is_(None),
    )  # fmt: skip
    posts = select(JobApplication.post_id).where(*still).distinct().order_by(JobApplication.post_id)

    def nudge(number: int) -> int:
        mine = (*still, JobApplication.post_id == number)
        count = int(db.session.scalar(select(func.count(JobApplication.id)).where(*mine)) or 0)
        marked = update(JobApplication).where(*mine).values(nudged_at=clock.now())
        db.session.execute(marked.execution_options(synchronize_session=False))
        letters.nudge(db.session.get_one(Post, number), count, clock.today().isoformat())
        return int(bool(count))

    return rows.each("nudge_employers", rows.ids_of(posts), nudge)


def drop_silent_referrals() -> int:
    """Erase the addresses of referrals that nobody answered in time; that there was a letter stays."""

    def drop(number: int) -> int:
        referring.fall_silent(db.session.get_one(Referral, number))
        return 1

    return rows.each("drop_silent_referrals", rows.ids_of(referring.silent_since(clock.today())), drop)


def erase_job_data() -> int:
    """Erase applications some time after their post closed, unless they may be kept, and profiles nobody uses."""
    done = rows.each("erase_job_data", rows.ids_of(_old_applications()), _erase_application)
    done += rows.each("erase_job_data", rows.ids_of(_old_profiles()), _erase_profile)
    done += rows.each("erase_job_data", rows.ids_of(_old_requests()), _erase_request)
    with transaction():
        _erase_traces()
    return done


def _before(kind: str) -> datetime:
    return clock.start_of(clock.today() - timedelta(days=retaining.days_of(kind) - 1))


def _old_applications() -> Select[Any]:
    before = _before("job_application")
    closed = or_(
        Post.closed_at < before,
        and_(Post.closed_at.is_(None), Post.ends_on.is_not(None), Post.ends_on < clock.day_of(before)),
    )
    return (
        select(JobApplication.id)
        .join(Post, JobApplication.post_id == Post.id)
        .where(JobApplication.erased_at.is_(None), Post.state.in_(OVER), closed)
        .order_by(JobApplication.id)
    )


def _erase_application(number: int) -> int:
    row = db.session.get_one(JobApplication, number)
    if row.person is None or consents.allowed(row.person, Purpose.KEEP, row.post, "application"):
        return 0
    leaving.erase_application(row, by="erase_job_data")
    _trace("job_application", row.subject)
    return 1


def _old_profiles() -> Select[Any]:
    return select(Profile.id).where(Profile.used_at < _before("job_profile")).order_by(Profile.id)


def _erase_profile(number: int) -> int:
    row = db.session.get_one(Profile, number)
    subject = row.subject
    profiles.erase(row)
    _trace("job_profile", subject)
    return 1


def _old_requests() -> Select[Any]:
    """Select the requests for contact that were asked as long ago as an application is kept."""
    old = ContactRequest.asked_at < _before("job_application")
    return (
        select(ContactRequest.id).where(old, ContactRequest.erased_at.is_(None)).order_by(ContactRequest.id)
    )


def _erase_request(number: int) -> int:
    row = db.session.get_one(ContactRequest, number)
    row.person, row.reason, row.erased_at = None, "", clock.now()
    _trace("job_application", row.subject)
    return 1


def _trace(kind: str, subject: str) -> None:
    day = clock.today() - timedelta(days=retaining.days_of(kind))
    db.session.add(
        retaining.Deletion(kind=kind, deleted_subject=subject, due_on=day, by_name="erase_job_data")
    )


def _erase_traces() -> None:
    """Forget looks and searches as old as a profile that nobody uses."""
    before = _before("job_profile")
    looks, searches = (
        len(db.session.scalars(delete(kind).where(kind.at < before).returning(kind.id)).all())
        for kind in (Look, PoolSearch)
    )
    if looks or searches:
        audit.record("job_traces.erased", "job_look:0", by="erase_job_data", looks=looks, searches=searches)
