"""Operations about applications: read, begin, fill in, send."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy import ColumnElement, Select, or_, select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.scopes import Scope
from portal.core import catalogue, cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Answer,
    Body,
    Clean,
    Fault,
    Int,
    OneRow,
    Paged,
    Uid,
    operations,
    responses,
    stale,
    told,
)
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.idempotency import WriteHeaders, once
from portal.members import drafting, form
from portal.members.access import own_application
from portal.members.models import Application, ApplicationState, Kind
from portal.members.profile_api import own_org

applications_api = operations("api_applications", __name__, str(_l("Applications")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]
LANGUAGES = {"en": "en", "zh-CN": "zh_Hans_CN"}
Text = Annotated[str, Clean, Field(max_length=2000)]


class ApplicationQuery(Paged):
    """Which applications."""

    state: Literal[
        "", "draft", "submitted", "in_review", "info_requested", "expired", "approved", "rejected",
        "withdrawn", "completed", "closed",
    ] = ""  # fmt: skip


class OrganisationName(Answer):
    """Whose application it is."""

    id: Uid
    name: str


class ApplicationAnswer(Answer):
    """An application; `version` goes back with a change."""

    id: Uid
    version: int
    kind: Kind
    state: ApplicationState
    tier: str
    organisation: OrganisationName
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None


class ApplicationDetail(ApplicationAnswer):
    """An application with its answers, and what is still wrong with them."""

    answers: dict[str, str | bool]
    faults: list[Fault]


class Applications(Answer):
    """A part of the list, the newest first."""

    items: list[ApplicationAnswer]
    next: str | None


class NewApplication(Body):
    """For which organisation (none: a new one of this name), at which tier, in which language we write."""

    organisation: Uid | Literal[""] = ""
    name: Annotated[str, Clean, Field(max_length=200)] = ""
    tier: Annotated[str, Field(max_length=40)] = ""
    language: Literal["en", "zh-CN"] = "zh-CN"


class AnswersChange(Body):
    """Answers by field; those left out stay."""

    version: Int
    answers: dict[str, Text | bool]


class Sending(Body):
    """The version that is to be sent."""

    version: Int


def _facts(row: Application) -> dict[str, Any]:
    return {
        "id": row.uid,
        "version": row.version,
        "kind": row.kind,
        "state": row.state,
        "tier": row.tier,
        "organisation": OrganisationName(id=row.org.uid, name=row.org.name),
        "created_at": row.created_at,
        "submitted_at": row.submitted_at,
        "decided_at": row.decided_at,
    }


def _detail(row: Application) -> ApplicationDetail:
    wrong = form.check(row.answers, set(drafting.uploads(row)), row.catalogue_day)
    open_now = drafting.editable(row) != set()
    return ApplicationDetail(
        **_facts(row),
        answers={key: value for key, value in row.answers.items() if isinstance(value, str | bool)},
        faults=[Fault(at=field, problem=said) for field, said in wrong.items()] if open_now else [],
    )


def _visible() -> Select[Application]:
    """Select the applications a token may see: its organisations', for staff all that were sent in."""
    reader = me()
    own: ColumnElement[bool] = Application.org_id.in_(reader.orgs(May.SEE_ORG))
    if reader.staff_may(May.READ_MEMBERS):
        own = or_(own, Application.submitted_at.is_not(None))
    return select(Application).where(own)


