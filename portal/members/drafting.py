"""The applicant's side: start, save as typed, submit, answer questions, withdraw."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts import contacts, door
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, files, words
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members import ending_letters, form, joining, letters, names, tier_quotes
from portal.members.events import ApplicationSubmitted
from portal.members.models import (
    LIVE,
    Application,
    ApplicationState,
    FieldComment,
    Kind,
    Recommendation,
    Submission,
    Upload,
)
from portal.members.taking_over import call_contacts, take_over

S = ApplicationState


def start(
    org: Organisation | None, *, by: Person, name: str = "", tier: str = "", language: str
) -> Application:
    """Begin an application, for one's organisation or for a new one; a live one is found again instead."""
    if org is None:
        org = Organisation(legal_name=name or by.email.split("@")[-1])
        db.session.add(org)
        db.session.flush()
        contacts.appoint(by, org, ContactRole.OWNER, by=by)
    return begin(
        org, by=by, applicant=by, language=language, answers=_first_answers(by, name=name, tier=tier)
    )


def start_for(
    email: str, person_name: str, *, org_name: str, tier: str, language: str, by: Person
) -> Application:
    """Begin an application for a new organisation, as a reviewer; its owner-to-be is invited and told."""
    person = door.by_email(email) or Person(
        email=door.normal(email), name=person_name.strip(), language=language
    )
    org = Organisation(legal_name=org_name)
    db.session.add_all([person, org])
    db.session.flush()
    answers = _first_answers(person, name=org_name, tier=tier)
    row = begin(org, by=by, applicant=person, language=language, answers=answers)
    letters.started_for(row, by)
    contacts.invite(org, person.email, ContactRole.OWNER, language, by=by, most=1)
    return row


def _first_answers(person: Person, *, name: str, tier: str) -> dict[str, Any]:
    """Return what an organisation's form knows before the first page."""
    return {
        "legal_name": name, "country": "CN", "tier": tier if form.fits(tier) else "",
        "signatory_name": person.name, "signatory_email": person.email,
        "billing_name": person.name, "billing_email": person.email,
    }  # fmt: skip


def begin(
    org: Organisation, *, by: Person, applicant: Person, language: str, answers: dict[str, Any]
) -> Application:
    """Write the draft of a holder's application; a live one is found again instead."""
    live = db.session.scalars(
        select(Application).where(
            Application.org_id == org.id,
            Application.kind.in_((Kind.JOIN, Kind.REINSTATEMENT)),
            Application.state.in_(LIVE),
        )
    ).first()
    if live is not None:
        return live
    today = clock.today()
    _refuse_too_early(org)
    joining.refuse_barred(org)
    row = Application(
        kind=joining.asked_kind(org), org=org, applicant=applicant, language=language, tier=str(answers["tier"]),
        form_version=catalogue.version_of("form", "legal_name"), catalogue_day=today, answers=answers,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("application.started", row, by=by, org_id=org.id)
    return row


def _refuse_too_early(org: Organisation) -> None:
    last = db.session.scalars(
        select(Application)
        .where(Application.org_id == org.id, Application.state == S.REJECTED)
        .order_by(Application.id.desc())
    ).first()
    if last is None:
        return
    if last.apply_again_from is None:
        raise Refused(_l("After the last decision a new application is not possible."))
    if last.apply_again_from > clock.today():
        raise Refused(
            _l("You can apply again from %(day)s.", day=words.day(last.apply_again_from)),
        )


def editable(application: Application) -> set[str] | None:
    """Return the fields that may be changed now: all of a draft (None), those asked about, or none."""
    if application.state is S.DRAFT:
        return None
    if application.state is S.INFO_REQUESTED:
        return {comment.field for comment in open_comments(application)}
    return set()


def answer_until(application: Application) -> date | None:
    """Return the last day on which an answer to our questions still counts."""
    if application.state is not S.INFO_REQUESTED or application.asked_at is None:
        return None
    days = int(catalogue.policy("review.answer_days"))
    return clock.day_of(application.asked_at) + timedelta(days=days - 1)


def open_comments(application: Application) -> list[FieldComment]:
    """Return the questions of the present round."""
    return list(
        db.session.scalars(
            select(FieldComment)
            .where(FieldComment.application_id == application.id, FieldComment.round == application.round)
            .order_by(FieldComment.id)
        )
    )


def save(application: Application, typed: dict[str, Any], *, by: Person) -> None:
    """Keep what was typed, right or wrong; fields that are not open are left as they are."""
    open_fields = editable(application)
    answers = dict(application.answers)
    for field in form.fields(application.catalogue_day):
        if (
            field.code in typed
            and field.kind != form.FILE
            and (open_fields is None or field.code in open_fields)
            and (application.kind is not Kind.TIER_CHANGE or field.asked(answers))
        ):
            answers[field.code] = form.taken(field, typed[field.code])
    application.answers = answers
    application.tier = str(answers.get("tier", ""))[:40]


def attach(application: Application, field: str, content: files.Content, name: str, *, by: Person) -> Upload:
    """Keep a checked file as the answer to a field; the one before stays on record."""
    open_fields = editable(application)
    if open_fields is not None and field not in open_fields:
        raise Refused(_l("This file cannot be changed now."))
    db.session.execute(
        update(Upload)
        .where(Upload.application_id == application.id, Upload.field == field, Upload.replaced_at.is_(None))
        .values(replaced_at=clock.now())
    )
    stored = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
        purpose="application", org_id=application.org_id,
    )  # fmt: skip
    row = Upload(application=application, file=stored, field=field, by_name=by.name)
    db.session.add_all([stored, row])
    db.session.flush()
    audit.record(
        "application.file_added", application, by=by, org_id=application.org_id, field=field, file=name
    )
    return row


