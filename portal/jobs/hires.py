"""What came of applications, as figures: by state, hires, and those through a certificate, told from five on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import exists, func, select

from portal.core import catalogue, clock
from portal.core.db import db
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.kinds import PostState
from portal.jobs.models import Post
from portal.jobs.stages import ContactState, JobApplicationState, ReferralState

A = JobApplicationState


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers of a span of days; nobody is named, and nobody can be counted out."""

    sent: int
    by_state: dict[JobApplicationState, int]
    hires: int
    by_certificate: int
    requests: dict[ContactState, int]
    referrals: dict[ReferralState, int]


def _counted(kind: Any, *conditions: Any) -> dict[Any, int]:
    """Return how many rows there are in each state."""
    rows = select(kind.state, func.count()).where(*conditions).group_by(kind.state).order_by(kind.state)
    return {state: int(count) for state, count in db.session.execute(rows)}


def figures(start: date, end: date) -> Figures:
    """Return what was sent in [start, end) and what came of it so far."""
    first, last = clock.start_of(start), clock.start_of(end)
    sent = (JobApplication.sent_at >= first, JobApplication.sent_at < last)
    states = _counted(JobApplication, *sent)
    by_certificate = select(func.count(JobApplication.id)).where(
        *sent, JobApplication.by_certificate.is_(True)
    )
    return Figures(
        sent=sum(states.values()),
        by_state={one: states.get(one, 0) for one in A},
        hires=states.get(A.HIRED, 0),
        by_certificate=int(db.session.scalar(by_certificate) or 0),
        requests=_counted(ContactRequest, ContactRequest.asked_at >= first, ContactRequest.asked_at < last),
        referrals=_counted(Referral, Referral.asked_at >= first, Referral.asked_at < last),
    )


def through_certificate() -> int | None:
    """Return how many were hired through a certificate so far, as everybody may read it; None while they are few.

    A post that its employer filled "through a certificate" counts where no application of the portal was hired for it.
    """
    applied = select(func.count(JobApplication.id)).where(JobApplication.by_certificate.is_(True))
    hired = exists().where(JobApplication.post_id == Post.id, JobApplication.state == A.HIRED)
    filled = select(func.count(Post.id)).where(
        Post.state == PostState.FILLED, Post.by_certificate.is_(True), ~hired
    )
    count = int(db.session.scalar(applied) or 0) + int(db.session.scalar(filled) or 0)
    return count if count >= int(catalogue.policy("jobs.figure_least")) else None
