"""What came of applications, as figures: by state, hires, and those through a certificate, told from five on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import exists, func, select

from portal.core import catalogue, clock
from portal.core.db import db
from portal.jobs import gone
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


def _counted(kind: Any, states: Any, at: Any, name: str, start: date, end: date) -> dict[Any, int]:
    """Return how many rows of [start, end) there are in each state, with those of posts that were erased."""
    rows = select(kind.state, func.count()).where(*_between(at, start, end)).group_by(kind.state)
    found = Counter({state: int(count) for state, count in db.session.execute(rows.order_by(kind.state))})
    found.update({states(state): count for state, count in gone.counts(name, start, end).items()})
    return {one: found[one] for one in states if found[one]}


def _between(at: Any, start: date, end: date) -> tuple[Any, Any]:
    return at >= clock.start_of(start), at < clock.start_of(end)


def figures(start: date, end: date) -> Figures:
    """Return what was sent in [start, end) and what came of it so far; of erased posts whole months are known."""
    states = _counted(JobApplication, A, JobApplication.sent_at, gone.APPLICATION, start, end)
    erased = gone.counts(gone.CERTIFICATE, start, end)
    by_certificate = select(func.count(JobApplication.id)).where(
        *_between(JobApplication.sent_at, start, end), JobApplication.by_certificate.is_(True)
    )
    return Figures(
        sent=sum(states.values()),
        by_state={one: states.get(one, 0) for one in A},
        hires=states.get(A.HIRED, 0),
        by_certificate=int(db.session.scalar(by_certificate) or 0) + sum(erased.values()),
        requests=_counted(ContactRequest, ContactState, ContactRequest.asked_at, gone.REQUEST, start, end),
        referrals=_counted(Referral, ReferralState, Referral.asked_at, gone.REFERRAL, start, end),
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
    erased = sum(sum(gone.counts(kind).values()) for kind in (gone.CERTIFICATE, gone.POST))
    count = int(db.session.scalar(applied) or 0) + int(db.session.scalar(filled) or 0) + erased
    return count if count >= int(catalogue.policy("jobs.figure_least")) else None
