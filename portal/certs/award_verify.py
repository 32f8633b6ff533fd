"""What always holds of awards and certificates, checked on the stored rows by `portal verify`."""

from __future__ import annotations

import json
from collections import Counter

from sqlalchemy import select

from portal.certs import awarding, issuing, numbers, proofs, signing_badges
from portal.certs.models.award import Award, AwardState
from portal.certs.models.document import Badge, Certificate, CertificateSnapshot, PaperState
from portal.core import clock
from portal.core.db import db


def verify_awards() -> tuple[int, list[str]]:
    """Return how many documents were looked at and a sentence for each fault."""
    documents = list(db.session.scalars(select(Certificate).order_by(Certificate.id)))
    found = [*_documents(documents), *_badges(), *_states()]
    current = Counter(row.award_id for row in documents if row.superseded_at is None)
    found += [f"award {number} has {n} present documents" for number, n in current.items() if n > 1]
    return len(documents), found


def _documents(documents: list[Certificate]) -> list[str]:
    bodies = {row.certificate_id: row.body for row in db.session.scalars(select(CertificateSnapshot))}
    found = []
    for row in documents:
        body = bodies.get(row.id)
        if numbers.normalise(row.number) != row.number:
            found.append(f"certificate {row.number}: the number does not fit its check")
        if (body is None) != (row.erased_at is not None):
            found.append(f"certificate {row.number}: the snapshot is missing")
        elif body is not None and issuing.digest(body) != row.snapshot_sha256:
            found.append(f"certificate {row.number}: the snapshot was altered")
        if (row.state is PaperState.READY) != (row.file_id is not None):
            found.append(f"certificate {row.number}: state and file do not fit")
    return found


def _badges() -> list[str]:
    """Check the proof of the newest badges: as many as take a few seconds."""
    found = []
    recent = select(Badge).where(Badge.document.is_not(None)).order_by(Badge.id.desc()).limit(50)
    for row in db.session.scalars(recent):
        try:
            signing_badges.check(json.loads(row.document or ""))
        except proofs.Forged as fault:
            found.append(f"badge {row.public_id}: {fault}")
    return found


def _states() -> list[str]:
    rows = list(db.session.scalars(select(Award).where(Award.state != AwardState.REVOKED)))
    held, now = awarding.suspensions(rows), clock.now()
    return [
        f"{row.subject}: granted, and yet a hold runs"
        for row in rows
        if row.state is AwardState.GRANTED
        and any(one.start <= now and (one.end is None or now < one.end) for one in held[row.id])
    ]
