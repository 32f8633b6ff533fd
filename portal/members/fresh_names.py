"""Names of many new organisations at once: the same copies for search, sorting and comparing as `names` writes one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

from sqlalchemy import insert, select, tuple_

from portal.accounts.duplicates import normal_name
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.paging import folded
from portal.members import grams, names
from portal.members.models import MatchKey, NameGram, Pair

TOGETHER = 400
T = TypeVar("T")


def index(former: Mapping[Organisation, Sequence[str]]) -> None:
    """Write what search, sorting and comparing use of stored organisations with a legal name and former ones, and no more."""
    pieces: list[dict[str, object]] = []
    keys: list[dict[str, object]] = []
    for org, old in former.items():
        called = [org.legal_name, *old]
        org.search_text = "\n".join(sorted({folded(name) for name in called}))
        org.sort_zh = org.sort_en = names.sort_key(org.legal_name)
        pieces += [{"gram": gram, "org_id": org.id} for gram in sorted(grams.grams(org.search_text))]
        keys += [
            {"org_id": org.id, "kind": "name", "value": value}
            for value in sorted({normal_name(name)[:250] for name in called})
            if value
        ]
    db.session.flush()
    if pieces:
        db.session.execute(insert(NameGram), pieces)
    if keys:
        db.session.execute(insert(MatchKey), keys)


def pair(orgs: Sequence[Organisation]) -> None:
    """Note every other organisation that one of these new ones shares a name with, once per pair, for a reviewer."""
    mine: dict[tuple[str, str], set[int]] = defaultdict(set)
    own = {org.id: org for org in orgs}
    for some in _some(sorted(own)):
        rows = db.session.execute(select(MatchKey.org_id, MatchKey.value).where(MatchKey.org_id.in_(some)))
        for number, value in rows:
            mine["name", value].add(number)
    met: set[tuple[int, int]] = set()
    for some in _some(sorted(mine)):
        asked = select(MatchKey.kind, MatchKey.value, MatchKey.org_id)
        for kind, value, other in db.session.execute(
            asked.where(tuple_(MatchKey.kind, MatchKey.value).in_(some))
        ):
            met |= {(min(one, other), max(one, other)) for one in mine[kind, value] if one != other}
    for one, other in sorted(met):
        first, second = (own.get(n) or db.session.get_one(Organisation, n) for n in (one, other))
        db.session.add(Pair(org=second, other=first, hits="name"))
    db.session.flush()


def _some(values: list[T]) -> list[list[T]]:
    return [values[at : at + TOGETHER] for at in range(0, len(values), TOGETHER)]
