"""What is on record of the organisations that a list of members may mean, gathered in a few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import exists, select, tuple_
from sqlalchemy.orm import lazyload

from portal.accounts.duplicates import normal_name, registrable_domain
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.members.belonging import Membership, Term
from portal.members.list_checks import given, key_in
from portal.members.list_file import Line, tidy
from portal.members.models import MatchKey

FIELDS = (
    "legal_name", "legal_name_en", "display_name_zh", "display_name_en", "country", "registration", "category", "tier",
    "homepage", "address", "about",
)  # fmt: skip
PLAIN = tuple(name for name in FIELDS if name not in ("registration", "tier"))
TOGETHER = 400
_HAS_TERMS = exists().where(Term.membership_id == Membership.id).correlate(Membership)


@dataclass(frozen=True, slots=True)
class Matched:
    """An organisation on record: its values as a list shows them; `listed` if a list alone says at which tier it stands."""

    uid: str
    values: dict[str, str]
    listed: bool


@dataclass(slots=True)
class Known:
    """Organisations by id and by legal key, and who answers to a name or a domain."""

    by_uid: dict[str, Matched] = field(default_factory=dict)
    by_key: dict[str, Matched] = field(default_factory=dict)
    alike: dict[tuple[str, str], str] = field(default_factory=dict)

    def key_of(self, values: dict[str, str]) -> str | None:
        """Return the legal key that a row names, judged by nobody yet."""
        number = values.get("registration", "")
        return key_in(number, values.get("country", "") or "CN") if number else None


def statement() -> Any:
    """Select every organisation, with its membership and whether it has terms; neither individuals nor signposts of a merge."""
    return (
        select(Organisation, Membership, _HAS_TERMS)
        .outerjoin(Membership, Membership.org_id == Organisation.id)
        .where(Organisation.person_id.is_(None), Organisation.merged_into_id.is_(None))
        .options(lazyload(Membership.org))
    )


def matched(org: Organisation, membership: Membership | None, has_terms: bool) -> Matched:
    """Return what a list shows of an organisation."""
    values = {name: tidy(getattr(org, name)) for name in PLAIN}
    values["registration"] = org.legal_key or ""
    values["tier"] = membership.tier if membership is not None else ""
    listed = bool(org.unclaimed and membership is not None and not has_terms)
    return Matched(org.uid, values, listed)


def seen(lines: list[Line]) -> Known:
    """Gather what these rows may be about."""
    known, rows = Known(), [given(line) for line in lines]
    for column, values in (
        (Organisation.uid, {row.get("id", "") for row in rows}),
        (Organisation.legal_key, {known.key_of(row) or "" for row in rows}),
    ):
        for some in _some(values - {""}):
            for org, membership, has_terms in db.session.execute(statement().where(column.in_(some))):
                one = matched(org, membership, has_terms)
                known.by_uid[one.uid] = one
                if org.legal_key:
                    known.by_key[org.legal_key] = one
    _alike(known, rows)
    return known


def _alike(known: Known, rows: list[dict[str, str]]) -> None:
    asked: set[tuple[str, str]] = set()
    for row in rows:
        asked |= {
            ("name", normal_name(row[name])[:250]) for name in FIELDS if "name" in name and row.get(name)
        }
        if row.get("homepage") and (domain := registrable_domain(row["homepage"])):
            asked.add(("domain", domain[:250]))
    for some in _some(key for key in asked if key[1]):
        found = db.session.execute(
            select(MatchKey.kind, MatchKey.value, Organisation.legal_name)
            .join(Organisation, Organisation.id == MatchKey.org_id)
            .where(tuple_(MatchKey.kind, MatchKey.value).in_(some))
            .order_by(Organisation.id.desc())
        )
        known.alike.update({(kind, value): name for kind, value, name in found})


def _some(values: Iterable[Any]) -> Iterator[list[Any]]:
    asked = sorted(values)
    for at in range(0, len(asked), TOGETHER):
        yield asked[at : at + TOGETHER]
