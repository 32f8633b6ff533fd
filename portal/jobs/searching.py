"""Looking for posts: words, place, certificate, kind of work and pay, from an address or a saved search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, false, or_, select

from portal.accounts.organisations import Organisation
from portal.core import catalogue
from portal.core.forms import clean
from portal.jobs import terms
from portal.jobs.kinds import Employment, Remote
from portal.jobs.models import Post, PostTerm, PostVersion

REMOTE = "remote"
MOST_WORDS = 100
LATIN_NAME = 3  # letters; fewer stand in too many names
PAYS = (15_000, 25_000, 40_000, 60_000)  # yuan a month


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of a search; what is empty or unknown narrows nothing. `pay` is yuan a month at least."""

    q: str = ""
    city: str = ""
    level: str = ""
    kind: str = ""
    pay: str = ""

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return any((self.q, self.city, self.level, self.kind, self.pay))

    def plain(self) -> dict[str, str]:
        """Return the filters that are set, as they stand in an address."""
        return {key: value for key, value in asdict(self).items() if value}


def read(values: Mapping[str, Any]) -> Asked:
    """Return the filters of an address; what no list knows is left out."""

    def one(name: str, most: int = 40) -> str:
        return str(clean(str(values.get(name, ""))))[:most].strip()

    city, level, kind, pay = one("city"), one("level"), one("kind"), one("pay", 9)
    return Asked(
        q=one("q", MOST_WORDS),
        city=city if city == REMOTE or city in catalogue.entries("job_city") else "",
        level=level if level in catalogue.entries("level") else "",
        kind=kind if kind in {item.value for item in Employment} else "",
        pay=str(int(pay)) if pay.isascii() and pay.isdigit() and int(pay) else "",
    )


def narrowed(statement: Select[Any], asked: Asked) -> Select[Any]:
    """Narrow a statement over posts and the versions they show."""
    for term in terms.asked(asked.q):
        said = PostTerm.term.startswith(term) if terms.is_lone(term) else PostTerm.term == term
        statement = statement.where(
            or_(Post.id.in_(select(PostTerm.post_id).where(said)), _of_employer(term))
        )
    if asked.city == REMOTE:
        statement = statement.where(PostVersion.remote == Remote.REMOTE)
    elif asked.city:
        statement = statement.where(PostVersion.city == asked.city, PostVersion.remote != Remote.REMOTE)
    if asked.level:
        statement = statement.where(PostVersion.level == asked.level)
    if asked.kind:
        statement = statement.where(PostVersion.employment == Employment(asked.kind))
    if asked.pay:
        least = int(asked.pay) * 100 * 12
        statement = statement.where(PostVersion.currency == "CNY", PostVersion.pay_year >= least)
    return statement


def _of_employer(term: str) -> Any:
    """Return the condition that an employer's name holds a term: names change without a review, and stand in no terms."""
    if term.isascii() and len(term) < LATIN_NAME:
        return false()
    named = Organisation.search_text.contains(term, autoescape=True)
    return Post.org_id.in_(
        select(Organisation.id).where(Organisation.id.in_(select(Post.org_id).distinct()), named)
    )


def newest_first(statement: Select[Any]) -> Select[Any]:
    """Put the newest first; ties by id."""
    return statement.order_by(Post.posted_at.desc(), Post.id.desc())