def uploads(application: Application) -> dict[str, Upload]:
    """Return the present file of each field."""
    rows = db.session.scalars(
        select(Upload).where(Upload.application_id == application.id, Upload.replaced_at.is_(None))
    )
    return {row.field: row for row in rows}


def submit(application: Application, *, by: Person) -> Submission:
    """Send the application in: all answers checked, the organisation's data taken over, the clock started."""
    _refuse_gaps(application)
    new = application.kind is not Kind.TIER_CHANGE  # who belongs already is known here
    if new:
        take_over(application)
    move(application, S.SUBMITTED)
    application.submitted_at = clock.now()
    row = _file_submission(application, by=by)
    if new:
        names.find_pairs(application.org)
        call_contacts(application, by=by)
    audit.record(
        "application.submitted",
        application,
        by=by,
        org_id=application.org_id,
        round=row.n,
        tier=application.tier,
    )
    publish(ApplicationSubmitted(application))
    return row


def _refuse_gaps(application: Application) -> None:
    wrong = form.check(application.answers, set(uploads(application)), application.catalogue_day)
    if wrong:
        raise Refused(
            _("Some answers are missing or not right yet: %(count)s.", count=len(wrong)), status=422
        )


def _file_submission(application: Application, *, by: Person) -> Submission:
    present = uploads(application)
    row = Submission(
        application=application, n=application.round, answers=dict(application.answers), by_name=by.name,
        files={field: {"name": up.file.name, "sha256": up.file.sha256, "uid": up.file.uid} for field, up in present.items()},
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def resubmit(application: Application, *, by: Person) -> Submission:
    """Send the answers to the questions; recommendations older than a change are void."""
    _refuse_gaps(application)
    before = _last(application)
    if application.kind is not Kind.TIER_CHANGE:
        take_over(application)
    move(application, S.IN_REVIEW)
    for comment in open_comments(application):
        comment.answered_at = clock.now()
    application.round += 1
    row = _file_submission(application, by=by)
    if (row.answers, row.files) != (before.answers, before.files):
        db.session.execute(
            update(Recommendation)
            .where(Recommendation.application_id == application.id, Recommendation.voided_at.is_(None))
            .values(voided_at=clock.now())
        )
        application.papers_checked_at = application.papers_checked_by = None
    names.find_pairs(application.org)
    audit.record("application.resubmitted", application, by=by, org_id=application.org_id, round=row.n)
    letters.answered(application)
    return row


def _last(application: Application) -> Submission:
    return db.session.scalars(
        select(Submission).where(Submission.application_id == application.id).order_by(Submission.n.desc())
    ).first() or _file_submission(application, by=application.applicant)


def withdraw(application: Application, *, by: Person) -> None:
    """Take the application back."""
    move(application, S.WITHDRAWN)
    application.closed_on = clock.today()
    tier_quotes.forget(application)
    audit.record("application.withdrawn", application, by=by, org_id=application.org_id)
    if application.submitted_at is not None:
        ending_letters.withdrawn(application)
