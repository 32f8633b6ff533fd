"""The documents of an award: certificates with their snapshot, badges with their status bits, batches."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, event, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.people import Person, new_uid
from portal.certs.models.award import Award
from portal.core import clock, labels
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.states import life


class PaperState(StrEnum):
    """The life of a certificate's file."""

    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"


P = PaperState
PAPER_LIFE = life(
    PaperState,
    {
        P.QUEUED: [P.RENDERING],
        P.RENDERING: [P.RENDERING, P.READY, P.FAILED],
        P.FAILED: [P.QUEUED, P.RENDERING],
    },
)
labels.name(
    PaperState,
    {
        P.QUEUED: _l("In the queue"), P.RENDERING: _l("Being made"), P.READY: _l("Ready"), P.FAILED: _l("Could not be made"),
    },
    {P.QUEUED: "wait", P.RENDERING: "wait", P.READY: "good", P.FAILED: "bad"},
)  # fmt: skip


class Certificate(Model):
    """One document of an award: its number, the digest of its snapshot, its file once made, the one that replaced it."""

    __tablename__ = "certificate"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False, index=True)
    award: Mapped[Award] = relationship(lazy="joined", innerjoin=True)
    number: Mapped[str] = mapped_column(String(30), unique=True)
    issued_at: Mapped[datetime]
    snapshot_sha256: Mapped[str] = mapped_column(String(64))
    variant: Mapped[str] = mapped_column(String(20))
    state: Mapped[PaperState] = mapped_column(choice(PaperState), default=PaperState.QUEUED, index=True)
    error: Mapped[str] = mapped_column(String(300), default="")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    file: Mapped[StoredFile | None] = relationship(default=None)
    superseded_at: Mapped[datetime | None] = mapped_column(default=None)
    superseded_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("certificate.id"), init=False, default=None
    )
    superseded_by: Mapped[Certificate | None] = relationship(remote_side="Certificate.id", default=None)
    erased_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    __table_args__ = (
        Index(
            "uq_certificate_present",
            "award_id",
            unique=True,
            sqlite_where=literal_column("superseded_at IS NULL"),
            postgresql_where=literal_column("superseded_at IS NULL"),
        ),
    )


class CertificateSnapshot(Model):
    """What a document says, as canonical JSON, written once; erasure deletes the row whole and keeps the digest."""

    __tablename__ = "certificate_snapshot"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"), init=False, unique=True)
    certificate: Mapped[Certificate] = relationship(innerjoin=True)
    body: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(String(80), index=True)
    name_latin: Mapped[str] = mapped_column(String(80), index=True)


@event.listens_for(CertificateSnapshot, "before_update")
def _refuse(_mapper: Any, _connection: Any, _target: Any) -> None:
    raise RuntimeError("a snapshot is on record and cannot change")


def badge_id() -> str:
    """Return 128 random bits for the public address of a badge."""
    return secrets.token_hex(16)


class Badge(Model):
    """The Open Badge of a certificate: its address, its places in the status lists, and both signed forms once made."""

    __tablename__ = "badge"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"), init=False, unique=True)
    certificate: Mapped[Certificate] = relationship(lazy="joined", innerjoin=True)
    revocation_list: Mapped[int]
    revocation_index: Mapped[int]
    suspension_list: Mapped[int]
    suspension_index: Mapped[int]
    document: Mapped[str | None] = mapped_column(Text, default=None)
    jwt: Mapped[str | None] = mapped_column(Text, default=None)
    __table_args__ = (
        UniqueConstraint("revocation_list", "revocation_index"),
        UniqueConstraint("suspension_list", "suspension_index"),
    )


class BatchKind(StrEnum):
    """What a batch does to each of its awards."""

    ISSUE = "issue"
    REISSUE = "reissue"


labels.name(
    BatchKind, {BatchKind.ISSUE: _l("Certificates of a sitting"), BatchKind.REISSUE: _l("Issued anew")}
)


class BatchState(StrEnum):
    """The life of a batch; a reissue waits for a second person."""

    PROPOSED = "proposed"
    RUNNING = "running"
    DONE = "done"
    DECLINED = "declined"


B = BatchState
BATCH_LIFE = life(BatchState, {B.PROPOSED: [B.RUNNING, B.DECLINED], B.RUNNING: [B.DONE], B.DONE: [B.RUNNING]})
labels.name(
    BatchState,
    {
        B.PROPOSED: _l("To be confirmed"), B.RUNNING: _l("Running"), B.DONE: _l("Done"), B.DECLINED: _l("Declined"),
    },
    {B.PROPOSED: "wait", B.RUNNING: "wait", B.DONE: "good", B.DECLINED: "bad"},
)  # fmt: skip


class Batch(Model):
    """Many certificates issued together: it can be left, killed and gone on with."""

    __tablename__ = "certificate_batch"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    kind: Mapped[BatchKind] = mapped_column(choice(BatchKind))
    label: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(String(300))
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"), init=False)
    by: Mapped[Person] = relationship(foreign_keys=[by_id], innerjoin=True)
    state: Mapped[BatchState] = mapped_column(choice(BatchState))
    second_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False, default=None)
    second: Mapped[Person | None] = relationship(foreign_keys=[second_id], default=None)
    runs: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class BatchRow(Model):
    """One award of a batch, with the certificate it got or what went wrong."""

    __tablename__ = "certificate_batch_row"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    batch_id: Mapped[int] = mapped_column(ForeignKey("certificate_batch.id"), init=False)
    batch: Mapped[Batch] = relationship(innerjoin=True)
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), init=False)
    award: Mapped[Award] = relationship(innerjoin=True)
    certificate_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"), init=False, default=None)
    certificate: Mapped[Certificate | None] = relationship(default=None)
    error: Mapped[str] = mapped_column(String(300), default="")
    __table_args__ = (UniqueConstraint("batch_id", "award_id"),)
