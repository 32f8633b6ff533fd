"""The applicant's side: start, save as typed, submit, answer questions, withdraw, appeal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select, update

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.registration import check_uscc, legal_key
from portal.core import audit, catalogue, clock, files
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.members import form, letters, names
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
    live = db.session.scalars(
        select(Application).where(
            Application.org_id == org.id, Application.kind == Kind.JOIN, Application.state.in_(LIVE)
        )
    ).first()
    if live is not None:
        return live
    today = clock.today()
    _refuse_too_early(org)
    row = Application(
        kind=Kind.JOIN, org=org, applicant=by, language=language, tier=tier,
        form_version=catalogue.version_of("form", "legal_name"), catalogue_day=today,
        answers={
            "legal_name": name, "country": "CN", "tier": tier, "signatory_name": by.name,
            "signatory_email": by.email, "billing_name": by.name, "billing_email": by.email, "listing": True,
        },
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
    if last is not None and (last.apply_again_from is None or last.apply_again_from > clock.today()):
        raise Refused(_l("After the last decision a new application is not possible yet."))


def editable(application: Application) -> set[str] | None:
    """Return the fields that may be changed now: all of a draft (None), those asked about, or none."""
    if application.state is S.DRAFT:
        return None
    if application.state is S.INFO_REQUESTED:
        return {comment.field for comment in open_comments(application)}
    return set()


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
    _take_over(application)
    move(application, S.SUBMITTED)
    application.submitted_at = clock.now()
    row = _file_submission(application, by=by)
    names.find_pairs(application.org)
    _call_contacts(application, by=by)
    audit.record(
        "application.submitted",
        application,
        by=by,
        org_id=application.org_id,
        round=row.n,
        tier=application.tier,
    )
    letters.submitted(application)
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


def _take_over(application: Application) -> None:
    """Write the answers into the organisation's record; a legal key that another one holds is refused."""
    answers, org = application.answers, application.org
    country = str(answers.get("country", "CN"))
    checked = check_uscc(str(answers["registration"])) if country == "CN" else None
    number = checked.code if checked else str(answers["registration"])
    key = legal_key(country, "REG", number)
    holder = db.session.scalar(
        select(Organisation.id).where(Organisation.legal_key == key, Organisation.id != org.id)
    )
    if holder is not None:
        raise Refused(
            _l(
                "An organisation with this registration number is here already. Please ask its owner to invite you, or write to us."
            ),
            status=422,
        )
    org.legal_name = str(answers["legal_name"])
    org.country, org.legal_key = country, key
    org.registration_verdict = checked.verdict.value if checked else "foreign"
    for column in ("legal_name_en", "display_name_zh", "display_name_en", "category", "homepage", "address"):
        setattr(org, column, str(answers.get(column) or ""))
    org.listing_consent = bool(answers.get("listing"))
    names.index(org)


def _call_contacts(application: Application, *, by: Person) -> None:
    """Appoint or invite who signs and who pays."""
    for role, field in ((ContactRole.SIGNATORY, "signatory_email"), (ContactRole.BILLING, "billing_email")):
        email = str(application.answers[field]).strip().lower()
        if email == by.email:
            contacts.appoint(by, application.org, role, by=by)
        elif not any(person.email == email for person in contacts.holders(application.org, role)):
            contacts.invite(application.org, email, role, application.language, by=by, most=5)


def resubmit(application: Application, *, by: Person) -> Submission:
    """Send the answers to the questions; recommendations older than a change are void."""
    _refuse_gaps(application)
    before = _last(application)
    _take_over(application)
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
    audit.record("application.withdrawn", application, by=by, org_id=application.org_id)


def appeal_until(application: Application) -> Any:
    """Return the last day on which a rejection can be appealed, or None if it cannot."""
    if (
        application.state is not S.REJECTED
        or application.appealed_at is not None
        or application.decided_at is None
    ):
        return None
    return clock.day_of(application.decided_at) + timedelta(days=int(catalogue.policy("review.appeal_days")))


def appeal(application: Application, *, by: Person, reason: str) -> None:
    """Ask the secretary of the board to have a rejection looked at anew, once and in time."""
    last = appeal_until(application)
    if last is None or clock.today() > last:
        days = int(catalogue.policy("review.appeal_days"))
        raise Refused(
            ngettext(
                "An appeal is possible once, within %(num)s day of the decision.",
                "An appeal is possible once, within %(num)s days of the decision.",
                days,
            )
        )
    application.appealed_at = clock.now()
    audit.record("application.appealed", application, by=by, org_id=application.org_id, reason=reason)
    letters.appealed(application)
