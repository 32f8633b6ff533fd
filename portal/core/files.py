"""Files: stored once under their SHA-256, before the row that names them; served only as attachments."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

from flask import Response
from flask_babel import lazy_gettext as _l
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock, outbox, store
from portal.core.db import Model, db, in_transaction, let_go
from portal.core.errors import Missing

PDF = "application/pdf"
BIGGEST = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """A file that lies in the store and waits for its row."""

    sha256: str
    size: int
    media_type: str


class StoredFile(Model):
    """What we know of a file: a name for people, the address of its content, its owner."""

    __tablename__ = "stored_file"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(
        String(32), unique=True, init=False, default_factory=lambda: secrets.token_hex(16)
    )
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(40))
    org_id: Mapped[int | None] = mapped_column(index=True, default=None)
    person_id: Mapped[int | None] = mapped_column(index=True, default=None)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    erased_at: Mapped[datetime | None] = mapped_column(init=False, default=None)


def address(sha256: str) -> str:
    """Return where content lies in the store."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def put(data: bytes, media_type: str) -> Content:
    """Lay content in the store, outside any transaction; the same bytes are kept once."""
    if in_transaction():
        raise RuntimeError("files go to the store before the transaction")
    sha256 = hashlib.sha256(data).hexdigest()
    store.create(address(sha256), data)
    return Content(sha256, len(data), media_type)


def read(file: StoredFile) -> bytes:
    """Return a file's bytes; raises if the content is not what its SHA-256 says."""
    data = store.read(address(file.sha256))
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise OSError(f"stored file {file.uid} is damaged")
    return data


def forget(file: StoredFile) -> None:
    """Delete a file's content and name, its row stays; the content goes once this is saved, if no other row needs it."""
    file.erased_at, file.name = clock.now(), "-"
    outbox.queue("forget_file", f"forget_file:{file.uid}", {"sha256": file.sha256})


@outbox.handles("forget_file", _l("File to delete"))
def _forget(item: outbox.Claim) -> None:
    sha256 = item.payload["sha256"]
    kept = select(StoredFile.id).where(StoredFile.sha256 == sha256, StoredFile.erased_at.is_(None))
    needed = db.session.scalar(kept.limit(1)) is not None
    let_go()
    if not needed:
        store.delete(address(sha256))


def send(file: StoredFile, *, inline: bool = False) -> Response:
    """Answer with a file whose reader was checked before: as attachment, sandboxed, never sniffed."""
    if file.erased_at is not None:
        raise Missing(_l("This file was deleted when its time was over, or at its owner's wish."))
    response = Response(read(file), mimetype=file.media_type)
    how = "inline" if inline and file.media_type == PDF else "attachment"
    response.headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(file.name)}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def is_local(url: str) -> bool:
    """Whether the store is a folder of this machine."""
    return urlsplit(url).scheme == "file"
