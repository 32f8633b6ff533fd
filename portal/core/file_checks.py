"""Every month each stored file is read anew: what is not what its SHA-256 says, or is gone, is put on record."""

from __future__ import annotations

import hashlib

import structlog
from sqlalchemy import select

from portal.core import audit, files, store
from portal.core.db import db, let_go, transaction
from portal.core.files import StoredFile

log = structlog.get_logger(__name__)
TOGETHER = 500
MOST_NAMED = 20


def _sound(sha256: str) -> bool:
    try:
        return hashlib.sha256(store.read(files.address(sha256))).hexdigest() == sha256
    except FileNotFoundError:
        return False


def check_files() -> int:
    """Read every file anew, outside any transaction; note how many were read and which are damaged or missing."""
    read, bad, at = 0, [], 0
    while rows := _some(at):
        at = rows[-1][0]
        for _number, uid, sha256 in rows:
            read += 1
            if not _sound(sha256):
                bad.append(uid)
                log.error("file.damaged", file=uid, sha256=sha256)
    with transaction():
        audit.record("files.checked", "stored_file:0", by="check_files", read=read, damaged=bad[:MOST_NAMED])
    return read


def _some(after: int) -> list[tuple[int, str, str]]:
    """Return the next files that were not deleted."""
    asked = (
        select(StoredFile.id, StoredFile.uid, StoredFile.sha256)
        .where(StoredFile.id > after, StoredFile.erased_at.is_(None))
        .order_by(StoredFile.id)
        .limit(TOGETHER)
    )
    found = [(number, uid, sha256) for number, uid, sha256 in db.session.execute(asked)]
    let_go()
    return found
