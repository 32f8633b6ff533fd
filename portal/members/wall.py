"""Who is shown: the wall, the directory, and the rolls of staff, as selects that callers page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select

from portal.accounts.organisations import Organisation
from portal.core import catalogue, i18n
from portal.core.db import db
from portal.members import grams
from portal.members.belonging import Membership
from portal.members.standing import Answer, Right, Standing
from portal.members.wall_models import WallEntry


def listed_standings() -> list[Standing]:
    """Return the standings that carry the right to be listed."""
    table: Mapping[str, Mapping[str, str]] = catalogue.entries("rights")
    return [one for one in Standing if table.get(one.value, {}).get(Right.LISTED.value) == Answer.YES.value]


def tier_order() -> list[str]:
    """Return the codes of all tiers, the highest first; imported ones after ours."""
    return [*catalogue.entries("tier"), *catalogue.entries("imported_tier")]


def tier_name(code: str) -> str:
    """Return what a tier is called in the reader's language."""
    body = catalogue.entries("tier").get(code) or catalogue.entries("imported_tier").get(code)
    return catalogue.in_words(body["name"]) if body else code


def entitled() -> Any:
    """Return the condition that somebody belongs on the wall: he consents, and is listed or an unclaimed import."""
    listed = or_(Membership.standing.in_(listed_standings()), Organisation.unclaimed)
    return and_(Organisation.listing_consent, listed)


def waiting() -> Any:
    """Return the condition that somebody stays shown until an edition removes him: he stood on the last one.

    Consent taken back and an expulsion do not wait.
    """
    stood = exists().where(WallEntry.org_id == Organisation.id)
    return and_(Organisation.listing_consent, Membership.standing != Standing.EXPELLED, stood)


def shown(*, people: bool = False) -> Select[Membership]:
    """Select whoever the wall shows: those entitled to it, at once, and those whose removal waits for an edition.

    Individuals are a list of their own, never among the organisations.
    """
    # Not "is not null": SQLite then walks all names in their order instead of the few individuals.
    kind = Organisation.person_id > 0 if people else Organisation.person_id.is_(None)
    return select(Membership).join(Organisation).where(kind, or_(entitled(), waiting()))


def ranked(tier: Any = Membership.tier) -> Any:
    """Return the place of a tier, a membership's unless another column is named, for sorting."""
    order = {code: place for place, code in enumerate(tier_order())}
    return case(order, value=tier, else_=len(order)) if order else tier


def by_name() -> Any:
    """Return the sort key of names in the reader's language (Chinese by pinyin)."""
    return Organisation.sort_zh if i18n.language().startswith("zh") else Organisation.sort_en


def shown_name() -> Any:
    """Return the column of an organisation's name for this reader; the same as `Organisation.name`."""
    zh, en, legal_en = (
        func.nullif(column, "")
        for column in (Organisation.display_name_zh, Organisation.display_name_en, Organisation.legal_name_en)
    )
    chinese = i18n.language().startswith("zh")
    order = (zh, en) if chinese else (en, legal_en, zh)
    return func.coalesce(*order, Organisation.legal_name).label("name")


def filtered(
    statement: Select[Membership], *, q: str = "", tier: str = "", category: str = ""
) -> Select[Membership]:
    """Narrow by any name in either script, by tier and by category."""
    if q.strip():
        statement = statement.where(grams.holding(q))
    if tier:
        statement = statement.where(Membership.tier == tier)
    if category:
        statement = statement.where(Organisation.category == category)
    return statement


def counts(statement: Select[Membership]) -> dict[str, int]:
    """Return how many rows of a statement stand at each tier."""
    inner = statement.with_only_columns(Membership.tier).order_by(None).subquery()
    rows = db.session.execute(select(inner.c.tier, func.count()).group_by(inner.c.tier))
    found = {str(tier): int(number) for tier, number in rows}
    return {code: found[code] for code in [*tier_order(), *sorted(found)] if code in found}


def within(counted: Mapping[str, int], start: int, most: int, order: Sequence[str]) -> tuple[list[str], int]:
    """Return at which tiers some rows of a list in the tiers' order stand, and how many rows lie before those tiers.

    Tiers that the catalogue does not know share the last place, and so are taken together.
    """
    places = [[code] for code in order if code in counted]
    if unknown := [code for code in counted if code not in order]:
        places.append(unknown)
    found: list[str] = []
    passed = before = 0
    for codes in places:
        number = sum(counted[code] for code in codes)
        if passed < start + most and start < passed + number:
            found += codes
        elif not found:
            before += number
        passed += number
    return found, before


def joined(membership: Membership) -> date | None:
    """Return since when the organisation belongs, as known here."""
    return membership.member_since or membership.stated_joined


def entry(row: Membership) -> dict[str, Any]:
    """Return a member of the wall as programs read it."""
    org, day = row.org, joined(row)
    return {
        "id": org.uid,
        "name": {
            "zh": org.display_name_zh or org.legal_name,
            "en": org.display_name_en or org.legal_name_en or org.legal_name,
        },
        "tier": row.tier,
        "category": org.category or None,
        "homepage": org.homepage or None,
        "logo": None,
        "joined": str(day) if day else None,
        "founding": row.founding,
    }
