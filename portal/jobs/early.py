"""A head start for the certified, where the foundation sets one: the post is seen by all, applying opens to the others later."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.core import catalogue, clock
from portal.core.errors import Refused
from portal.core.words import moment
from portal.jobs import gateway
from portal.jobs.models import Post

HOURS = "jobs.apply_opens_early_hours"


def opens_at(post: Post) -> datetime | None:
    """Return when applying opens to those without a certificate, as long as that lies ahead."""
    hours = int(catalogue.policy(HOURS))
    if not hours or post.posted_at is None or post.starts_on is None:
        return None
    opens = max(post.posted_at, clock.start_of(post.starts_on)) + timedelta(hours=hours)
    return opens if clock.now() < opens else None


def rule() -> list[str]:
    """Return the head start in words, for the rule that both sides read; nothing where there is none."""
    hours = int(catalogue.policy(HOURS))
    if not hours:
        return []
    return [
        _("In its first %(hours)s hours a post takes applications from holders of a certificate alone; all see it from the first minute.", hours=hours)
    ]  # fmt: skip


def may_begin(person: Person) -> bool:
    """Whether a person holds a certificate in force, of whatever level: as it is worth at this moment."""
    return any(one.valid for one in gateway.credentials([person])[person.id])


def refuse_early(post: Post, person: Person) -> None:
    """Refuse whoever holds no certificate in force, while applying is open to the certified alone."""
    opens = opens_at(post)
    if opens is not None and not may_begin(person):
        raise Refused(
            _l("Until %(moment)s this post takes applications from holders of a certificate in force; then from everybody.", moment=moment(opens))
        )  # fmt: skip
