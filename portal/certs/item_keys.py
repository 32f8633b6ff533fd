"""From a version of the bank to an item as it is marked: its key, or what a decider put in its place."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from portal.certs.gift_answers import Kind
from portal.certs.marking import Item, ItemKind, NumberKey, TextKey
from portal.certs.models.bank import ItemVersion
from portal.certs.models.deciding import Rekey, RekeyState
from portal.core.db import db

Key = dict[str, Any]


def key_of(version: ItemVersion) -> Key:
    """Return the key that a version was written with: weights by option, and numbers that are looked for."""
    return {
        "options": {one["code"]: str(one["weight"]) for one in version.options},
        "numbers": [dict(one) for one in version.numbers],
    }


def mended(versions: Iterable[int]) -> dict[int, Key | None]:
    """Return the keys in force of versions whose own was wrong; None says that the item does not count."""
    rows = select(Rekey).where(Rekey.version_id.in_(set(versions)), Rekey.state == RekeyState.DONE)
    return {row.version_id: row.key for row in db.session.scalars(rows.order_by(Rekey.decided_at, Rekey.id))}


def item(version: ItemVersion, *, scored: bool, keys: dict[int, Key | None]) -> Item:
    """Return an item as it is marked, by the key in force."""
    dropped = version.id in keys and keys[version.id] is None
    key = keys.get(version.id) or key_of(version)
    weights = {code: Fraction(Decimal(weight)) for code, weight in key["options"].items()}
    kind = ItemKind(version.kind.value)
    return Item(
        code=version.item.key, kind=kind, points=Decimal(version.points), options=weights, whole=_whole(weights),
        numbers=tuple(_number(one) for one in key["numbers"]), texts=_texts(version, key),
        scored=scored and not dropped,
    )  # fmt: skip


def _whole(weights: dict[str, Fraction]) -> bool:
    """Whether all or nothing counts: where no option has a part of the points or takes points away."""
    return all(weight in (0, 1) for weight in weights.values())


def _number(one: dict[str, str]) -> NumberKey:
    return NumberKey.around(
        Decimal(one["value"]), Decimal(one["tolerance"]), Fraction(Decimal(one["weight"]))
    )


def _texts(version: ItemVersion, key: Key) -> tuple[TextKey, ...]:
    """Return the keys of a short answer in both languages; added ones stand under `texts`."""
    if version.kind is not Kind.SHORT:
        return ()
    found = [
        TextKey(text, Fraction(Decimal(key["options"].get(one["code"], "0"))))
        for one in version.options
        for text in dict.fromkeys(one["text"].values())
        if text.strip()
    ]
    added = [TextKey(one["text"], Fraction(Decimal(one["weight"]))) for one in key.get("texts", ())]
    return (*found, *added)
