"""The public check of a certificate: by its exact number alone, the state at this moment, never more of a name than allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.certs import award_chores, awarding, issuing, key_traces, naming, numbers, signing_badges
from portal.certs.models.award import Award, RevokeCause
from portal.certs.models.document import Badge, Certificate, PaperState
from portal.certs.naming import Names, Shown
from portal.certs.standing import CertificateState, standing
from portal.core import catalogue, certifying, clock
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.signing import KeyState, KeyUse

UNKNOWN = _l("No certificate has this number. Please compare every character with the paper.")
MISTYPED = _l(
    "This number is mistyped: its last character does not fit the others. Please compare it with the paper."
)
REASONS = {
    CertificateState.SUPERSEDED: "newer_document", CertificateState.EXPIRED: "end_reached", CertificateState.SUSPENDED: "on_hold",
    CertificateState.REVOKED: "award_revoked",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What the check shows of one document."""

    number: str
    state: CertificateState
    since: datetime
    cause: RevokeCause | None
    renewed: bool
    level: dict[str, str]
    shown: Shown
    names: Names
    awarded_on: date
    last_day: date
    valid_until: datetime
    issuer: dict[str, str]
    did: str
    sha256: str | None
    badge: str | None
    fingerprint: str
    checked_at: datetime


def read(typed: str) -> str:
    """Return the number somebody typed as it was issued; `Missing` in words if it is mistyped, from arithmetic alone."""
    number = numbers.normalise(typed)
    if number is None:
        raise Missing(MISTYPED)
    return number


def found(number: str) -> Certificate:
    """Return the document with a number; `Missing` for all that were never issued, and for those of erased people."""
    row = issuing.by_number(number)
    if row is None or row.erased_at is not None:
        raise Missing(UNKNOWN)
    return row


def state_of(row: Certificate, at: datetime) -> tuple[CertificateState, datetime]:
    """Return the standing of a document at an instant and since when."""
    held = awarding.suspensions([row.award])[row.award_id]
    return standing(awarding.facts_of(row.award, held, row.superseded_at), at)


def _cause(award: Award, state: CertificateState) -> RevokeCause | None:
    """Return why an award was revoked, where the policy has it published."""
    return (
        award.cause
        if state is CertificateState.REVOKED and catalogue.policy("revocation.publish_cause")
        else None
    )


def see(row: Certificate) -> Seen:
    """Return what the check shows of a document at this moment."""
    now, award = clock.now(), row.award
    state, since = state_of(row, now)
    body = issuing.body_of(row)
    if body is None:
        raise Missing(UNKNOWN)
    names = Names(**body["names"])
    return Seen(
        number=row.number, state=state, since=since, cause=_cause(award, state),
        renewed=state is CertificateState.EXPIRED and award_chores.renewed(award), level=body["level"], shown=award.shown,
        names=naming.shown(names, award.shown), awarded_on=date.fromisoformat(body["decided_on"]), last_day=date.fromisoformat(body["last_day"]),
        valid_until=clock.start_of(award.end), issuer=body["issuer"]["name"], did=body["issuer"]["did"],
        sha256=row.file.sha256 if row.file is not None and row.state is PaperState.READY else None,
        badge=_badge(row), fingerprint=_fingerprint(row), checked_at=now,
    )  # fmt: skip


def _badge(row: Certificate) -> str | None:
    made = select(Badge.public_id).where(Badge.certificate_id == row.id, Badge.document.is_not(None))
    public = db.session.scalar(made)
    return signing_badges.where().badge(public) if public is not None else None


def _fingerprint(row: Certificate) -> str:
    """Return the fingerprint of the key that signed the file; none if that key has leaked since."""
    key = key_traces.signer(KeyUse.PDF, row.file.created_at if row.file is not None else row.issued_at)
    return certifying.fingerprint(key) if key is not None and key.state is not KeyState.COMPROMISED else ""


def matches(row: Certificate, typed: str) -> bool:
    """Whether what a visitor typed is the name on the document."""
    body = issuing.body_of(row)
    return body is not None and naming.matches(Names(**body["names"]), typed)


def answer(seen: Seen) -> dict[str, Any]:
    """Return what programs are told of a document."""
    return {
        "number": seen.number,
        "state": seen.state.value,
        "since": seen.since,
        "reason_code": seen.cause.value if seen.cause else REASONS.get(seen.state),
        "level": {"code": seen.level["code"], "title": {"zh": seen.level["zh"], "en": seen.level["en"]}},
        "holder": {
            "shown": seen.shown.value,
            "name": None if seen.shown is Shown.HIDDEN else {"zh": seen.names.zh, "latin": seen.names.latin},
        },
        "awarded_on": seen.awarded_on,
        "valid_until": seen.valid_until,
        "superseded": seen.state is CertificateState.SUPERSEDED,
        "issuer": {"id": seen.did, "name": {"zh": seen.issuer["zh"], "en": seen.issuer["en"]}},
        "document_sha256": seen.sha256,
        "badge": seen.badge,
        "checked_at": seen.checked_at,
    }
