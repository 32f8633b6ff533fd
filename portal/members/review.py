"""The reviewers' side: take a case, ask, recommend, decide with two eyes, hear an appeal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.states import move
from portal.members import conflicts, eyes, letters, quorum
from portal.members.conflicts import FIRST_DECISION
from portal.members.events import ApplicationApproved
from portal.members.models import (
    LIVE,
    Application,
    ApplicationState,
    Conflict,
    FieldComment,
    Kind,
    Pair,
    PairAnswer,
    Recommendation,
    Waiver,
)

S = ApplicationState


def locked(application_id: int) -> Application:
    """Return an application under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Application)
        .where(Application.id == application_id)
        .with_for_update(of=Application)
        .execution_options(populate_existing=True)
    ).one()


def conflict_of(person: Person, application: Application) -> Any:
    """Return why a person of staff must stay out of a case, in words; None if nothing stands against it."""
    return conflicts.why(person, application)


def refuse_conflict(person: Person, application: Application) -> None:
    """Refuse a verb to somebody who is too close to the applicant."""
    if why := conflict_of(person, application):
        raise Forbidden(why)


def declare_conflict(application: Application, *, by: Person, reason: str) -> None:
    """Step out of a case; nobody lifts his own declaration."""
    if conflicts.why(by, application):
        raise Refused(_l("You are out of this case already."))
    db.session.add(Conflict(application=application, person=by, reason=reason))
    if application.case_owner_id == by.id:
        application.case_owner = None
    audit.record(
        "application.conflict_declared", application, by=by, org_id=application.org_id, reason=reason
    )


def take(application: Application, *, by: Person) -> None:
    """Become the case owner of a submitted application, or of one without an owner."""
    row = locked(application.id)
    refuse_conflict(by, row)
    eyes.refuse("case_owner", by, row)
    if row.state is S.SUBMITTED:
        move(row, S.IN_REVIEW)
    elif row.state is not S.IN_REVIEW or row.case_owner_id is not None:
        raise Refused(_l("Somebody else has this case already."))
    row.case_owner = by
    audit.record("application.taken", row, by=by, org_id=row.org_id)


def _own(application: Application, by: Person) -> Application:
    row = locked(application.id)
    refuse_conflict(by, row)
    if row.case_owner_id != by.id:
        raise Forbidden(_l("Only the owner of this case may do that."))
    return row


def ask(application: Application, comments: Mapping[str, str], *, by: Person) -> None:
    """Return the application with a question per field; only these fields unlock."""
    row = _own(application, by)
    asked = {field: text.strip() for field, text in comments.items() if text.strip()}
    if not asked:
        raise Refused(_l("Please write at least one question."), status=422)
    move(row, S.INFO_REQUESTED)
    row.asked_at = clock.now()
    for field, text in asked.items():
        db.session.add(
            FieldComment(application=row, round=row.round, field=field, text=text, by_name=by.name)
        )
    db.session.flush()
    audit.record("application.asked", row, by=by, org_id=row.org_id, fields=sorted(asked))
    letters.asked(row, asked)


def voices(application: Application) -> list[Recommendation]:
    """Return the recommendations that count."""
    return list(
        db.session.scalars(
            select(Recommendation)
            .where(Recommendation.application_id == application.id, Recommendation.voided_at.is_(None))
            .order_by(Recommendation.id)
        )
    )


def recommend(
    application: Application, *, by: Person, role: StaffRole, in_favour: bool, reason: str
) -> Recommendation:
    """Give one's voice for or against, with the reason; one voice each."""
    row = locked(application.id)
    refuse_conflict(by, row)
    if row.state is not S.IN_REVIEW:
        raise Refused(_l("This application is not in review now."))
    eyes.refuse("recommender", by, row)
    if any(voice.person_id == by.id for voice in voices(row)):
        raise Refused(_l("You have given your voice already."))
    voice = Recommendation(
        application=row, person=by, role=role.value, in_favour=in_favour, reason=reason, round=row.round
    )
    db.session.add(voice)
    db.session.flush()
    audit.record("application.recommended", row, by=by, org_id=row.org_id, in_favour=in_favour, reason=reason)
    return voice


def missing_for_decision(
    application: Application, *, given: list[Recommendation] | None = None, pairs_open: bool | None = None
) -> list[str]:
    """Return what is still missing before a decision, in words; voices and pairs may be known already."""
    return quorum.missing(application, voices(application) if given is None else given, pairs_open=pairs_open)


def _decider(application: Application, by: Person) -> Application:
    row = locked(application.id)
    refuse_conflict(by, row)
    if row.state is not S.IN_REVIEW:
        raise Refused(_l("This application is not in review now: it was decided, or returned."))
    quorum.refuse_unless_decider(by, row)
    eyes.refuse("decider", by, row)
    return row


def waiver_of(application: Application) -> Waiver | None:
    """Return the proposal to waive the first year's dues."""
    return db.session.scalars(select(Waiver).where(Waiver.application_id == application.id)).first()


