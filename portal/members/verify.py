"""What must hold of endings, holds, reversals, proposals and merges, as sentences about what breaks it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import func, select

from portal.accounts.merge_models import Merge
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.members.belonging import Ending, Hold, Reversal, Term
from portal.members.deed_models import Deed, DeedState


def _endings() -> list[str]:
    late = (
        select(Ending.id, Ending.on, Term.end).join(Term).where(Term.end.is_not(None), Ending.on > Term.end)
    )
    return [
        f"endings: {row.id} is of {row.on}, its term is over on {row.end}" for row in db.session.execute(late)
    ]


def _reversals() -> list[str]:
    """Each reversal undoes something of its own membership, and nothing is undone twice."""
    owner = {
        ("ending", number): of
        for number, of in db.session.execute(select(Ending.id, Term.membership_id).join(Term))
    }
    owner |= {("hold", number): of for number, of in db.session.execute(select(Hold.id, Hold.membership_id))}
    found: list[str] = []
    seen: set[tuple[str, int]] = set()
    for row in db.session.scalars(select(Reversal).order_by(Reversal.id)):
        key = (row.undoes_kind, row.undoes_id)
        if owner.get(key) != row.membership_id:
            found.append(f"reversals: {row.id} undoes {key[0]} {key[1]}, which is none of its membership")
        if key in seen:
            found.append(f"reversals: {key[0]} {key[1]} is undone twice")
        seen.add(key)
    return found


def _eyes() -> list[str]:
    alone = select(Deed.id).where(Deed.state == DeedState.CONFIRMED, Deed.second_id == Deed.by_id)
    return [f"proposals: {number} was confirmed by who made it" for number in db.session.scalars(alone)]


def _merges() -> list[str]:
    """An entry is a signpost exactly while a merge of it stands, and points where that merge says."""
    live = {
        row.duplicate_id: row.kept_id
        for row in db.session.scalars(select(Merge).where(Merge.undone_at.is_(None)))
    }
    merged = select(Organisation).where(Organisation.merged_into_id.is_not(None))
    signs = {row.id: row.merged_into_id for row in db.session.scalars(merged)}
    return [
        f"merges: organisation {number} points to {signs.get(number)}, its merge to {live.get(number)}"
        for number in sorted({*live, *signs})
        if live.get(number) != signs.get(number)
    ]


CHECKS: tuple[Callable[[], list[str]], ...] = (_endings, _reversals, _eyes, _merges)


def verify_deeds() -> tuple[int, list[str]]:
    """Check what people did to memberships; return how many proposals were read and a sentence for each break."""
    count = db.session.scalar(select(func.count(Deed.id))) or 0
    return count, [sentence for check in CHECKS for sentence in check()]
