"""What certification keeps of holders: the register of its columns, what they take along, what goes when they are erased."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select

from portal.accounts.erasure_plan import Fate, Line, say
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.certs import award_steps, awarding, issuing, levels, spans, verifying
from portal.certs.models.award import Award, AwardProposal, AwardState, RevokeCause, ShareLink
from portal.certs.models.document import Badge, Certificate, CertificateSnapshot
from portal.core import clock, files, labels, personal
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet

P, K, F = Purpose, Keeping, Fate


def install() -> None:
    """Put the columns into the register, and name the items of an erasure."""
    personal.holds(
        P.CERTIFICATES, K.AWARDS, "award.person_id", "award.name_zh", "award.name_latin", "certificate_snapshot.body",
        "certificate_snapshot.name_zh", "certificate_snapshot.name_latin", "badge.document", "badge.jwt",
        "award_proposal.heard", "share_link.person_id",
    )  # fmt: skip
    personal.no_person("award.shown")
    say(
        {
            "awards": _l("Your awards: they end"),
            "certificates": _l("Names and files of your certificates, and your badges"),
            "certificate_traces": _l("Numbers, levels, dates and digests of your certificates"),
            "share_links": _l("Links you gave away"),
            "because_numbers": _l("so that nobody can pass a forged paper off as one of ours"),
        }
    )


def _documents(person: Person) -> list[Certificate]:
    rows = select(Certificate).join(Award).where(Award.person_id == person.id).order_by(Certificate.id)
    return list(db.session.scalars(rows))


def lines(person: Person) -> list[Line]:
    """Return what becomes of each item of this domain."""
    documents, awards = _documents(person), awarding.of_person(person)
    links = db.session.scalar(
        select(func.count()).select_from(ShareLink).where(ShareLink.person_id == person.id)
    )
    whole = [one for one in documents if one.erased_at is None]
    return [
        Line("awards", F.ERASED, sum(one.state is not AwardState.REVOKED for one in awards)),
        Line("certificates", F.ERASED, len(whole)),
        Line("certificate_traces", F.KEPT, len(documents), "because_numbers"),
        Line("share_links", F.ERASED, links or 0),
    ]


def on_erased(event: PersonErased) -> None:
    """End a person's awards, and take names and files away; numbers, dates and digests stay."""
    for award in awarding.of_person(event.person):
        if award.state is not AwardState.REVOKED:
            award_steps.revoke(award, cause=RevokeCause.WISH, by=event.person, reason="", quiet=True)
        award.name_zh, award.name_latin = "", event.token[:80]
        for proposal in db.session.scalars(select(AwardProposal).where(AwardProposal.award_id == award.id)):
            proposal.heard, proposal.detail = "", {k: v for k, v in proposal.detail.items() if k != "names"}
            if proposal.paper is not None and proposal.paper.erased_at is None:
                files.forget(proposal.paper)
    for row in _documents(event.person):
        if row.erased_at is None:
            _erase(row)
    for link in db.session.scalars(select(ShareLink).where(ShareLink.person_id == event.person.id)):
        link.ended_at, link.label = link.ended_at or clock.now(), ""


def _erase(row: Certificate) -> None:
    row.erased_at = clock.now()
    if row.file is not None:
        files.forget(row.file)
    db.session.execute(delete(CertificateSnapshot).where(CertificateSnapshot.certificate_id == row.id))
    badge = db.session.scalars(select(Badge).where(Badge.certificate_id == row.id)).first()
    if badge is not None:
        badge.document = badge.jwt = None


def sheets(person: Person) -> list[Sheet]:
    """Return what this domain keeps of a person, as he takes it along."""
    return [_awards(person), _numbers(person), _links(person)]


def _awards(person: Person) -> Sheet:
    return Sheet(
        "awards",
        _l("Awards"),
        (
            ("level", _l("Level")), ("zh", _l("Name in Chinese script")), ("latin", _l("Name in Latin letters")),
            ("from", _l("From")), ("last", _l("Last day")), ("state", _l("State")), ("shown", _l("Shown in public")),
        ),
        [
            {
                "level": levels.name_of(row.level), "zh": row.name_zh, "latin": row.name_latin, "from": row.start,
                "last": row.end - spans.DAY, "state": labels.label(row.state), "shown": labels.label(row.shown),
            }
            for row in reversed(awarding.of_person(person))
        ],
    )  # fmt: skip


def _numbers(person: Person) -> Sheet:
    now = clock.now()
    found: list[dict[str, Any]] = [
        {
            "number": row.number, "issued": row.issued_at, "state": labels.label(verifying.state_of(row, now)[0]),
            "sha256": row.file.sha256 if row.file else None,
        }
        for row in _documents(person)
        if issuing.body_of(row) is not None
    ]  # fmt: skip
    columns = (
        ("number", _l("Number")),
        ("issued", _l("Issued on")),
        ("state", _l("State")),
        ("sha256", _l("Digest of the file (SHA-256)")),
    )
    return Sheet("certificates", _l("Certificates"), columns, found)


def _links(person: Person) -> Sheet:
    rows = db.session.scalars(
        select(ShareLink).where(ShareLink.person_id == person.id).order_by(ShareLink.id)
    )
    found = [
        {"label": row.label, "made": row.created_at, "until": row.ended_at or row.expires_at} for row in rows
    ]
    columns = (("label", _l("What it is called")), ("made", _l("Since")), ("until", _l("Until")))
    return Sheet("share_links", _l("Links you gave away"), columns, found)
