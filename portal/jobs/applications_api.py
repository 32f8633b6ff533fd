"""Operations about applications to posts: a person's own, and for an employer those to its posts, as far as consents let it see."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field as Rule
from sqlalchemy import Select, or_, select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.accounts.scopes import Scope
from portal.core import cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    told,
)
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.idempotency import WriteHeaders, once
from portal.jobs import applying, hirers, hiring
from portal.jobs.application_models import NO_APPLICATION, JobApplication
from portal.jobs.applying import Handed
from portal.jobs.hirers import viewer
from portal.jobs.hiring_views import said
from portal.jobs.looks import Asked, Viewer, cards
from portal.jobs.models import NO_POST, Post
from portal.jobs.stages import Field, JobApplicationState, Purpose

A = JobApplicationState
job_applications_api = operations("api_job_applications", __name__, str(_l("Applications to posts")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class JobApplicationQuery(Paged):
    """Which applications: of one post, in one state."""

    post: Annotated[str, Rule(pattern=r"^([0-9a-f]{32})?$", max_length=32)] = ""
    state: Literal["", "sent", "seen", "interview", "offer", "hired", "declined", "withdrawn"] = ""


class ShownCertificate(Answer):
    """A certificate as it is worth at this moment; `number` opens the public check."""

    level: str
    state: str
    number: str
    until: date


class CandidateAnswer(Answer):
    """What the candidate lets this employer see now; what is not let, or not there, is null. Each answer is a look."""

    name: str | None
    letter: str | None
    city: str | None
    skills: list[str] | None
    languages: list[str] | None
    reach: str | None
    certificates: list[ShownCertificate] | None
    resume: str | None


class JobApplicationAnswer(Answer):
    """An application; `candidate` is null for one's own, for one not opened yet, and once it was withdrawn."""

    id: Uid
    post: Uid
    title: Words
    employer: Uid
    state: JobApplicationState
    sent_at: datetime
    moved_at: datetime
    own: bool
    candidate: CandidateAnswer | None


class JobApplications(Answer):
    """A part of the list, the newest first."""

    items: list[JobApplicationAnswer]
    next: str | None


class NewJobApplication(Body):
    """An application by a person's own token. `fields` says what the employer may see; `agree` must be true."""

    post: Uid
    fields: Annotated[
        list[Literal["name", "letter", "city", "skills", "languages", "certificates", "reach", "resume"]],
        Rule(max_length=8),
    ]
    agree: bool
    letter: Annotated[str, Rule(max_length=2000), Clean] = ""
    keep: bool = False


class NextStep(Body):
    """The employer's next step; `by_certificate` is asked when somebody is hired."""

    state: Literal["seen", "interview", "offer", "hired", "declined"]
    words: Annotated[str, Rule(max_length=2000), Clean] = ""
    by_certificate: bool | None = None


def _own_person() -> Person:
    reader = me()
    if not reader.personal:
        raise Forbidden(_("An application is a person's own. Please use a token that belongs to you."))
    return reader.person


def _visible() -> Select[JobApplication]:
    """Select a person's own applications, and those to the posts of the organisations the token recruits for."""
    reader = me()
    to_us: Any = Post.org_id.in_(hirers.orgs(reader))
    rows = select(JobApplication).join(Post, JobApplication.post_id == Post.id)
    if not reader.personal:
        return rows.where(to_us)
    return rows.where(or_(to_us, JobApplication.person_id == reader.person.id))


def _one(uid: str) -> JobApplication:
    row = db.session.scalars(_visible().where(JobApplication.uid == uid)).first()
    if row is None:
        raise Missing(NO_APPLICATION)
    return row


def _is_own(row: JobApplication) -> bool:
    reader = me()
    return reader.personal and row.person_id == reader.person.id


def _candidates(rows: list[JobApplication]) -> dict[int, CandidateAnswer]:
    """Return what may be seen of those that were opened, the looks of each organisation at once."""
    found: dict[int, CandidateAnswer] = {}
    groups: dict[int, list[JobApplication]] = {}
    for row in rows:
        if row.person is not None and not _is_own(row) and row.state not in (A.SENT, A.WITHDRAWN):
            groups.setdefault(row.post.org_id, []).append(row)
    for some in groups.values():
        reader: Viewer = viewer(me(), some[0].post.org)
        asked = [
            Asked(row.person, Purpose.APPLY, row.post, row.subject, said(row))
            for row in some
            if row.person is not None
        ]
        for row, seen in zip(some, cards(reader, asked), strict=True):
            found[row.id] = _candidate(seen)
    return found


