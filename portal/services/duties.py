"""What waits for staff in quotes, contracts and projects."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from portal.accounts.may import May
from portal.core import clock, waiting
from portal.core.catalogue import in_words
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.waiting import Task
from portal.members.belonging import AgreementState
from portal.services.contracts.models import ServiceContract
from portal.services.engagements import leading
from portal.services.engagements.models import LIVE, Engagement, EngagementState, Milestone, MilestoneState
from portal.services.engagements.work_models import Outcome, WorkSubmission
from portal.services.quotes import deciding
from portal.services.quotes.models import Q, ServiceQuote
from portal.services.quotes.term_models import ServiceEnding

MOST = 50


def tasks(reader: Any) -> list[Task]:
    """Return what services ask of a reader."""
    found = _quotes(reader) if reader.staff_may(May.READ_SERVICES) else []
    found += _contracts(reader)
    if reader.staff_may(May.MANAGE_WORK):
        found += _starts() + _meetings()
    if reader.staff_may(May.DO_WORK):
        found += _returned(reader)
    if reader.staff_may(May.CREDIT):
        found += _endings(reader)
    return found


def _quotes(reader: Any) -> list[Task]:
    rows = db.session.scalars(
        select(ServiceQuote).where(ServiceQuote.state.in_((Q.IN_APPROVAL, Q.DRAFT))).order_by(ServiceQuote.id).limit(MOST)
    )  # fmt: skip
    found = []
    for row in rows:
        href = url_for("quote_office.quote", uid=row.uid)
        if row.state is Q.DRAFT and row.by_id == reader.person.id:
            title = _("Finish and send %(quote)s for %(org)s", quote=row.name, org=row.party.name)
            found.append(waiting.task(title, _("Open"), href, since=row.created_at, detail=row.returned))
        elif row.state is Q.IN_APPROVAL and _may_second(row, reader):
            title = _("Stand for %(quote)s for %(org)s", quote=row.name, org=row.party.name)
            found.append(waiting.task(title, _("Decide"), href, since=row.created_at, detail=row.note))
    return found


def _may_second(row: ServiceQuote, reader: Any) -> bool:
    try:
        deciding.refuse_second(row, reader.person)
    except Refused:
        return False
    return True


def _contracts(reader: Any) -> list[Task]:
    states = []
    if reader.staff_may(May.PREPARE_AGREEMENTS):
        states.append(AgreementState.DRAFTED)
    if reader.staff_may(May.COUNTERSIGN):
        states.append(AgreementState.MEMBER_SIGNED)
    rows = select(ServiceContract).where(ServiceContract.state.in_(states)).order_by(ServiceContract.id).limit(MOST)  # fmt: skip
    return [
        waiting.task(
            _("Send contract %(number)s to %(org)s", number=row.number, org=row.party_name)
            if row.state is AgreementState.DRAFTED
            else _("Counter-sign contract %(number)s of %(org)s", number=row.number, org=row.party_name),
            _("Open"), url_for("quote_office.contract", uid=row.uid), since=row.signed_at or row.created_at,
        )
        for row in (db.session.scalars(rows) if states else ())
        if reader.person.id not in {row.sent_by_id, row.checked_by_id, row.quote.by_id} or row.state is AgreementState.DRAFTED
    ]  # fmt: skip


def _page(row: Engagement) -> str:
    return url_for("engagement_office.engagement", uid=row.uid)


def _starts() -> list[Task]:
    """Return the engagements that could start."""
    rows = select(Engagement).where(Engagement.state == EngagementState.PLANNED).order_by(Engagement.id)
    found = []
    for row in db.session.scalars(rows.limit(MOST)):
        waits = leading.missing(row)
        title = (
            _("Prepare project %(number)s of %(org)s", number=row.number, org=row.org.name)
            if waits
            else _("Start project %(number)s of %(org)s", number=row.number, org=row.org.name)
        )
        found.append(
            waiting.task(title, _("Open"), _page(row), since=row.created_at, detail="; ".join(waits))
        )
    return found


def _meetings() -> list[Task]:
    """Return the milestones that were given back a second time: both leads meet."""
    twice = (
        select(WorkSubmission.milestone_id)
        .where(WorkSubmission.outcome == Outcome.REJECTED)
        .group_by(WorkSubmission.milestone_id)
        .having(func.count() >= 2)
    )
    rows = db.session.scalars(
        select(Milestone)
        .join(Engagement)
        .where(
            Milestone.id.in_(twice), Milestone.state == MilestoneState.RETURNED, Engagement.state.in_(LIVE)
        )
        .order_by(Milestone.id)
        .limit(MOST)
    )
    return [
        waiting.task(
            _("Meet about “%(milestone)s” of %(number)s", milestone=in_words(row.title), number=row.engagement.number),
            _("Open"), _page(row.engagement), detail=_("It was given back a second time."), overdue=True,
        )
        for row in rows
    ]  # fmt: skip


def _returned(reader: Any) -> list[Task]:
    """Return the milestones of a lead that were given back, or whose planned day is over."""
    rows = db.session.scalars(
        select(Milestone)
        .join(Engagement)
        .where(Engagement.lead_id == reader.person.id, Engagement.state == EngagementState.RUNNING)
        .order_by(Milestone.id)
    )
    found = []
    for row in rows:
        late = row.planned_on is not None and row.planned_on < clock.today()
        open_ = row.state in (MilestoneState.PLANNED, MilestoneState.IN_WORK)
        if row.state is not MilestoneState.RETURNED and not (late and open_):
            continue
        words = (
            _("Hand in again: “%(milestone)s” of %(number)s", milestone=in_words(row.title), number=row.engagement.number)
            if row.state is MilestoneState.RETURNED
            else _("Overdue: “%(milestone)s” of %(number)s", milestone=in_words(row.title), number=row.engagement.number)
        )  # fmt: skip
        found.append(waiting.task(words, _("Open"), _page(row.engagement), overdue=late))
    return found[:MOST]


def _endings(reader: Any) -> list[Task]:
    """Return what finance confirms: projects and services that are to end before their time."""
    projects = db.session.scalars(
        select(Engagement).where(Engagement.state.in_(LIVE), Engagement.ending_by_id.is_not(None)).order_by(Engagement.id)
    )  # fmt: skip
    found = []
    for row in projects:
        if row.ending_by_id != reader.person.id:
            title = _("Decide on the end of project %(number)s", number=row.number)
            found.append(waiting.task(title, _("Decide"), _page(row), detail=row.end_reason))
    services = db.session.scalars(
        select(ServiceEnding).where(ServiceEnding.done_at.is_(None)).order_by(ServiceEnding.id)
    )
    for ending in services:
        if ending.by_id != reader.person.id:
            title = _(
                "Decide on the early end of a service of %(org)s", org=ending.term.subscription.party.name
            )
            found.append(
                waiting.task(
                    title,
                    _("Decide"),
                    url_for("quote_office.services"),
                    since=ending.at,
                    detail=ending.reason,
                )
            )
    return found[:MOST]
