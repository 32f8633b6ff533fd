"""What a case page shows: answers, changes between rounds, questions, the clock, and who may press what."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.access import Reader
from portal.accounts.may import ContactRole, May
from portal.accounts.timeline import told
from portal.core import catalogue, clock
from portal.core.audit import AuditEntry, of_subject
from portal.core.db import db
from portal.core.words import last_day
from portal.members import agreements, drafting, form, quorum
from portal.members.belonging import Agreement, AgreementState, Membership, Term
from portal.members.models import Application, ApplicationState, FieldComment, Pair, Submission
from portal.members.standing import Standing

S, G = ApplicationState, AgreementState
STEPS = {
    "sending": May.PREPARE_AGREEMENTS,
    "scan-check": May.PREPARE_AGREEMENTS,
    "voiding": May.PREPARE_AGREEMENTS,
    "countersignature": May.COUNTERSIGN,
}


def pages_of(row: Application) -> list[dict[str, Any]]:
    """Return every page of the form with its answers as people read them, and what is wrong with each."""
    present = drafting.uploads(row)
    wrong = form.check(row.answers, set(present), row.catalogue_day)
    asked = [field for field in form.fields(row.catalogue_day) if field.asked(row.answers)]
    found = []
    for code, page in form.pages(row.catalogue_day, row.answers).items():
        facts = [
            {
                "field": field,
                "value": field.shown(row.answers.get(field.code), row.catalogue_day),
                "upload": present.get(field.code),
                "wrong": wrong.get(field.code),
            }
            for field in asked
            if field.page == code
        ]
        found.append(
            {"code": code, **page, "facts": facts, "wrong": sum(bool(one["wrong"]) for one in facts)}
        )
    return found


def submissions(row: Application) -> list[Submission]:
    """Return what was sent in, oldest first."""
    return list(
        db.session.scalars(
            select(Submission).where(Submission.application_id == row.id).order_by(Submission.n)
        )
    )


def changes(row: Application) -> list[tuple[int, list[tuple[str, str, str]]]]:
    """Return for each later round what changed: label, old and new; files by name and hash."""
    sent = submissions(row)
    named = {field.code: field for field in form.fields(row.catalogue_day)}
    found = []
    for old, new in itertools.pairwise(sent):
        differing = []
        for code, field in named.items():
            if field.kind == form.FILE:
                before, after = (
                    f"{one['name']} ({one['sha256'][:12]})" if one else ""
                    for one in (old.files.get(code), new.files.get(code))
                )
            else:
                before, after = (
                    field.shown(one.get(code), row.catalogue_day) for one in (old.answers, new.answers)
                )
            if before != after:
                differing.append((field.label, before, after))
        found.append((new.n, differing))
    return found


def questions(row: Application) -> list[FieldComment]:
    """Return every question of every round."""
    return list(
        db.session.scalars(
            select(FieldComment).where(FieldComment.application_id == row.id).order_by(FieldComment.id)
        )
    )


def working_days(start: date, end: date) -> int:
    """Return the working days of `[start, end)`: Monday to Friday without the catalogue's holidays."""
    holidays = {str(body["day"]) for body in catalogue.entries("holiday").values()}
    days = (start + timedelta(days=n) for n in range((end - start).days))
    return sum(day.weekday() < 5 and str(day) not in holidays for day in days)


FOR_APPLICANT = (
    "application.started", "application.submitted", "application.asked", "application.resubmitted",
    "application.file_added", "application.taken", "application.approved", "application.rejected",
    "application.withdrawn", "application.appealed", "application.appeal_heard", "application.expired",
    "application.reopened", "application.completed", "application.closed", "agreement.sent",
    "agreement.readdressed", "agreement.signed", "agreement.scan_returned", "agreement.executed",
    "agreement.voided", "agreement.terminated", "tier.quoted", "tier.confirmed", "tier.late", "tier.dropped",
)  # fmt: skip
STOPS = {"application.asked", "application.approved", "application.rejected", "application.withdrawn"}
STARTS = {"application.submitted", "application.resubmitted", "application.appeal_heard"}


def working_days_used(row: Application) -> int:
    """Return how many working days the ball was ours: a function of the state history alone."""
    return days_of(db.session.scalars(of_subject(row.subject)))


def days_of(entries: Iterable[AuditEntry]) -> int:
    """Return the working days that a case's history, oldest first, has used of ours."""
    used, since = 0, None
    for entry in entries:
        on = clock.day_of(entry.at)
        if entry.verb in STARTS and since is None:
            since = on
        elif entry.verb in STOPS and since is not None:
            used += working_days(since, on)
            since = None
    return used + (working_days(since, clock.today()) if since is not None else 0)


