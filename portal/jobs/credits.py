"""What certificates of candidates are worth at the moment of showing, for pages and programs; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.core import catalogue
from portal.jobs import gateway, naming
from portal.jobs.gateway import Credential
from portal.jobs.kinds import Need
from portal.jobs.models import Post


@dataclass(frozen=True, slots=True)
class Badge:
    """A certificate as a page shows it: level in words, state now, the number that opens the public check."""

    level: str
    name: str
    rank: int
    state: str
    number: str
    until: date

    @property
    def tone(self) -> str:
        """Return the tone of its badge."""
        return {"valid": "good", "suspended": "warn", "revoked": "bad"}.get(self.state, "mute")

    @property
    def words(self) -> str:
        """Return the state in the reader's language."""
        return str(WORDS.get(self.state, self.state))


WORDS = {
    "valid": _l("valid"), "suspended": _l("on hold"), "expired": _l("expired"), "revoked": _l("revoked"),
    "superseded": _l("replaced"),
}  # fmt: skip


def levels() -> list[tuple[int, str, str]]:
    """Return every level as (rank, code, name), the lowest first."""
    return [
        (rank, code, catalogue.in_words(body["name"]))
        for rank, (code, body) in enumerate(catalogue.entries("level").items(), 1)
    ]


def _badge(one: Credential) -> Badge:
    return Badge(one.level, naming.level(one.level), one.rank, one.state, one.number, one.until)


def of(people: Sequence[Person]) -> dict[int, list[Badge]]:
    """Return the badges of some people by their ids, the highest level first: one call for a page."""
    return {person: [_badge(one) for one in held] for person, held in gateway.credentials(people).items()}


def highest(badges: Sequence[Badge]) -> Badge | None:
    """Return the highest certificate in force."""
    return next((one for one in badges if one.state == "valid"), None)


def asks(post: Post) -> str:
    """Return the level a post names, in words; empty where it names none."""
    shown = post.shown
    return naming.level(shown.level) if shown is not None and shown.need is not Need.NONE else ""
