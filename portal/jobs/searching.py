"""Looking for posts: words, place, certificate, kind of work and pay, from an address or a saved search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, case, exists, or_, select

from portal.accounts.organisations import Organisation
from portal.core import catalogue
from portal.core.db import db
from portal.core.forms import clean
from portal.jobs import terms
from portal.jobs.kinds import Employment, Remote
from portal.jobs.models import Post, PostTerm, PostVersion

REMOTE = "remote"
MOST_WORDS = 100
MOST_COUNTED = 1_000  # posts; beyond them a page says that there are more
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
    words = terms.asked(asked.q)
    named = _employers(words)
    for term in words:
        said = PostTerm.term.startswith(term) if terms.is_lone(term) else PostTerm.term == term
        found = Post.id.in_(select(PostTerm.post_id).where(said))
        statement = statement.where(or_(found, Post.org_id.in_(named[term])) if named[term] else found)
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


def _employers(words: list[str]) -> dict[str, list[int]]:
    """Return for each term the employers whose names hold it: names change without a review, and stand in no terms."""
    found: dict[str, list[int]] = {term: [] for term in words}
    names = [term for term in words if not term.isascii() or len(term) >= LATIN_NAME]
    if not names:
        return found
    holds = [Organisation.search_text.contains(term, autoescape=True) for term in names]
    posts = exists().where(Post.org_id == Organisation.id)
    columns = [case((held, 1), else_=0) for held in holds]
    rows = select(Organisation.id, *columns).where(or_(*holds), posts).order_by(Organisation.id)
    for org_id, *said in db.session.connection().execute(rows):
        for term, held in zip(names, said, strict=True):
            if held:
                found[term].append(org_id)
    return found


def newest_first(statement: Select[Any]) -> Select[Any]:
    """Put the newest first; ties by id."""
    return statement.order_by(Post.posted_at.desc(), Post.id.desc())