def same(pair: Pair) -> str:
    """Return in what two similar organisations agree, in words."""
    words = {"legal": _("registration number"), "domain": _("web domain"), "name": _("name")}
    return _(", ").join(words.get(hit, hit) for hit in pair.hits.split(","))


def next_of(row: Membership, terms: list[Term]) -> str:
    """Return what happens next with a member, in words; empty if nothing is due."""
    today, standing = clock.today(), row.standing
    running = [term for term in terms if term.start <= today and (term.end is None or term.end > today)]
    if standing is Standing.PENDING:
        return _("The agreement is signed by both sides and the dues are paid; then the membership begins.")
    if standing in {Standing.ACTIVE_UNPAID, Standing.AT_RISK}:
        return _("The dues are paid: an invoice is open.")
    if standing is Standing.GRACE and terms and terms[-1].end:
        grace = int(catalogue.policy("term.grace_days"))
        last = last_day(terms[-1].end + timedelta(days=grace))
        return _("The term is over. It is renewed by %(day)s, or the membership lapses.", day=last)
    if standing is Standing.ACTIVE and running:
        end = running[-1].end
        if end is None:
            return _("The term has no end.")
        renewed = terms[-1].end if terms[-1].start >= end else None
        if renewed is not None:
            return _(
                "The term runs until %(day)s; it is renewed until %(last)s.",
                day=last_day(end),
                last=last_day(renewed),
            )
        return _("The term runs until %(day)s.", day=last_day(end))
    return ""


def story_for_applicant(row: Application, agreement: Agreement | None) -> list[Any]:
    """Return what happened as far as it is the applicant's business: no voices, conflicts or papers of the house."""
    subjects = [row.subject, *([agreement.subject] if agreement else [])]
    entries = of_subject(*subjects).where(AuditEntry.verb.in_(FOR_APPLICANT))
    return list(db.session.execute(told(entries)))


def buttons(row: Application, agreement: Agreement | None, reader: Reader) -> dict[str, bool]:
    """Return which actions this reader sees on the case; the actions themselves check again."""
    state, sealed = row.state, agreement.state if agreement else None
    mine = row.case_owner_id == reader.person.id
    legal = reader.staff_may(May.PREPARE_AGREEMENTS)
    return {
        "take": reader.staff_may(May.REVIEW) and (state is S.SUBMITTED or (state is S.IN_REVIEW and row.case_owner_id is None)),
        "ask": mine and state is S.IN_REVIEW,
        "recommend": reader.staff_may(May.RECOMMEND) and state is S.IN_REVIEW and not mine,
        "decide": reader.staff_may(quorum.decider_verb(row)) and state is S.IN_REVIEW,
        "hear": reader.staff_may(May.DECIDE_APPEALS) and state is S.REJECTED and row.appealed_at is not None and row.appeal_heard_at is None,
        "pairs": reader.staff_may(May.REVIEW),
        "send": legal and sealed is G.DRAFTED,
        "scan": legal and sealed is G.MEMBER_SIGNED and agreement is not None and agreement.way == "chop" and agreement.checked_by_id is None,
        "countersign": reader.staff_may(May.COUNTERSIGN) and sealed is G.MEMBER_SIGNED,
        "declare": state in {S.SUBMITTED, S.IN_REVIEW, S.INFO_REQUESTED},
    }  # fmt: skip


def steps(row: Application, agreement: Agreement | None, reader: Reader) -> dict[str, Any]:
    """Return which of the rarer steps this reader sees on the case, with what they need."""
    state, sealed = row.state, agreement.state if agreement else None
    legal = reader.staff_may(May.PREPARE_AGREEMENTS)
    reviewer, decides = reader.staff_may(May.REVIEW), reader.staff_may(May.DECIDE)
    signers = contacts.holders(row.org, ContactRole.SIGNATORY)
    others = [one for one in signers if agreement is not None and one.id != agreement.asked_id]
    brings = reviewer or reader.staff_may(May.DECIDE_APPEALS)
    return {
        "reopen": reviewer and state is S.EXPIRED and row.reopened_at is None,
        "propose_close": reviewer and state is S.APPROVED and row.close_proposed_by_id is None,
        "confirm_close": decides and state is S.APPROVED and row.close_proposed_by_id is not None,
        "minute": brings and state is S.IN_REVIEW and quorum.needs_minute(row),
        "check_papers": reviewer and state is S.IN_REVIEW and quorum.needs_second_check(row)
        and row.papers_checked_at is None and row.case_owner_id not in {None, reader.person.id},
        "draft": legal and state is S.APPROVED and sealed is G.VOIDED,
        "readdress": others if legal and sealed is G.SENT else [],
        "bring_scan": legal and sealed is G.SENT and agreement is not None
        and agreements.beforehand(agreement) is None,
        "papers": quorum.papers_of(row),
    }  # fmt: skip
