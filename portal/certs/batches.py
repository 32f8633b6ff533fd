"""Many certificates together: a row for each award, one transaction a document; killed anywhere, it goes on where it was."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select

from portal.accounts.people import Person
from portal.certs import award_steps, issuing, papers
from portal.certs.models.award import Award
from portal.certs.models.document import (
    Batch,
    BatchKind,
    BatchRow,
    BatchState,
    Certificate,
    PaperState,
)
from portal.core import audit, files, outbox
from portal.core.db import db, let_go, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move

WORK = "certificate_batch"
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: all rows, those with a number, those with a file, those that failed."""

    total: int
    issued: int
    ready: int
    failed: int

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return self.ready + self.failed == self.total


def found(uid: str) -> Batch:
    """Return one batch."""
    row = db.session.scalars(select(Batch).where(Batch.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such batch."))
    return row


def open_batch(awards: Sequence[Award], *, kind: BatchKind, label: str, reason: str, by: Person) -> Batch:
    """Open a batch over some awards: certificates of a sitting start at once, a reissue waits for a second person."""
    chosen = list({one.id: one for one in awards}.values())
    if not chosen or len(chosen) > MOST:
        raise Refused(_l("Please choose between 1 and %(most)s awards.", most=MOST), status=422)
    begins = BatchState.RUNNING if kind is BatchKind.ISSUE else BatchState.PROPOSED
    row = Batch(kind=kind, label=label[:120], reason=reason[:300], by=by, state=begins)
    db.session.add(row)
    db.session.flush()
    db.session.add_all([BatchRow(batch=row, award=one) for one in chosen])
    db.session.flush()
    audit.record("batch.opened", row, by=by, label=row.label, awards=len(chosen), reason=reason)
    if row.state is BatchState.RUNNING:
        _queue(row)
    return row


def _queue(row: Batch) -> None:
    outbox.queue(WORK, f"{WORK}:{row.uid}:{row.runs}", {"uid": row.uid})


def confirm(batch: Batch, *, by: Person) -> None:
    """Let a reissue begin, as another person than who proposed it."""
    row = _locked(batch)
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: somebody else confirms it."))
    row.second = by
    move(row, BatchState.RUNNING)
    audit.record("batch.confirmed", row, by=by, label=row.label)
    _queue(row)


def decline(batch: Batch, *, by: Person) -> None:
    """Lay a reissue aside; whoever proposed it may do so, too."""
    row = _locked(batch)
    row.second = by
    move(row, BatchState.DECLINED)
    audit.record("batch.declined", row, by=by, label=row.label)


def _locked(batch: Batch) -> Batch:
    return db.session.scalars(
        select(Batch)
        .where(Batch.id == batch.id)
        .with_for_update(of=Batch)
        .execution_options(populate_existing=True)
    ).one()


def retry(batch: Batch, *, by: Person) -> int:
    """Try the rows that failed once more; return how many."""
    row = _locked(batch)
    done = 0
    for one in db.session.scalars(select(BatchRow).where(BatchRow.batch_id == row.id)):
        if one.error:
            one.error, done = "", done + 1
        elif one.certificate is not None and one.certificate.state is PaperState.FAILED:
            papers.again(one.certificate)
            done += 1
    if not done:
        raise Refused(_l("Nothing of this batch failed."))
    if row.state is BatchState.DONE:
        move(row, BatchState.RUNNING)
    row.runs += 1
    audit.record("batch.retried", row, by=by, label=row.label, rows=done)
    _queue(row)
    return done


@outbox.handles(WORK, _l("Batch of certificates"))
def _work(item: outbox.Claim) -> outbox.Finish:
    uid = item.payload["uid"]
    open_rows = (
        select(BatchRow.id)
        .join(Batch)
        .where(Batch.uid == uid, BatchRow.certificate_id.is_(None), BatchRow.error == "")
        .order_by(BatchRow.id)
    )
    numbers = list(db.session.scalars(open_rows))
    let_go()
    for number in numbers:
        _one(number)

    def finish() -> None:
        row = _locked(found(uid))
        if row.state is BatchState.RUNNING:
            move(row, BatchState.DONE)

    return finish


def _one(number: int) -> None:
    """Issue the document of one row; what is wrong with it stands beside it, and the others go on."""
    try:
        with transaction():
            row = db.session.get_one(BatchRow, number, populate_existing=True, with_for_update=True)
            if row.certificate_id is None:  # else a worker whose lease had ended was quicker
                row.certificate = _issued(row)
    except Refused as refusal:
        with transaction():
            db.session.get_one(BatchRow, number).error = str(refusal)[:300]
    let_go()


def _issued(row: BatchRow) -> Certificate:
    batch = row.batch
    if batch.kind is BatchKind.ISSUE:
        return issuing.issue(row.award, by=batch.by)
    return award_steps.reissue(row.award, by=batch.by, second=batch.second.name if batch.second else "")


def progress(batch: Batch) -> Progress:
    """Return how far a batch is, in one statement."""
    failed = (BatchRow.error != "") | (Certificate.state == PaperState.FAILED)
    row = db.session.execute(
        select(
            func.count(BatchRow.id),
            func.count(BatchRow.certificate_id),
            func.sum(case((Certificate.state == PaperState.READY, 1), else_=0)),
            func.sum(case((failed, 1), else_=0)),
        )
        .select_from(BatchRow)
        .outerjoin(Certificate, BatchRow.certificate_id == Certificate.id)
        .where(BatchRow.batch_id == batch.id)
    ).one()
    return Progress(*(int(value or 0) for value in row))


def shown_state(batch: Batch, far: Progress) -> BatchState:
    """Return the state as people are told it: a batch is done once its files are, not when all have their numbers."""
    return BatchState.RUNNING if batch.state is BatchState.DONE and not far.over else batch.state


def rows_of(batch: Batch) -> Any:
    """Select the rows of a batch, those in trouble first."""
    trouble = case((BatchRow.error != "", 0), (Certificate.state == PaperState.FAILED, 0), else_=1)
    return (
        select(BatchRow)
        .outerjoin(Certificate, BatchRow.certificate_id == Certificate.id)
        .where(BatchRow.batch_id == batch.id)
        .order_by(trouble, BatchRow.id)
    )


class _Pipe:
    """Where a ZIP is written to and read from piece by piece, so that it never lies in memory whole."""

    def __init__(self) -> None:
        self.held, self.at = bytearray(), 0

    def write(self, data: bytes) -> int:
        """Take a piece."""
        self.held += data
        self.at += len(data)
        return len(data)

    def tell(self) -> int:
        """Return how much was taken."""
        return self.at

    def flush(self) -> None:
        """Do nothing: pieces are taken out by `taken`."""

    def taken(self) -> bytes:
        """Return what was written since, and let go of it."""
        data = bytes(self.held)
        self.held.clear()
        return data


def archive(batch: Batch) -> Iterator[bytes]:
    """Return the files of a batch as a ZIP, piece by piece; files that are not ready are left out."""
    stored = list(
        db.session.scalars(
            select(files.StoredFile)
            .join(Certificate, Certificate.file_id == files.StoredFile.id)
            .join(BatchRow, BatchRow.certificate_id == Certificate.id)
            .where(BatchRow.batch_id == batch.id, files.StoredFile.erased_at.is_(None))
            .order_by(BatchRow.id)
        )
    )
    let_go()
    pipe = _Pipe()
    with zipfile.ZipFile(cast(IO[bytes], pipe), "w", zipfile.ZIP_STORED) as packed:
        for one in stored:
            info = zipfile.ZipInfo(one.name, date_time=one.created_at.timetuple()[:6])
            with packed.open(info, "w") as out:
                out.write(files.read(one))
            yield pipe.taken()
    yield pipe.taken()
