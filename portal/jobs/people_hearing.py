"""What candidates' side hears: a post closes, a certificate ends, a holder shows more or less, companies become one."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts import merging
from portal.accounts.merging import OrganisationsMerged
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import clock
from portal.core.db import db
from portal.jobs import application_letters as letters
from portal.jobs import consents, gateway, hiring
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.events import PostClosed
from portal.jobs.kinds import PostState
from portal.jobs.people_models import Look, PoolSearch, ShutOut
from portal.jobs.stages import OPEN, Closing, Field, Purpose

WHY = {PostState.FILLED: Closing.FILLED, PostState.REMOVED: Closing.REMOVED}


def on_post_closed(event: PostClosed) -> None:
    """Close the applications to a post that is filled or taken down; told late or twice it closes what is still open."""
    post = event.post
    if post.state in WHY:
        hiring.close_all(post, WHY[post.state], by="post closed")


def certificate_ended(person: Person, level: str, award: str) -> None:
    """Tell the employers with an open application that shows a certificate that it is in force no more; each once.

    Asked of the certificates as they are now: one that counts again by the time this is heard is no news.
    """
    held = gateway.credentials([person], on=clock.today()).get(person.id, [])
    if any(one.level == level and one.valid for one in held):
        return
    rows = select(JobApplication).where(JobApplication.person_id == person.id, JobApplication.state.in_(OPEN))
    for row in db.session.scalars(rows.order_by(JobApplication.id)):
        if consents.allowed(person, Purpose.APPLY, row.post, Field.CERTIFICATES):
            letters.certificate_ended(row, level, award)


def name_shown(person: Person, award: str, level: str, *, full: bool) -> None:
    """Write into the ledger that a holder shows the full name on the public check of a certificate, or stops that."""
    stands = consents.word(person, Purpose.NAMED, award) is not None
    if full and not stands:
        consents.give(person, Purpose.NAMED, award, level, [Field.NAME])
    elif stands and not full:
        consents.take_back(person, Purpose.NAMED, award, channel=Channel.ACCOUNT)


def on_merged(event: OrganisationsMerged) -> None:
    """Let requests, searches, looks and those shut out of a merged company belong to the one that is kept."""
    merge = event.merge
    out = set(db.session.scalars(select(ShutOut.person_id).where(ShutOut.org_id == merge.kept.id)))
    for kind in (ContactRequest, PoolSearch, Look, Referral, ShutOut):
        rows = select(kind).where(kind.org_id == merge.duplicate.id).order_by(kind.id)
        for row in db.session.scalars(rows).all():
            if isinstance(row, ShutOut) and row.person_id in out:
                continue  # both were shut out: each stays where it is
            merging.move(merge, row, "org_id", merge.kept.id)