def _one(uid: str) -> Application:
    row = db.session.scalars(_visible().where(Application.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such application, or it is not yours."))
    return row


def _to_change(uid: str, version: int, what: May) -> Application:
    row = own_application(uid, what)
    if row.version != version:
        raise stale()
    if drafting.editable(row) == set():
        raise Refused(_("This application cannot be changed now."))
    return row


@applications_api.get(
    "/applications", operation_id="list_applications", summary=str(_l("Applications the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=Applications), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_READ)
def list_applications(query: ApplicationQuery) -> Any:
    """Those of the token's organisations; for staff all that were sent in."""
    statement = _visible()
    if query.state:
        statement = statement.where(Application.state == ApplicationState(query.state))
    rows, onward = cursors.page(
        statement, [(Application.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Applications(items=[ApplicationAnswer(**_facts(row)) for row in rows], next=onward))


@applications_api.get(
    "/applications/<uid>", operation_id="get_application", summary=str(_l("One application with its answers")),
    responses=responses(*TOKEN_PROBLEMS, ok=ApplicationDetail), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_READ)
def get_application(path: OneRow) -> Any:
    """While it can be changed, `faults` says what is missing or not right yet."""
    return told(_detail(_one(path.uid)))


@applications_api.post(
    "/applications", operation_id="start_application", summary=str(_l("Begin an application")),
    responses=responses(*WRITE_PROBLEMS, ok=ApplicationDetail, created=ApplicationDetail), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_WRITE)
@once
def start_application(body: NewApplication, header: WriteHeaders) -> Any:
    """A live application of the same organisation is found again instead, with 200."""
    org = _for_whom(body.organisation)
    if body.tier and body.tier not in catalogue.entries("tier"):
        raise Refused(_("Please choose one of the list."), field="tier", status=422)
    before = set(db.session.scalars(select(Application.id).where(Application.org == org))) if org else set()
    row = drafting.start(
        org, by=me().person, name=body.name, tier=body.tier, language=LANGUAGES[body.language]
    )
    found = row.id in before
    where = url_for("api_applications.get_application", uid=row.uid)
    return told(_detail(row), 200 if found else 201, Location=where)


def _for_whom(uid: str) -> Organisation | None:
    """Return the organisation named, else the one whose token this is, else none: a person begins a new one."""
    if uid:
        return own_org(uid, May.APPLY)
    reader = me()
    if reader.personal:
        return None
    mine = db.session.scalars(select(Organisation).where(Organisation.id.in_(reader.orgs(May.APPLY)))).first()
    if mine is None:
        raise Missing(_("There is no such organisation, or it is not yours."))
    return mine


@applications_api.patch(
    "/applications/<uid>", operation_id="change_application", summary=str(_l("Fill in a draft, or answer questions")),
    responses=responses(*WRITE_PROBLEMS, ok=ApplicationDetail), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_WRITE)
@once
def change_application(path: OneRow, body: AnswersChange, header: WriteHeaders) -> Any:
    """Answers are kept right or wrong; `faults` says what is wrong. Files are added on the pages."""
    row = _to_change(path.uid, body.version, May.APPLY)
    _refuse_foreign(row, body.answers)
    drafting.save(row, body.answers, by=me().person)
    db.session.flush()
    return told(_detail(row))


def _refuse_foreign(row: Application, answers: dict[str, str | bool]) -> None:
    """Refuse fields the form does not have or that are not open now, and values of the wrong kind or length."""
    fields = {f.code: f for f in form.fields(row.catalogue_day) if f.kind != form.FILE}
    open_now = drafting.editable(row)
    for code, value in answers.items():
        field = fields.get(code)
        if field is None:
            raise Refused(_("A field we do not know."), field="answers", status=422)
        if open_now is not None and code not in open_now:
            raise Refused(_("This application cannot be changed now."), field=code)
        if isinstance(value, bool) is not (field.kind == "check"):
            raise Refused(_("This is of the wrong type."), field=code, status=422)
        if isinstance(value, str) and len(value) > field.longest:
            raise Refused(
                _("Please use at most %(max)s characters.", max=field.longest), field=code, status=422
            )


@applications_api.post(
    "/applications/<uid>/submission", operation_id="submit_application", summary=str(_l("Send an application in")),
    responses=responses(*WRITE_PROBLEMS, ok=ApplicationDetail), security=TOKEN,
)  # fmt: skip
@needs(Scope.APPLICATIONS_WRITE)
@once
def submit_application(path: OneRow, body: Sending, header: WriteHeaders) -> Any:
    """The first time the whole application, later the answers to our questions."""
    row = _to_change(path.uid, body.version, May.SUBMIT)
    if row.state is ApplicationState.INFO_REQUESTED:
        drafting.resubmit(row, by=me().person)
    else:
        drafting.submit(row, by=me().person)
    db.session.flush()
    return told(_detail(row))
