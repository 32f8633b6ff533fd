"""Reports of readers about a post: one each, and enough of them put it before a moderator at once."""

from __future__ import annotations

import hmac

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.vault import derived
from portal.jobs import letters
from portal.jobs.board_models import PostReport
from portal.jobs.models import Post


def teller(person: Person | None, address: str) -> str:
    """Return the mark by which a reporter is told from others: a person's own, a guest's by his address, never readable."""
    who = f"person:{person.id}" if person is not None else f"guest:{address}"
    return hmac.new(derived("job report"), who.encode(), "sha256").hexdigest()


def report(post: Post, *, reason: str, words: str, person: Person | None, address: str) -> bool:
    """Take a report down; False if this reader reported the post before. No report takes a post down by itself."""
    if reason not in catalogue.entries("job_report"):
        raise Refused(_l("Please choose a reason."), field="reason", status=422)
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = db.session.execute(
        build(PostReport)
        .values(
            post_id=post.id, teller=teller(person, address), person_id=person.id if person is not None else None,
            reason=reason, words=words.strip()[:1000], at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(PostReport.id)
    ).first()  # fmt: skip
    if made is None:
        return False
    audit.record("post.reported", post, by="post reports", report_reason=reason)
    if open_reports(post) >= int(catalogue.policy("jobs.reports")):
        letters.reported(post)
    return True


def open_reports(post: Post) -> int:
    """Return how many readers' reports about a post nobody has looked into."""
    rows = select(func.count()).where(PostReport.post_id == post.id, PostReport.closed_at.is_(None))
    return int(db.session.scalar(rows) or 0)


def reports_of(post: Post) -> list[PostReport]:
    """Return the reports about a post, the newest first."""
    rows = select(PostReport).where(PostReport.post_id == post.id).order_by(PostReport.id.desc())
    return list(db.session.scalars(rows))
