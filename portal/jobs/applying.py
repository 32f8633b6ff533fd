"""A candidate applies: once per post, while it is visible, with a consent of its own; changes what is shown; withdraws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts import named_consents
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import audit, clock, files
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.states import move
from portal.jobs import application_letters as letters
from portal.jobs import consents, early, modes, pace, posts, profiles
from portal.jobs.application_models import NO_APPLICATION, ApplicationStep, JobApplication
from portal.jobs.kinds import ApplyBy
from portal.jobs.models import Post
from portal.jobs.stages import (
    APPLICATION_LIFE,
    OPEN,
    TO_APPLY,
    Field,
    JobApplicationState,
    Purpose,
)

A, P = JobApplicationState, Purpose
BY = named_consents.CANDIDATE
CLOSED = _l("This post takes no applications at the moment.")


@dataclass(frozen=True, slots=True)
class Handed:
    """What a candidate hands in: words, the ticked fields, a résumé that lies in the store, whether it may be kept."""

    letter: str = ""
    fields: Sequence[Field] = field(default_factory=list)
    resume: tuple[files.Content, str] | None = None
    keep: bool = False


def found(uid: str, person: Person) -> JobApplication:
    """Return one of a person's own applications."""
    own = select(JobApplication).where(JobApplication.uid == uid, JobApplication.person_id == person.id)
    row = db.session.scalars(own).first()
    if row is None:
        raise Missing(NO_APPLICATION)
    return row


def first(post: Post, person: Person) -> JobApplication | None:
    """Return the application that a person sent to a post."""
    own = select(JobApplication).where(
        JobApplication.post_id == post.id, JobApplication.person_id == person.id
    )
    return db.session.scalars(own).first()


def of_person(person: Person) -> list[JobApplication]:
    """Return a person's applications, the newest first."""
    own = select(JobApplication).where(JobApplication.person_id == person.id)
    return list(db.session.scalars(own.order_by(JobApplication.id.desc())))


def steps_of(row: JobApplication) -> list[ApplicationStep]:
    """Return the steps of an application, the oldest first."""
    rows = select(ApplicationStep).where(ApplicationStep.application_id == row.id)
    return list(db.session.scalars(rows.order_by(ApplicationStep.id)))


def next_steps(row: JobApplication) -> frozenset[JobApplicationState]:
    """Return what an application can become next."""
    return APPLICATION_LIFE[row.state]


def takes(post: Post) -> bool:
    """Whether a post can be applied to in the portal right now."""
    return (
        modes.mode() is modes.Mode.FULL and posts.is_visible(post)
        and post.shown is not None and post.shown.apply_by is ApplyBy.PORTAL
    )  # fmt: skip


def lock(row: JobApplication) -> JobApplication:
    """Take an application for a change, and return it as it is now."""
    taken = (
        update(JobApplication)
        .where(JobApplication.id == row.id)
        .values(edition=JobApplication.edition + 1)
        .returning(JobApplication)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).one()


def _locked_post(post: Post) -> Post:
    """Hold a post as it is, so that it is not filled while somebody applies."""
    taken = (
        update(Post)
        .where(Post.id == post.id)
        .values(edition=Post.edition)
        .returning(Post)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).one()


def apply(
    post: Post, handed: Handed, *, by: Person, channel: Channel = Channel.APPLICATION
) -> JobApplication:
    """Send an application; sent again it is the first one, unchanged. `Refused` in words when the post takes none."""
    named_consents.locked(by)
    if (before := first(post, by)) is not None:
        return before
    post = _locked_post(post)
    if not takes(post):
        raise Refused(CLOSED)
    fields = consents.ticked([one.value for one in handed.fields], TO_APPLY)
    early.refuse_early(post, by)
    _within_limits(by)
    row = JobApplication(post=post, person=by, letter=handed.letter, resume=_resume(by, handed, fields))
    db.session.add_all([row, ApplicationStep(application=row, state=A.SENT)])
    db.session.flush()
    consents.give(by, P.APPLY, post, post.org.name, fields, channel=channel)
    if handed.keep:
        consents.give(by, P.KEEP, post, post.org.name, ["application"], channel=channel)
    profiles.touch(by)
    audit.record("job_application.sent", row, by=BY, org_id=post.org_id, fields=len(fields))
    letters.arrived(row)
    return row


def _within_limits(person: Person) -> None:
    """Refuse what is more than a person may send in an hour or a day."""
    if person.verified_at is None:
        raise Refused(_l("Please confirm your mail address first."))
    if pace.hour_is_full(person):
        raise Refused(
            _l("You have sent %(count)s posts or applications within the hour. Please go on a little later; nothing is lost.", count=pace.most_an_hour()),
            status=429,
        )  # fmt: skip
    if pace.day_is_full(person):
        raise Refused(_l("You have sent as many applications today as the portal takes from one person. Please go on tomorrow."), status=429)  # fmt: skip


def _resume(person: Person, handed: Handed, fields: Sequence[Field]) -> files.StoredFile | None:
    """Return the résumé that goes along: the one handed in, else that of the profile; none where it is not ticked."""
    if Field.RESUME not in fields:
        return None
    if handed.resume is not None:
        return profiles.kept(person, *handed.resume)
    profile = profiles.of(person)
    if profile is None or profile.resume is None or profile.resume.erased_at is not None:
        raise Refused(
            _l("You ticked the résumé, but there is none yet. Please choose a file."),
            field="resume",
            status=422,
        )
    kept = profile.resume
    return profiles.kept(person, files.Content(kept.sha256, kept.size, kept.media_type), kept.name)


def show(row: JobApplication, fields: Sequence[str], *, keep: bool, by: Person) -> None:
    """Let the employer see other fields than before, from this moment on."""
    post = row.post
    if row.state is A.WITHDRAWN:
        raise Refused(_l("This application is withdrawn: the employer sees nothing of it."))
    chosen = consents.ticked(fields, TO_APPLY)
    named_consents.locked(by)
    consents.give(by, P.APPLY, post, post.org.name, chosen)
    if keep != (consents.word(by, P.KEEP, post) is not None):
        if keep:
            consents.give(by, P.KEEP, post, post.org.name, ["application"])
        else:
            consents.take_back(by, P.KEEP, post)
    audit.record("job_application.shown", row, by=BY, org_id=post.org_id, fields=len(chosen))


def withdraw(row: JobApplication, *, by: Person, channel: Channel = Channel.ACCOUNT) -> None:
    """Take an application back: the employer sees nothing of it any more, from this moment on.

    One that has ended keeps its end; what was shown ends all the same.
    """
    named_consents.locked(by)
    row = lock(row)
    if row.state in OPEN:
        _step(row, A.WITHDRAWN)
        letters.withdrawn(row)
    for purpose in (P.APPLY, P.KEEP):
        consents.take_back(by, purpose, row.post, channel=channel)
    audit.record("job_application.withdrawn", row, by=BY, org_id=row.post.org_id)


def _step(row: JobApplication, to: JobApplicationState, words: str = "") -> None:
    move(row, to)
    row.moved_at, row.nudged_at = clock.now(), None
    db.session.add(ApplicationStep(application=row, state=to, words=words))
    db.session.flush()
