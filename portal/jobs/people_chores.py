"""What time does to candidates' side: nudges employers, lets silent referrals go, erases what its time is over for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, and_, delete, func, or_, select, update

from portal.core import audit, catalogue, clock, retaining
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.jobs import application_letters as letters
from portal.jobs import consents, leaving, profiles, referring
from portal.jobs.application_models import JobApplication, Referral
from portal.jobs.kinds import OVER
from portal.jobs.models import Post
from portal.jobs.people_models import Look, PoolSearch, Profile
from portal.jobs.stages import ApplicationState, Purpose

log = structlog.get_logger(__name__)
A = ApplicationState
WAITING = (A.SENT, A.SEEN, A.INTERVIEW)


def _each(chore: str, ids: Iterable[int], work: Callable[[int], bool]) -> int:
    """Do one row after the other, a transaction each; a row that fails is logged and the rest go on."""
    done, rows = 0, list(ids)
    let_go()
    for number in rows:
        try:
            with transaction():
                done += work(number)
        except Refused as refusal:
            log.info("chore.refused", chore=chore, row=number, why=str(refusal))
        except Exception:
            log.exception("chore.failed", chore=chore, row=number)
    return done


def nudge_employers() -> int:
    """Remind employers of applications that nobody has moved for two weeks; one letter a post, once a standstill."""
    before = clock.now() - timedelta(days=int(catalogue.policy("jobs.nudge_days")))
    still = (
        JobApplication.state.in_(WAITING), JobApplication.moved_at <= before, JobApplication.nudged_at.is_(None),
    )  # fmt: skip
    posts = select(JobApplication.post_id).where(*still).distinct().order_by(JobApplication.post_id)

    def nudge(number: int) -> bool:
        mine = (*still, JobApplication.post_id == number)
        count = int(db.session.scalar(select(func.count(JobApplication.id)).where(*mine)) or 0)
        marked = update(JobApplication).where(*mine).values(nudged_at=clock.now())
        db.session.execute(marked.execution_options(synchronize_session=False))
        letters.nudge(db.session.get_one(Post, number), count, clock.today().isoformat())
        return bool(count)

    return _each("nudge_employers", db.session.scalars(posts), nudge)


def drop_silent_referrals() -> int:
    """Erase the addresses of referrals that nobody answered in time; that there was a letter stays."""

    def drop(number: int) -> bool:
        referring.fall_silent(db.session.get_one(Referral, number))
        return True

    return _each("drop_silent_referrals", referring.silent_since(clock.today()), drop)


def erase_job_data() -> int:
    """Erase applications some time after their post closed, unless they may be kept, and profiles nobody uses."""
    done = _each("erase_job_data", db.session.scalars(_old_applications()), _erase_application)
    done += _each("erase_job_data", db.session.scalars(_old_profiles()), _erase_profile)
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


def _erase_application(number: int) -> bool:
    row = db.session.get_one(JobApplication, number)
    if row.person is None or consents.allowed(row.person, Purpose.KEEP, row.post, "application"):
        return False
    leaving.erase_application(row, by="erase_job_data")
    _trace("job_application", row.subject)
    return True


def _old_profiles() -> Select[Any]:
    return select(Profile.id).where(Profile.used_at < _before("job_profile")).order_by(Profile.id)


def _erase_profile(number: int) -> bool:
    row = db.session.get_one(Profile, number)
    subject = row.subject
    profiles.erase(row)
    _trace("job_profile", subject)
    return True


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
