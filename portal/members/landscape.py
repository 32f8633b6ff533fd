"""Landscape files: members in from other foundations' lists, our wall out in the same format."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.organisations import Organisation
from portal.core import audit, catalogue
from portal.core.catalogue import brand
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.members import names, terms, wall
from portal.members.belonging import Membership, Term, TermKind
from portal.members.landscape_file import Item, parse


@dataclass(slots=True)
class Outcome:
    """What an import did: new and unchanged organisations, members by tier, and what is worth telling."""

    new: int = 0
    same: int = 0
    changed: int = 0
    skipped: int = 0
    by_tier: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def bring_in(text: str, *, start: date | None = None, end: date | None = None, by: str = "import") -> Outcome:
    """Bring a file's members in, whole or not at all; the same file again changes nothing."""
    if (start is None) != (end is None) or (start and end and end <= start):
        raise Refused("--from and --until go together, the first day before the last")
    file = parse(text)
    items = list(file.items.values())
    outcome = Outcome(notes=file.notes, skipped=sum("skipped" in note for note in file.notes))
    outcome.notes += name_tiers(file.tiers)
    # Keyed by name: one organisation in two foundations' lists stays one, and the first list keeps its tier.
    stored = db.session.scalars(select(Organisation).where(Organisation.source_key.startswith("landscape:")))
    known = {str(row.source_key).split(":", 2)[2]: merging.kept_for(row) for row in stored}
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


def name_tiers(tiers: dict[str, str]) -> list[str]:
    """Give tiers we do not sell a name of their own, without a price; return what is worth telling."""
    ours, imported = catalogue.entries("tier"), catalogue.entries("imported_tier")
    notes = []
    for code, words in tiers.items():
        if code not in ours and code not in imported:
            body = {"code": code, "name": {"en": words, "zh": words}, "order": len(imported)}
            imported[code] = body
            catalogue.put("imported_tier", code, body, date(2000, 1, 1))
            notes.append(f"{words}: an imported tier without a price")
    return notes


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
        "homepage": item.homepage, "category": item.category or org.category,
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
        if org.category:
            notes["category"] = org.category
        if row.founding:
            notes["founding"] = "true"
        if notes:
            item["extra"] = {"annotations": notes}
        groups.setdefault(row.tier, []).append(item)
    with force_locale("en"):
        short = brand().short
    named = {**catalogue.entries("tier"), **catalogue.entries("imported_tier")}
    return {
        "landscape": [
            {
                "name": f"{short} Members",
                "subcategories": [
                    {"name": named[code]["name"]["en"] if code in named else code, "items": items}
                    for code, items in groups.items()
                ],
            }
        ]
    }
