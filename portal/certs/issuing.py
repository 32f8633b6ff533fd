"""Issuing a document of an award: a number nobody can guess, a snapshot that never changes, a badge, the file to follow."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.certs import levels, numbers, spans
from portal.certs.award_events import CertificateIssued
from portal.certs.documents import faces
from portal.certs.models.award import Award, AwardState
from portal.certs.models.document import Badge, Certificate, CertificateSnapshot, badge_id
from portal.certs.naming import Shown
from portal.core import audit, catalogue, clock, outbox, web
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.events import publish
from portal.core.settings import settings

PAPER = "certificate_paper"
LIST_SIZE = 131_072
TEMPLATE = 1


def canonical(body: dict[str, Any]) -> str:
    """Return JSON that is the same for the same content: sorted keys, no spaces, letters as they are."""
    return json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def did() -> str:
    """Return the house's name for verifiers: `did:web:HOST`, a port written `%3A8000`."""
    return "did:web:" + quote(urlsplit(settings().public_url).netloc, safe="")


def current(award: Award) -> Certificate | None:
    """Return the document of an award that nothing has replaced."""
    return db.session.scalars(
        select(Certificate).where(Certificate.award_id == award.id, Certificate.superseded_at.is_(None))
    ).first()


def by_number(number: str) -> Certificate | None:
    """Return the document with exactly this number, as it was issued."""
    return db.session.scalars(select(Certificate).where(Certificate.number == number)).first()


def found(uid: str) -> Certificate:
    """Return one document."""
    row = db.session.scalars(select(Certificate).where(Certificate.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such certificate."))
    return row


def issue(award: Award, *, by: Any) -> Certificate:
    """Give an award its document; asked again, or at the same moment, it is the same one with the same number."""
    db.session.scalars(select(Award.id).where(Award.id == award.id).with_for_update()).one()
    if (made := current(award)) is not None:
        return made
    return _new(award, by)


def issue_anew(award: Award, old: Certificate, *, by: Any, second: str) -> Certificate:
    """Replace a document by a new one with a new number: the same award and dates, the award's names of now."""
    db.session.scalars(select(Award.id).where(Award.id == award.id).with_for_update()).one()
    db.session.refresh(old)
    if old.superseded_at is not None:
        raise Refused(_l("This document was replaced already. Please look again."))
    old.superseded_at = clock.now()
    db.session.flush()  # before the new one: an award has one present document, and the database holds to it
    made = _new(award, by)
    old.superseded_by = made
    db.session.flush()
    audit.record("certificate.superseded", award, by=by, second=second, number=old.number)
    return made


def _new(award: Award, by: Any) -> Certificate:
    if award.state is AwardState.REVOKED:
        raise Refused(_l("This award is revoked: no document can be issued."))
    faces.refuse_unprintable(award.names)
    now = clock.now()
    public, body = badge_id(), snapshot(award, now, _number(now))
    revocation, suspension = _place("revocation"), _place("suspension")
    places = {"id": public, "revocation": revocation, "suspension": suspension}
    text = canonical({**body, "badge": {**body["badge"], **places}})
    row = Certificate(
        award=award,
        number=body["number"],
        issued_at=now,
        snapshot_sha256=digest(text),
        variant=body["variant"],
    )
    db.session.add(row)
    db.session.flush()
    db.session.add(
        CertificateSnapshot(certificate=row, body=text, name_zh=award.name_zh, name_latin=award.name_latin)
    )
    db.session.add(
        Badge(
            public_id=public, certificate=row, revocation_list=revocation[0], revocation_index=revocation[1],
            suspension_list=suspension[0], suspension_index=suspension[1],
        )
    )  # fmt: skip
    db.session.flush()
    outbox.queue(PAPER, f"{PAPER}:{row.uid}:1", {"uid": row.uid})
    audit.record("certificate.issued", award, by=by, number=row.number, sha256=row.snapshot_sha256)
    publish(CertificateIssued(row))
    return row


def _number(now: datetime) -> str:
    year = clock.day_of(now).year
    while True:
        number = numbers.drawn(str(catalogue.policy("certificate.prefix")), year)
        if by_number(number) is None:
            return number


def _place(purpose: str) -> tuple[int, int]:
    """Return a free place in a status list, drawn at random; a list that is half full is followed by the next."""
    lists, index = getattr(Badge, f"{purpose}_list"), getattr(Badge, f"{purpose}_index")
    last, taken = db.session.execute(
        select(lists, func.count()).group_by(lists).order_by(lists.desc()).limit(1)
    ).first() or (1, 0)
    number = last if taken < LIST_SIZE // 2 else last + 1
    while True:
        place = secrets.randbelow(LIST_SIZE)
        if db.session.scalar(select(Badge.id).where(lists == number, index == place)) is None:
            return int(number), place


def snapshot(award: Award, now: datetime, number: str) -> dict[str, Any]:
    """Return everything the document and its badge will ever say, as plain values."""
    level, brand = levels.level(award.level), catalogue.entry("brand", "foundation")
    signatory = catalogue.entry("signatory", "certificates")
    salt = secrets.token_hex(16)
    return {
        "number": number,
        "award": award.uid,
        "subject": f"urn:uuid:{award.badge_subject}",
        "names": {"zh": award.name_zh, "latin": award.name_latin},
        "name_public": award.shown is Shown.FULL,
        "mail": {"salt": salt, "hash": digest(award.person.email + salt)},
        "level": {"code": level.code, "zh": level.names["zh"], "en": level.names["en"]},
        "narrative": level.narrative,
        "scheme": award.scheme_version,
        "template": TEMPLATE,
        "issuer": {
            "did": did(), "name": brand["name"], "mail": brand["mail"], "url": settings().public_url,
        },
        "signatory": {"name": signatory["name"], "title": signatory["title"]},
        "decided_on": str(award.decided_on),
        "last_day": str(award.end - spans.DAY),
        "valid_from": clock.start_of(award.start).isoformat(),
        "valid_until": clock.start_of(award.end).isoformat(),
        "issued_at": now.replace(microsecond=0).isoformat(),
        "url": web.absolute("verify.number_page", number=number),
        "variant": str(catalogue.policy("certificate.variant")),
        "badge": {"status": str(catalogue.policy("badge.status"))},
    }  # fmt: skip


def body_of(certificate: Certificate) -> dict[str, Any] | None:
    """Return what a document says; None once its person is erased. Raises if the record was altered."""
    row = db.session.scalars(
        select(CertificateSnapshot).where(CertificateSnapshot.certificate_id == certificate.id)
    ).first()
    if row is None:
        return None
    if digest(row.body) != certificate.snapshot_sha256:
        raise OSError(f"the snapshot of {certificate.number} is not what its digest says")
    body: dict[str, Any] = json.loads(row.body)
    return body
