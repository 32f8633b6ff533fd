"""Names of organisations: what search and sorting use, and which others look alike."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import delete, select, tuple_

from portal.accounts.duplicates import normal_name, registrable_domain
from portal.accounts.organisations import FormerName, Organisation
from portal.core.db import db
from portal.members import grams
from portal.members.models import MatchKey, Pair


def _all_names(org: Organisation) -> list[str]:
    """Return every name that leads to an organisation, those of entries merged into it too; none to a signpost."""
    if org.merged_into_id is not None:
        return []
    former = db.session.scalars(select(FormerName.name).where(FormerName.org_id == org.id)).all()
    merged = db.session.scalars(select(Organisation).where(Organisation.merged_into_id == org.id)).all()
    own = [
        name
        for one in (org, *merged)
        for name in (one.legal_name, one.legal_name_en, one.display_name_zh, one.display_name_en)
    ]
    return [name for name in (*own, *former) if name]


def sort_key(name: str) -> str:
    """Return what a name is sorted by: Chinese by pinyin."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - its dictionaries take most of a second, and few processes write names

    return " ".join(lazy_pinyin(name)).casefold()[:250]


def index(org: Organisation) -> None:
    """Write what search, sorting and comparing use of a stored organisation: every name in both scripts."""
    names = _all_names(org)
    grams.write(org, names)
    zh = org.display_name_zh or org.legal_name
    en = org.display_name_en or org.legal_name_en or zh
    org.sort_zh, org.sort_en = sort_key(zh), sort_key(en)
    keys = {("name", normal_name(name)[:250]) for name in names}
    if org.legal_key:
        keys.add(("legal", org.legal_key))
    if org.homepage and (domain := registrable_domain(org.homepage)):
        keys.add(("domain", domain[:250]))
    if org.person_id is not None:  # many people share a name: a person is never a duplicate by it
        keys = set()
    if org.merged_into_id is not None:  # a signpost: it was the same, and nothing is like it any more
        keys = set()
    db.session.execute(delete(MatchKey).where(MatchKey.org_id == org.id))
    db.session.add_all(
        MatchKey(org_id=org.id, kind=kind, value=value) for kind, value in sorted(keys) if value
    )
    db.session.flush()


def rebuild() -> int:
    """Write anew, for every organisation, what is derived from its names; return how many there are."""
    count = 0
    for org in db.session.scalars(select(Organisation).order_by(Organisation.id)):
        org.search_text = ""
        index(org)
        count += 1
    return count


def find_pairs(org: Organisation) -> None:
    """Note every other organisation that shares a key, once per pair, for a reviewer to answer."""
    mine = db.session.execute(select(MatchKey.kind, MatchKey.value).where(MatchKey.org_id == org.id)).all()
    if not mine:
        return
    found: dict[int, set[str]] = defaultdict(set)
    rows = db.session.execute(
        select(MatchKey.org_id, MatchKey.kind).where(
            tuple_(MatchKey.kind, MatchKey.value).in_([tuple(row) for row in mine]), MatchKey.org_id != org.id
        )
    )
    for other_id, kind in rows:
        found[other_id].add(kind)
    for other_id, kinds in sorted(found.items()):
        known = select(Pair.id).where(
            ((Pair.org_id == org.id) & (Pair.other_id == other_id))
            | ((Pair.org_id == other_id) & (Pair.other_id == org.id))
        )
        if db.session.scalar(known) is None:
            other = db.session.get_one(Organisation, other_id)
            db.session.add(Pair(org=org, other=other, hits=",".join(sorted(kinds))))
    db.session.flush()


def open_pairs(org: Organisation) -> list[Pair]:
    """Return the similar organisations, answered or not."""
    return list(
        db.session.scalars(
            select(Pair).where((Pair.org_id == org.id) | (Pair.other_id == org.id)).order_by(Pair.id)
        )
    )