def _candidate(seen: dict[Field, Any]) -> CandidateAnswer:
    badges, resume = seen.get(Field.CERTIFICATES), seen.get(Field.RESUME)
    return CandidateAnswer(
        name=seen.get(Field.NAME), letter=seen.get(Field.LETTER), city=seen.get(Field.CITY), skills=seen.get(Field.SKILLS),
        languages=seen.get(Field.LANGUAGES), reach=seen.get(Field.REACH), resume=resume.name if resume else None,
        certificates=None if badges is None else [
            ShownCertificate(level=one.level, state=one.state, number=one.number, until=one.until) for one in badges
        ],
    )  # fmt: skip


def _answers(rows: list[JobApplication]) -> list[JobApplicationAnswer]:
    seen = _candidates(rows)
    return [
        JobApplicationAnswer(
            id=row.uid, post=row.post.uid, title=_title(row.post), employer=row.post.org.uid, state=row.state,
            sent_at=row.sent_at, moved_at=row.moved_at, own=_is_own(row), candidate=seen.get(row.id),
        )
        for row in rows
    ]  # fmt: skip


def _title(post: Post) -> Words:
    shown = post.shown
    return Words(zh=shown.title_zh if shown else "", en=shown.title_en if shown else "")


@job_applications_api.get(
    "/job-applications", operation_id="list_job_applications", summary=str(_l("Applications to posts, your own and those to your posts")),
    responses=responses(*TOKEN_PROBLEMS, ok=JobApplications), security=TOKEN,
)  # fmt: skip
@needs(Scope.JOBS_READ)
def list_job_applications(query: JobApplicationQuery) -> Any:
    """What is shown of candidates is what each lets this employer see at this moment, and is on record as a look."""
    statement = _visible()
    if query.post:
        statement = statement.where(Post.uid == query.post)
    if query.state:
        statement = statement.where(JobApplication.state == A(query.state))
    rows, onward = cursors.page(
        statement, [(JobApplication.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(JobApplications(items=_answers(rows), next=onward))


@job_applications_api.get(
    "/job-applications/<uid>", operation_id="get_job_application", summary=str(_l("One application to a post")),
    responses=responses(*TOKEN_PROBLEMS, ok=JobApplicationAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.JOBS_READ)
def get_job_application(path: OneRow) -> Any:
    """A foreign one is not there."""
    return told(_answers([_one(path.uid)])[0])


@job_applications_api.post(
    "/job-applications", operation_id="send_job_application", summary=str(_l("Apply to a post")),
    responses=responses(*WRITE_PROBLEMS, ok=JobApplicationAnswer, created=JobApplicationAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.JOBS_WRITE)
@once
def send_job_application(body: NewJobApplication, header: WriteHeaders) -> Any:
    """Sent again it is the first one, with 200. A ticked résumé is that of the profile."""
    person = _own_person()
    post = db.session.scalars(select(Post).where(Post.uid == body.post)).first()
    before = applying.first(post, person) if post is not None else None
    if post is None or (before is None and not applying.takes(post)):
        raise Missing(NO_POST)
    if not body.agree:
        raise Refused(_("Without your word nothing is sent."), field="agree", status=422)
    handed = Handed(body.letter, [Field(one) for one in body.fields], None, body.keep)
    row = applying.apply(post, handed, by=person, channel=Channel.API)
    where = url_for("api_job_applications.get_job_application", uid=row.uid)
    return told(_answers([row])[0], 201 if before is None else 200, Location=where)


@job_applications_api.post(
    "/job-applications/<uid>/withdrawal", operation_id="withdraw_job_application", summary=str(_l("Withdraw your application")),
    responses=responses(*WRITE_PROBLEMS, ok=JobApplicationAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.JOBS_WRITE)
@once
def withdraw_job_application(path: OneRow, header: WriteHeaders) -> Any:
    """The employer sees nothing of it any more, from this moment on."""
    row = applying.found(path.uid, _own_person())
    applying.withdraw(row, by=me().person, channel=Channel.API)
    return told(_answers([row])[0])


@job_applications_api.post(
    "/job-applications/<uid>/steps", operation_id="step_job_application", summary=str(_l("Take the next step with an application")),
    responses=responses(*WRITE_PROBLEMS, ok=JobApplicationAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.JOBS_WRITE)
@once
def step_job_application(path: OneRow, body: NextStep, header: WriteHeaders) -> Any:
    """`seen` opens it; the candidate gets a letter at each step after that, with the words."""
    reader = me()
    if not reader.orgs(May.RECRUIT):
        raise Forbidden(_("Only who recruits for the employer does this."))
    row = hirers.application(reader, path.uid)
    if body.state == A.SEEN.value:
        row = hiring.open_(row, by=reader.person)
    else:
        row = hiring.step(
            row, A(body.state), by=reader.person, words=body.words, by_certificate=body.by_certificate
        )
    return told(_answers([row])[0])
