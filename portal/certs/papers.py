"""The file of a certificate, made after the fact by the outbox: badge, page, signature, check, store, then its row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.certs import award_letters, issuing, signing_badges
from portal.certs.documents import layout, making, readiness, sealing
from portal.certs.models.document import Badge, Certificate, PaperState
from portal.core import clock, files, outbox, pdf
from portal.core.db import db, let_go, transaction
from portal.core.errors import Refused
from portal.core.signing import NoKey, Pen
from portal.core.states import move


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker needs to make a file, read before it lets go of the database."""

    body: dict[str, Any]
    badge_keys: tuple[Pen, Pen]
    pdf_keys: tuple[Pen, str]


def file_name(certificate: Certificate) -> str:
    """Return what the file is called: its number says nothing of the person."""
    return f"{certificate.number}.pdf"


@outbox.handles(issuing.PAPER, _l("Certificate as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish | None:
    row = issuing.found(item.payload["uid"])
    body = issuing.body_of(row)
    if row.state is PaperState.READY or body is None:
        return None
    work = _work(row.uid, body)
    try:
        badge = signing_badges.of_certificate(row)
        ready = (badge.document, badge.jwt) if badge and badge.document and badge.jwt else None
        _begin(row.uid)
        content, forms = _made(work, ready)
    except Exception as error:
        _failed(item.payload["uid"], error)
        raise
    return lambda: _finish(item.payload["uid"], content, forms)


def _work(uid: str, body: dict[str, Any]) -> Work:
    """Return what a document is made with; it stays in the queue while this machine has no faces, or the house no key."""
    wanting = "" if pdf.spared() else readiness.all_lacking()
    if not wanting:
        try:
            return Work(body, signing_badges.signers(), sealing.keys())
        except NoKey as none:
            wanting = str(none)
    let_go()
    with transaction():
        row = issuing.found(uid)
        if row.state is PaperState.FAILED:
            move(row, PaperState.QUEUED)
        if row.state is PaperState.QUEUED:
            row.error = wanting[:300]
    raise outbox.NotYet(wanting)


def _begin(uid: str) -> None:
    let_go()
    with transaction():
        move(issuing.found(uid), PaperState.RENDERING)
    let_go()


def _made(work: Work, ready: tuple[str, str] | None) -> tuple[files.Content, tuple[str, str]]:
    now = clock.now()
    forms = ready or signing_badges.sign(work.body, work.badge_keys, now)
    if pdf.spared():
        return files.put(pdf.BLANK + work.body["number"].encode(), files.PDF), forms
    data = making.make(work.body, layout.known(), forms[0].encode())
    issuer = work.body["issuer"]["name"]
    sealed = sealing.seal(
        data, work.pdf_keys, name=f"{issuer['zh']} {issuer['en']}", reason="认证证书 Certificate"
    )
    sealing.check(sealed, work.pdf_keys[1], at=clock.now())
    return files.put(sealed, files.PDF), forms


def _failed(uid: str, error: Exception) -> None:
    """Say on the document's page what went wrong; the outbox tries again by itself."""
    let_go()
    with transaction():
        row = issuing.found(uid)
        if row.state is PaperState.READY:  # another worker's try went well
            return
        if row.state is PaperState.QUEUED:
            move(row, PaperState.RENDERING)
        if row.state is PaperState.RENDERING:
            move(row, PaperState.FAILED)
        row.error = f"{type(error).__name__}: {error}"[:300]


def _finish(uid: str, content: files.Content, forms: tuple[str, str]) -> None:
    row = db.session.query(Certificate).filter_by(uid=uid).with_for_update(of=Certificate).one()
    db.session.refresh(row)
    if row.state is PaperState.READY or row.erased_at is not None:
        return
    row.file = files.StoredFile(
        sha256=content.sha256, name=file_name(row), media_type=content.media_type, size=content.size,
        purpose="certificate", person_id=row.award.person_id,
    )  # fmt: skip
    badge = db.session.query(Badge).filter_by(certificate_id=row.id).one()
    if badge.document is None:
        badge.document, badge.jwt = forms
    row.error = ""
    move(row, PaperState.READY)
    award_letters.ready(row)


def again(row: Certificate) -> None:
    """Put a file that could not be made into the queue once more, asked for by a person."""
    if row.state is not PaperState.FAILED:
        raise Refused(_l("This file is not in need of another try."))
    move(row, PaperState.QUEUED)
    row.error = ""
    db.session.flush()
    outbox.queue(issuing.PAPER, f"{issuing.PAPER}:{row.uid}:{clock.now():%Y%m%d%H%M%S%f}", {"uid": row.uid})
