"""What a key has signed: which one signed a file, and the documents that are in doubt once a key has leaked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from portal.certs.models.award import Award, AwardState
from portal.certs.models.document import Badge, Certificate
from portal.core import signing
from portal.core.db import db
from portal.core.files import StoredFile
from portal.core.signing import KeyUse, SigningKey

LATE = timedelta(minutes=10)  # a file is stored a little after it was signed


def turn(key: SigningKey) -> tuple[datetime, datetime]:
    """Return the moments [begin, end) in which a key was the one of its use that signed: before, it waited for its turn."""
    before = [one.end for one in signing.every(key.use) if one.id < key.id]
    return max([key.start, *before]), key.end


def signer(use: KeyUse, at: datetime) -> SigningKey | None:
    """Return the key that signed at a moment: of two whose days hold it, the older, for which the other waited."""
    return next((one for one in signing.every(use) if one.start <= at < one.end), None)


def _marked(key: SigningKey) -> ColumnElement[bool]:
    """Return how a key's documents are told: a badge names the key of its proof, for all else the moment of signing speaks."""
    if key.use is KeyUse.BADGE:
        return Badge.document.contains(f"#{key.kid}", autoescape=True)
    begin, end = turn(key)
    return (StoredFile.created_at >= begin) & (StoredFile.created_at < end + LATE)


def signed(key: SigningKey, *, since: datetime | None = None) -> Select[Any]:
    """Select the documents that rest on a key, those from a moment on, the oldest first; replaced and revoked ones do not count."""
    statement = (
        select(Certificate)
        .join(Award, Certificate.award_id == Award.id)
        .join(Badge, Badge.certificate_id == Certificate.id)
        .join(StoredFile, Certificate.file_id == StoredFile.id)
        .where(_marked(key), Award.state != AwardState.REVOKED)
        .where(Certificate.superseded_at.is_(None), Certificate.erased_at.is_(None))
    )
    if since is not None:
        statement = statement.where(StoredFile.created_at >= since)
    return statement.order_by(Certificate.id)


def numbers_of(key: SigningKey, *, since: datetime | None = None) -> list[str]:
    """Return the numbers of those documents, as a batch that issues them anew takes them."""
    return list(db.session.scalars(signed(key, since=since).with_only_columns(Certificate.number)))
