"""How much one person may send: posts and applications alike count towards the hour, applications towards the day."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.core import catalogue, clock
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.jobs.application_models import JobApplication

POST_SENT = "post.submitted"


def most_an_hour() -> int:
    """Return how many posts and applications together a person may send within an hour."""
    return int(catalogue.policy("jobs.submissions_an_hour"))


def hour_is_full(person: Person) -> bool:
    """Whether a person has sent as many posts and applications within the last hour as the portal takes."""
    since = clock.now() - timedelta(hours=1)
    return _posts(person, since) + _applications(person, since) >= most_an_hour()


def day_is_full(person: Person) -> bool:
    """Whether a person has sent as many applications today as the portal takes."""
    start = clock.start_of(clock.today())
    return _applications(person, start) >= int(catalogue.policy("jobs.applications_a_day"))


def _posts(person: Person, since: datetime) -> int:
    """Count sends as the audit has them: a version that was taken back was sent all the same."""
    mine = (AuditEntry.verb == POST_SENT, AuditEntry.actor_id == person.id, AuditEntry.at > since)
    return int(db.session.scalar(select(func.count()).where(*mine)) or 0)


def _applications(person: Person, since: datetime) -> int:
    mine = (JobApplication.person_id == person.id, JobApplication.sent_at >= since)
    return int(db.session.scalar(select(func.count(JobApplication.id)).where(*mine)) or 0)
