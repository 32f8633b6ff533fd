"""The order in which an employer reads applications: a sort key computed live, printed to both sides, never a score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, case, func, select

from portal.core import catalogue, clock
from portal.core.db import db
from portal.jobs import consents, early, gateway
from portal.jobs.application_models import JobApplication
from portal.jobs.kinds import Need
from portal.jobs.models import Post
from portal.jobs.stages import Field, Purpose


@dataclass(frozen=True, slots=True)
class Ranked:
    """Applications as they are read: a statement of (application, rank of the highest level in force that may be seen)."""

    statement: Select[Any]
    order: tuple[Any, ...]
    rank: Any


def rank_of(code: str) -> int:
    """Return a level's place from the lowest (1); 0 for none."""
    return next((n for n, one in enumerate(catalogue.entries("level"), 1) if one == code), 0)


def required(post: Post) -> int:
    """Return the rank that a post requires; 0 where it requires none."""
    shown = post.shown
    return rank_of(shown.level) if shown is not None and shown.need is Need.REQUIRED else 0


def ranked(post: Post) -> Ranked:
    """Return the applications to a post in their order: meets the required level, highest level in force, time sent, id.

    A certificate counts only while its holder lets this employer see it: who takes that back stands as one without.
    """
    held = gateway.levels_in_force(on=clock.today()).subquery()
    person, rank = held.c[0], held.c[1]
    lets = consents.letting(Purpose.APPLY, post, Field.CERTIFICATES)
    best = (
        select(person.label("person_id"), func.max(rank).label("rank"))
        .where(person.in_(lets))
        .group_by(person)
        .subquery()
    )
    highest = func.coalesce(best.c.rank, 0)
    meets = case((highest >= required(post), 1), else_=0)
    found: Any = (
        select(JobApplication, highest.label("rank"))
        .outerjoin(best, best.c.person_id == JobApplication.person_id)
        .where(JobApplication.post_id == post.id)
    )
    order = (meets.desc(), highest.desc(), JobApplication.sent_at, JobApplication.id)
    return Ranked(found, order, highest)


def left_out(ranking: Ranked, least: int) -> int:
    """Return how many applications a filter by level leaves out."""
    below = ranking.statement.where(ranking.rank < least).order_by(None).subquery()
    return int(db.session.scalar(select(func.count()).select_from(below)) or 0)


def rule() -> list[str]:
    """Return the rule in words, as employers and candidates read it."""
    return [
        _("First those whose certificate in force meets the level that the post requires, where it requires one."),
        _("Then by the highest level of a certificate in force that the candidate lets this employer see."),
        _("Then by the time of sending: the earlier first."),
        _("Those without a certificate stand in the same list, on the same pages, with the same actions. There is no score, and nobody is hidden."),
        *early.rule(),
    ]  # fmt: skip
