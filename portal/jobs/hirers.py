"""Who recruits for an organisation, and the rows of applications and requests that they may see."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.mail import Letter
from portal.jobs import modes, people, quotas
from portal.jobs.application_models import NO_APPLICATION, NO_REQUEST, ContactRequest, JobApplication
from portal.jobs.looks import Viewer
from portal.jobs.models import NO_POST, Post
from portal.members.standing import Answer

NOT_IN_FORCE = _l("The talent pool is for members whose membership is in force.")


def write(key: str, org: Organisation, letter: Callable[[], Letter], *, topic: str) -> None:
    """Write the same mail to everybody who recruits for an organisation, to each in his language."""
    people.write(key, people.recruiters(org), letter, topic=topic)


def orgs(reader: Reader) -> frozenset[int]:
    """Return the organisations for which a reader recruits."""
    return reader.orgs(May.RECRUIT)


def posts_of(reader: Reader) -> Select[Post]:
    """Select the posts of the organisations for which a reader recruits."""
    return select(Post).where(Post.org_id.in_(orgs(reader)))


def post(reader: Reader, uid: str) -> Post:
    """Return one post of an organisation for which the reader recruits."""
    row = db.session.scalars(posts_of(reader).where(Post.uid == uid)).first()
    if row is None:
        raise Missing(NO_POST)
    return row


def applications(reader: Reader) -> Select[JobApplication]:
    """Select the applications to the posts of the organisations for which a reader recruits."""
    return (
        select(JobApplication)
        .join(Post, JobApplication.post_id == Post.id)
        .where(Post.org_id.in_(orgs(reader)))
    )


def application(reader: Reader, uid: str) -> JobApplication:
    """Return one application to a post of an organisation for which the reader recruits."""
    row = db.session.scalars(applications(reader).where(JobApplication.uid == uid)).first()
    if row is None:
        raise Missing(NO_APPLICATION)
    return row


def request(reader: Reader, uid: str) -> ContactRequest:
    """Return one request for contact of an organisation for which the reader recruits."""
    own = select(ContactRequest).where(ContactRequest.uid == uid, ContactRequest.org_id.in_(orgs(reader)))
    row = db.session.scalars(own).first()
    if row is None:
        raise Missing(NO_REQUEST)
    return row


def viewer(reader: Reader, org: Organisation) -> Viewer:
    """Return the reader as whoever looks for an organisation."""
    return Viewer(reader.person, org)


def in_force(org: Organisation) -> None:
    """Refuse whoever has no membership in force: who only keeps what it has searches no pool and asks nobody."""
    modes.full_only()
    if quotas.right(org) is not Answer.YES:
        raise Refused(NOT_IN_FORCE)
