"""Candidates go: what they handed in is erased at their own wish, with their account, or when its time is over."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from portal.accounts import named_consents
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import audit, clock, files
from portal.core.db import db
from portal.core.states import move
from portal.jobs import application_letters as letters
from portal.jobs import consents, profiles, referring
from portal.jobs.application_models import ApplicationStep, ContactRequest, JobApplication
from portal.jobs.applying import lock
from portal.jobs.people_models import Look, ShutOut
from portal.jobs.stages import OPEN, JobApplicationState, Purpose

BY = named_consents.CANDIDATE


def erase_application(row: JobApplication, *, by: str, channel: Channel = Channel.ERASURE) -> None:
    """Take everything personal out of an application; post, state and days stay for the figures."""
    row, person = lock(row), row.person
    if person is None:
        return
    if row.state in OPEN:
        move(row, JobApplicationState.WITHDRAWN)
        row.moved_at = clock.now()
        letters.withdrawn(row)
    if row.resume is not None:
        files.forget(row.resume)
    for purpose in (Purpose.APPLY, Purpose.KEEP):
        consents.take_back(person, purpose, row.post, channel=channel)
    row.letter, row.resume, row.person, row.erased_at = "", None, None, clock.now()
    steps = update(ApplicationStep).where(ApplicationStep.application_id == row.id).values(words="")
    db.session.execute(steps.execution_options(synchronize_session=False))
    db.session.flush()
    audit.record("job_application.erased", row, by=by, org_id=row.post.org_id)


def _erase_requests(person: Person) -> int:
    rows = select(ContactRequest).where(ContactRequest.person_id == person.id).order_by(ContactRequest.id)
    found = list(db.session.scalars(rows))
    for row in found:
        row.person, row.reason, row.erased_at = None, "", clock.now()
    return len(found)


def erase(person: Person, *, channel: Channel = Channel.ACCOUNT) -> None:
    """Erase all that a candidate handed in, and take every consent back; employers see that it was withdrawn."""
    named_consents.locked(person)
    own = select(JobApplication).where(JobApplication.person_id == person.id).order_by(JobApplication.id)
    for row in list(db.session.scalars(own)):
        erase_application(row, by=BY, channel=channel)
    _erase_requests(person)
    profile = profiles.of(person)
    if profile is not None:
        profiles.erase(profile, channel=channel)
    consents.end_all(person, channel=channel)
    for kind in (ShutOut, Look):
        db.session.execute(delete(kind).where(kind.person_id == person.id))
    db.session.flush()


def on_erased(event: PersonErased) -> None:
    """Let a person who is erased leave recruitment, and the letters that wait for an answer from the address."""
    erase(event.person, channel=Channel.ERASURE)
    referring.forget_address(event.email)
