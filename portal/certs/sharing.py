"""What holders decide about their awards: how much of the name is shown, and links they give away."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.certs import awarding, issuing, levels, spans
from portal.certs.award_events import VisibilityChanged
from portal.certs.models.award import Award, ShareLink
from portal.certs.models.document import Certificate
from portal.certs.naming import Shown
from portal.core import audit, catalogue, clock, vault, web
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.events import publish

MOST_LINKS = 20
DAYS = (30, 90, 365)


def show(award: Award, shown: Shown, *, by: Person) -> None:
    """Show more or less of an award's name on the public check; it takes effect at once."""
    if award.person_id != by.id:
        raise Missing(_l("There is no such award."))
    row = awarding.locked(award)
    if row.shown is shown:
        return
    old, row.shown = row.shown, shown
    audit.record("award.shown", row, by=by, old=old, new=shown)
    publish(VisibilityChanged(row, shown))


def links_of(person: Person) -> list[ShareLink]:
    """Return a person's links that still open, the newest first."""
    rows = select(ShareLink).where(
        ShareLink.person_id == person.id, ShareLink.ended_at.is_(None), ShareLink.expires_at > clock.now()
    )
    return list(db.session.scalars(rows.order_by(ShareLink.id.desc())))


def give(awards: list[Award], *, by: Person, label: str, days: int) -> tuple[ShareLink, str]:
    """Make a link to some of one's own awards; the address is told once, only its hash is kept."""
    if not awards or any(one.person_id != by.id for one in awards):
        raise Refused(_l("Please choose what to share."), field="awards", status=422)
    if days not in DAYS:
        raise Refused(_l("Please choose how long the link works."), field="days", status=422)
    if len(links_of(by)) >= MOST_LINKS:
        raise Refused(_l("You have many links already. Please end one first."))
    token = vault.token()
    row = ShareLink(
        token_hash=vault.digest(token), person=by, label=label.strip()[:80], awards=[one.uid for one in awards],
        expires_at=clock.now() + timedelta(days=days),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("share_link.made", row, by=by, awards=len(awards))
    return row, web.absolute("badges.shared", token=token)


def end(uid: str, *, by: Person) -> None:
    """End a link of one's own: whoever has it sees nothing any more."""
    row = db.session.scalars(
        select(ShareLink).where(ShareLink.uid == uid, ShareLink.person_id == by.id)
    ).first()
    if row is None:
        raise Missing(_l("There is no such link."))
    if row.ended_at is None:
        row.ended_at = clock.now()
        audit.record("share_link.ended", row, by=by)


def opened(token: str) -> tuple[ShareLink, list[tuple[Award, Certificate | None]]]:
    """Return what a link shows: the chosen awards, each with its present document; `Missing` if it opens nothing."""
    row = db.session.scalars(select(ShareLink).where(ShareLink.token_hash == vault.digest(token))).first()
    if row is None or row.ended_at is not None or row.expires_at <= clock.now() or row.person.erased_at:
        raise Missing(_l("This link is over, or was never given. Please ask the holder for another one."))
    awards = db.session.scalars(
        select(Award).where(Award.uid.in_(row.awards), Award.person_id == row.person_id).order_by(Award.id)
    ).all()
    return row, [(award, issuing.current(award)) for award in awards]


def linkedin(certificate: Certificate) -> str:
    """Return the plain link that adds a certificate to a LinkedIn profile; nothing is sent by us."""
    award, number = certificate.award, certificate.number
    last = award.end - spans.DAY
    organisation = str(catalogue.policy("linkedin.organisation"))
    asked = {
        "startTask": "CERTIFICATION_NAME",
        "name": levels.name_of(award.level),
        **(
            {"organizationId": organisation} if organisation else {"organizationName": catalogue.brand().name}
        ),
        "issueYear": award.decided_on.year,
        "issueMonth": award.decided_on.month,
        "expirationYear": last.year,
        "expirationMonth": last.month,
        "certUrl": web.absolute("verify.number_page", number=number),
        "certId": number,
    }
    return "https://www.linkedin.com/profile/add?" + urlencode(asked)