def propose_waiver(application: Application, *, by: Person, reason: str) -> Waiver:
    """Propose a founding member: the first year's dues are waived if the decider confirms it."""
    row = _own(application, by)
    if row.state is not S.IN_REVIEW:
        raise Refused(_l("This application is not in review now."))
    if row.kind is Kind.TIER_CHANGE:
        raise Refused(
            _l("A first year is waived when somebody joins; a change of tier keeps what was waived.")
        )
    waiver = waiver_of(row)
    if waiver is None:
        waiver = Waiver(application=row, reason=reason, by=by)
        db.session.add(waiver)
    waiver.reason, waiver.by = reason, by
    audit.record("application.waiver_proposed", row, by=by, org_id=row.org_id, reason=reason)
    return waiver


def _confirm_waiver(row: Application, by: Person) -> None:
    waiver = waiver_of(row)
    if waiver is None:
        raise Refused(_l("Nobody has proposed to waive the dues: the owner of the case does, with a reason."))
    if waiver.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: somebody else confirms it."))
    waiver.second = by
    audit.record("application.waiver_confirmed", row, by=by, org_id=row.org_id, reason=waiver.reason)


def approve(application: Application, *, by: Person, founding: bool = False) -> Application:
    """Approve: tier and price are fixed, agreement and invoice follow at once; `founding` confirms the waiver."""
    row = _decider(application, by)
    if missing := missing_for_decision(row):
        raise Refused(_l("Still missing: %(what)s.", what=_(", ").join(missing)))
    if founding:
        _confirm_waiver(row, by)
    move(row, S.APPROVED)
    row.decided_at, row.decided_by, row.founding = clock.now(), by, founding
    db.session.flush()
    audit.record("application.approved", row, by=by, org_id=row.org_id, tier=row.tier, founding=founding)
    publish(ApplicationApproved(row))
    return row


def reject(application: Application, *, by: Person, code: str, reason: dict[str, str]) -> Application:
    """Reject with a reason code and a text in both languages, and say from when one may apply again."""
    row = _decider(application, by)
    body = catalogue.entries("rejection").get(code)
    if body is None:
        raise Refused(_l("Please choose a reason."), field="code", status=422)
    move(row, S.REJECTED)
    row.decided_at, row.decided_by = clock.now(), by
    row.reason_code, row.reason = code, reason
    days = body["again_after_days"]
    row.apply_again_from = None if days is None else clock.today() + timedelta(days=days)
    row.closed_on = clock.today()
    audit.record("application.rejected", row, by=by, org_id=row.org_id, code=code, reason=reason)
    letters.rejected(row)
    return row


def refuse_second(application: Application) -> None:
    """Refuse to bring an application back to life while its holder has another live one."""
    other = select(Application.id).where(
        Application.org_id == application.org_id,
        Application.kind == application.kind,
        Application.id != application.id,
        Application.state.in_(LIVE),
    )
    if db.session.scalar(other.limit(1)) is not None:
        raise Refused(_l("The applicant has begun another application meanwhile; this one stays closed."))


def hear_appeal(application: Application, *, by: Person) -> Application:
    """Reopen a rejected application that was appealed: a new owner, new approvers, another decider."""
    row = locked(application.id)
    if row.appealed_at is None or row.appeal_heard_at is not None:
        raise Refused(_l("Nobody appealed this decision, or the appeal was heard."))
    refuse_conflict(by, row)
    refuse_second(row)
    move(row, S.IN_REVIEW)
    before = {
        row.case_owner_id,
        row.decided_by_id,
        row.papers_checked_by_id,
        *(voice.person_id for voice in voices(row)),
    }
    for person in db.session.scalars(select(Person).where(Person.id.in_([pid for pid in before if pid]))):
        known = select(Conflict.id).where(Conflict.application_id == row.id, Conflict.person_id == person.id)
        if db.session.scalar(known) is None:
            db.session.add(Conflict(application=row, person=person, reason=FIRST_DECISION))
    db.session.execute(
        update(Recommendation)
        .where(Recommendation.application_id == row.id, Recommendation.voided_at.is_(None))
        .values(voided_at=clock.now())
    )
    row.case_owner = row.decided_by = row.closed_on = row.apply_again_from = None
    row.papers_checked_at = row.papers_checked_by = None
    row.appeal_heard_at = clock.now()
    audit.record("application.appeal_heard", row, by=by, org_id=row.org_id)
    letters.appeal_heard(row)
    return row


def answer_pair(pair: Pair, answer: PairAnswer, *, by: Person) -> None:
    """Say what two similar organisations are; answered once."""
    if pair.answer is not None:
        raise Refused(_l("This pair was answered already."))
    pair.answer, pair.by_name, pair.at = answer, by.name, clock.now()
    audit.record("organisation.pair_answered", pair, by=by, org_id=pair.org_id, answer=answer)
