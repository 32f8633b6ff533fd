"""An employer asks somebody of the pool for contact, with a post and a reason; the candidate says what it may see, or no."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts import named_consents
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.states import move
from portal.jobs import application_letters as letters
from portal.jobs import consents, hirers, pool, posts, profiles, quotas
from portal.jobs.application_models import NO_REQUEST, ContactRequest
from portal.jobs.models import Post
from portal.jobs.people_models import PoolSearch, Profile
from portal.jobs.stages import TO_SHOW, ContactState, Purpose

C = ContactState
SPENT = _l("The requests for contact of your tier for this month are used up.")
ASKED_BEFORE = _l("You have asked this person about this post already.")
OVER = _l("The time to answer this request is over.")


def spent(org_id: int) -> int:
    """Return how many requests an organisation has made this month."""
    start = clock.start_of(clock.today().replace(day=1))
    mine = (ContactRequest.org_id == org_id, ContactRequest.asked_at >= start)
    return int(db.session.scalar(select(func.count(ContactRequest.id)).where(*mine)) or 0)


def ask(search: PoolSearch, profile: Profile, post: Post, *, reason: str, by: Person) -> ContactRequest:
    """Ask somebody whom a search found for contact; it counts for the month."""
    org = search.org
    pool.lock(org)
    hirers.in_force(org)
    if post.org_id != org.id or not posts.is_visible(post):
        raise Refused(_l("Please choose a post that is open at the moment."), field="post", status=422)
    before = select(ContactRequest.id).where(
        ContactRequest.org_id == org.id, ContactRequest.person_id == profile.person_id,
        ContactRequest.post_id == post.id,
    )  # fmt: skip
    if db.session.scalar(before.limit(1)) is not None:
        raise Refused(ASKED_BEFORE)
    if spent(org.id) >= quotas.of(org).contacts_a_month:
        raise Refused(SPENT, status=429)
    row = ContactRequest(
        org=org, person=profile.person, post=post, reason=reason, by=by,
        answer_by=clock.today() + timedelta(days=int(catalogue.policy("jobs.contact_answer_days"))),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("job_contact.asked", row, by=by, org_id=org.id)
    letters.asked(row)
    return row


def is_open(row: ContactRequest) -> bool:
    """Whether a request still waits for its answer."""
    return row.state is C.ASKED and clock.today() <= row.answer_by


def of_person(person: Person) -> list[ContactRequest]:
    """Return the requests that a person got, the newest first."""
    own = select(ContactRequest).where(ContactRequest.person_id == person.id)
    return list(db.session.scalars(own.order_by(ContactRequest.id.desc())))


def found(uid: str, person: Person) -> ContactRequest:
    """Return one of the requests that a person got."""
    own = select(ContactRequest).where(ContactRequest.uid == uid, ContactRequest.person_id == person.id)
    row = db.session.scalars(own).first()
    if row is None:
        raise Missing(NO_REQUEST)
    return row


def _lock(row: ContactRequest) -> ContactRequest:
    taken = (
        update(ContactRequest)
        .where(ContactRequest.id == row.id)
        .values(edition=ContactRequest.edition + 1)
        .returning(ContactRequest)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).one()


def _answerable(row: ContactRequest, by: Person) -> ContactRequest:
    named_consents.locked(by)
    row = _lock(row)
    if row.state is C.ASKED and not is_open(row):
        raise Refused(OVER)
    return row


def agree(row: ContactRequest, fields: Sequence[str], *, by: Person) -> ContactRequest:
    """Say yes: the employer sees what is ticked for some days, as the consent says."""
    chosen = consents.ticked(fields, TO_SHOW)
    row = _answerable(row, by)
    move(row, C.AGREED)
    row.answered_at = clock.now()
    row.shown_until = clock.today() + timedelta(days=int(catalogue.policy("jobs.contact_days")))
    consents.give(by, Purpose.SHOW, row.org, row.org.name, chosen, until=row.shown_until)
    profiles.touch(by)
    audit.record(
        "job_contact.agreed", row, by=named_consents.CANDIDATE, org_id=row.org_id, fields=len(chosen)
    )
    letters.answered(row, agreed=True)
    return row


def decline(row: ContactRequest, *, by: Person) -> ContactRequest:
    """Say no: who it is stays hidden."""
    row = _answerable(row, by)
    move(row, C.DECLINED)
    row.answered_at = clock.now()
    audit.record("job_contact.declined", row, by=named_consents.CANDIDATE, org_id=row.org_id)
    letters.answered(row, agreed=False)
    return row
