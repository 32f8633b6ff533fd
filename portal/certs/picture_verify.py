"""What must hold of pictures in items: each is what its hash says, and what was approved has every picture it names."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from portal.certs import item_pictures, items
from portal.certs.models.bank import ItemState, ItemVersion
from portal.certs.models.pictures import ItemPicture
from portal.core import files, store
from portal.core.db import db

WRITTEN = (ItemState.DRAFT, ItemState.IN_REVIEW)


def verify_pictures() -> tuple[int, list[str]]:
    """Check every picture; return how many there are and what is wrong."""
    rows = list(db.session.scalars(select(ItemPicture).order_by(ItemPicture.id)))
    sound = {one: _sound(one) for one in sorted({row.file.sha256 for row in rows})}
    found = [
        f"pictures: {row.uid} is not in the store as its SHA-256 says"
        for row in rows
        if row.file.erased_at is not None or not sound[row.file.sha256]
    ]
    ids = sorted({row.version_id for row in rows})
    versions = select(ItemVersion).where(ItemVersion.id.in_(ids), ItemVersion.state.not_in(WRITTEN))
    for version in db.session.scalars(versions.order_by(ItemVersion.id)):
        if item_pictures.wrong(version, items.content_of(version)):
            found.append(f"pictures: version {version.uid} was approved, its marks and pictures do not fit")
    return len(rows), found


def _sound(sha256: str) -> bool:
    try:
        return hashlib.sha256(store.read(files.address(sha256))).hexdigest() == sha256
    except FileNotFoundError:
        return False
