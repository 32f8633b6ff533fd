"""Landscape files: members in from other foundations' lists, our wall out in the same format."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.core import audit, catalogue
from portal.core.catalogue import CatalogueEntry, brand
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import names, terms, wall
from portal.members.belonging import Membership, Term, TermKind

SUFFIX = re.compile(r"\s*\((member|supporter|contributor)\)\s*$", re.IGNORECASE)
MOST_BYTES = 8 * 1024 * 1024


@dataclass(slots=True)
class Outcome:
    """What an import did: new and unchanged organisations, members by tier, and what is worth telling."""

    new: int = 0
    same: int = 0
    changed: int = 0
    skipped: int = 0
    by_tier: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a file."""

    name: str
    name_zh: str
    homepage: str
    tier: str
    joined: date | None
    founding: bool
    source: str


def _code(tier: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", tier.casefold()).strip("_")[:40] or "imported"


def _text(value: Any, where: str, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"{where}: {what} must be text")
    return " ".join(value.split())[:300]


def _day(value: Any, where: str) -> date | None:
    if value in (None, ""):
        return None
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise Refused(f"{where}: joined must be a day like 2026-03-01, not {value!r}") from None


def parse(text: str) -> tuple[list[Item], list[str]]:
    """Return a file's members, the highest tier of each, and notes. Raises `Refused` naming record and field."""
    if len(text.encode()) > MOST_BYTES:
        raise Refused("the file is larger than 8 MB")
    try:
        body = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe loader
    except yaml.YAMLError as error:
        raise Refused(f"the file is not YAML: {str(error).splitlines()[0]}") from None
    roots = (body.get("landscape") or body.get("categories")) if isinstance(body, dict) else None
    if not isinstance(roots, list):
        raise Refused("the file has no list under landscape or categories")
    found: dict[str, Item] = {}
    notes: list[str] = []
    ours = {catalogue_name.casefold(): code for code, catalogue_name in _our_tiers()}
    order: list[str] = []
    for category in roots:
        name = str(category.get("name", "")) if isinstance(category, dict) else ""
        if "ember" not in name:
            continue
        for sub in category.get("subcategories") or []:
            tier = _text(sub.get("name"), name, "the name of a tier") if isinstance(sub, dict) else ""
            code = ours.get(tier.casefold()) or ours.get(_code(tier)) or _code(tier)
            order.append(code)
            for n, raw in enumerate(sub.get("items") or [], 1):
                _take(raw, f"{tier}, item {n}", code, found, notes, order, _code(name))
    if not order:
        raise Refused("the file has no category whose name contains 'ember'")
    return list(found.values()), notes


def _our_tiers() -> list[tuple[str, str]]:
    found = []
    for code, body in catalogue.entries("tier").items():
        found += [(code, code), *((code, word) for word in body["name"].values())]
    return found


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _rank(code: str, order: list[str]) -> tuple[int, int]:
    mine = list(catalogue.entries("tier"))
    return (0, mine.index(code)) if code in mine else (1, order.index(code))


def _take(
    raw: Any, where: str, tier: str, found: dict[str, Item], notes: list[str], order: list[str], source: str
) -> None:
    if not isinstance(raw, dict):
        raise Refused(f"{where}: an item must be a mapping")
    name = SUFFIX.sub("", _text(raw.get("name"), where, "name"))
    if not name:
        raise Refused(f"{where}: name is missing")
    if raw.get("unnamed_organization"):
        notes.append(f"{where}: unnamed organisation skipped")
        return
    extra = _mapping(raw.get("extra"))
    annotations = _mapping(extra.get("annotations"))
    item = Item(
        name=name[:200], name_zh=_text(annotations.get("name_zh"), where, "name_zh")[:120],
        homepage=_text(raw.get("homepage_url"), where, "homepage_url"), tier=tier,
        joined=_day(raw.get("joined"), where), founding=str(annotations.get("founding", "")).lower() == "true", source=source,
    )  # fmt: skip
    key = name.casefold()
    held = found.get(key)
    if held is not None:
        notes.append(f"{where}: {name} stands at {held.tier} and at {tier}; the higher counts")
        if _rank(held.tier, order) <= _rank(tier, order):
            return
    found[key] = item


def bring_in(text: str, *, start: date | None = None, end: date | None = None, by: str = "import") -> Outcome:
    """Bring a file's members in, whole or not at all; the same file again changes nothing."""
    if (start is None) != (end is None) or (start and end and end <= start):
        raise Refused("--from and --until go together, the first day before the last")
    items, notes = parse(text)
    outcome = Outcome(notes=notes, skipped=sum("skipped" in note for note in notes))
    _name_tiers(items, outcome)
    # Keyed by name: one organisation in two foundations' lists stays one, and the first list keeps its tier.
    stored = db.session.scalars(select(Organisation).where(Organisation.source_key.startswith("landscape:")))
    known = {str(row.source_key).split(":", 2)[2]: row for row in stored}
    touched: list[Membership] = []
    for item in items:
        touched.append(_bring_one(item, known, outcome, start, end, by))
        outcome.by_tier[item.tier] += 1
    db.session.flush()
    if start is not None:
        terms.refresh(touched)
    if outcome.new or outcome.changed:
        audit.record("landscape.imported", "landscape:0", by=by, new=outcome.new, changed=outcome.changed)
    return outcome


def _name_tiers(items: list[Item], outcome: Outcome) -> None:
    """Give tiers we do not sell a name of their own, without a price."""
    ours, imported = catalogue.entries("tier"), catalogue.entries("imported_tier")
    for code in dict.fromkeys(item.tier for item in items):
        if code not in ours and code not in imported:
            words = code.replace("_", " ").title()
            body = {"code": code, "name": {"en": words, "zh": words}, "order": len(imported)}
            imported[code] = body
            db.session.add(
                CatalogueEntry(
                    kind="imported_tier", code=code, valid_from=date(2000, 1, 1), version=1, body=body
                )
            )
            outcome.notes.append(f"{words}: an imported tier without a price")
    db.session.flush()


def _bring_one(
    item: Item,
    known: dict[str, Organisation],
    outcome: Outcome,
    start: date | None,
    end: date | None,
    by: str,
) -> Membership:
    key = f"landscape:{item.source}:{item.name.casefold()}"[:200]
    name = key.split(":", 2)[2]
    org = known.get(name)
    fresh = org is None
    if org is None:
        org = known[name] = Organisation(
            legal_name=item.name, source_key=key, unclaimed=True, listing_consent=True
        )
        db.session.add(org)
        db.session.flush()
    membership = None if fresh else terms.membership_of(org)
    if membership is None:
        membership = Membership(org=org)
        db.session.add(membership)
        db.session.flush()
    changed = False
    if org.source_key != key:
        outcome.notes.append(f"{item.name}: listed by another file already, which keeps its tier")
    elif org.unclaimed:
        changed = _describe(org, membership, item, fresh=fresh)
    if start is not None:
        changed |= _imported_term(membership, item, start, end, by)
    outcome.new += fresh
    outcome.changed += changed and not fresh
    outcome.same += not changed and not fresh
    return membership


def _describe(org: Organisation, membership: Membership, item: Item, *, fresh: bool) -> bool:
    """Write what the file says of an unclaimed organisation; return whether that changed anything."""
    wanted = {
        "legal_name": item.name, "display_name_en": item.name[:120], "display_name_zh": item.name_zh,
        "homepage": item.homepage,
    }  # fmt: skip
    differs = fresh or any(getattr(org, name) != value for name, value in wanted.items())
    if differs:
        for name, value in wanted.items():
            setattr(org, name, value)
        names.index(org)
    stated = (item.tier, item.joined, item.founding)
    moved = (membership.listed_tier, membership.stated_joined, membership.founding) != stated
    if moved:
        membership.listed_tier, membership.stated_joined, membership.founding = stated
        membership.tier = item.tier
    return differs or moved


def _imported_term(membership: Membership, item: Item, start: date, end: date | None, by: str) -> bool:
    db.session.flush()
    key = f"landscape:{membership.id}:{start}"
    over = (Term.end.is_(None)) | (Term.end > start)
    if end is not None:
        over &= Term.start < end
    if db.session.scalar(select(Term.id).where(Term.membership_id == membership.id, over)) is not None:
        return False
    db.session.add(
        Term(
            membership=membership,
            kind=TermKind.IMPORTED,
            tier=item.tier,
            category=membership.org.category,
            start=start,
            end=end,
            anchor=start,
            k=0,
            period_price=Money(0),
            charged=Money(0),
            cover="elsewhere",
            by_name=by,
            source_key=key,
        )
    )
    return True


def document() -> dict[str, Any]:
    """Return the wall as a landscape document: tiers in order, names in theirs."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in db.session.scalars(wall.shown().order_by(wall.ranked(), Organisation.sort_en, Membership.id)):
        org = row.org
        item: dict[str, Any] = {"name": org.display_name_en or org.legal_name_en or org.legal_name}
        if org.homepage:
            item["homepage_url"] = org.homepage
        if day := wall.joined(row):
            item["joined"] = str(day)
        notes = {"name_zh": org.display_name_zh} if org.display_name_zh else {}
        if row.founding:
            notes["founding"] = "true"
        if notes:
            item["extra"] = {"annotations": notes}
        groups.setdefault(row.tier, []).append(item)
    named = {**catalogue.entries("tier"), **catalogue.entries("imported_tier")}
    return {
        "landscape": [
            {
                "name": f"{brand().short} Members",
                "subcategories": [
                    {"name": named[code]["name"]["en"] if code in named else code, "items": items}
                    for code, items in groups.items()
                ],
            }
        ]
    }
