"""What waits because of benefits and people: claims, vacancies, letters and lists for staff; the owner's part for members."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from portal.accounts import confirming, joining, replacing, vacancies
from portal.accounts.access import Reader
from portal.accounts.care_models import Vacancy
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock, labels
from portal.core.db import db
from portal.core.words import day
from portal.members import deciding, granting
from portal.members.belonging import Grant
from portal.members.benefit_models import Claim, ClaimState

MOST = 50


def _task(
    title: str, href: str, action: str, *, detail: str = "", since: Any = None, overdue: bool = False
) -> dict[str, Any]:
    return {
        "title": title, "href": href, "action": action, "detail": detail, "since": since, "overdue": overdue,
    }  # fmt: skip


def of_staff(reader: Reader) -> list[dict[str, Any]]:
    """Return what benefits and people ask of a member of staff."""
    found = _claims(reader) if reader.staff_may(May.CONFIRM_BENEFITS) else []
    if reader.staff_may(May.APPOINT_OWNERS):
        found += [
            _task(_("Letter that names an owner: %(org)s", org=row.org.name), url_for("lists.overview"), _("Look"), since=row.at)
            for row in db.session.scalars(replacing.waiting().limit(MOST))
            if row.by_id != reader.person.id
        ]  # fmt: skip
        found += _lists()
    return found


def _claims(reader: Reader) -> list[dict[str, Any]]:
    """Return the claims that wait for one of the reader's roles, the oldest first."""
    roles = {role.value for role in reader.staff}
    codes = [code for code, body in catalogue.entries("benefit").items() if deciding.confirmer(body) in roles]
    rows = db.session.scalars(
        select(Claim)
        .join(Grant, Claim.grant_id == Grant.id)
        .where(Grant.benefit.in_(codes), Claim.state == ClaimState.CLAIMED, ~Claim.provisional)
        .order_by(Claim.claimed_at, Claim.id)
        .limit(MOST)
    )
    return [
        _task(
            _("Claim to confirm: %(org)s", org=row.grant.membership.org.name), url_for("perks.claim", uid=row.uid), _("Decide"),
            detail=f"{granting.benefit_name(row.grant.benefit)} · {row.quantity}", since=row.claimed_at,
        )
        for row in rows
    ]  # fmt: skip


def _lists() -> list[dict[str, Any]]:
    """Return that roles are vacant beyond their day, and that owners are silent, each as one task."""
    today, page = clock.today(), url_for("lists.overview")
    late = db.session.scalar(
        select(func.count(Vacancy.id)).where(Vacancy.closed_at.is_(None), Vacancy.due_on < today)
    )
    quarter = confirming.quarter_of(today)
    last = max(int(step) for step in catalogue.policy("contacts.confirm_reminder_days"))
    silent = 0
    if (today - quarter).days >= last:
        unanswered = confirming.unconfirmed(quarter).order_by(None).subquery()
        silent = db.session.scalar(select(func.count()).select_from(unanswered)) or 0
    found = []
    if late:
        title = ngettext(
            "%(num)s role is vacant beyond its day", "%(num)s roles are vacant beyond their day", late
        )
        found.append(_task(title, page, _("Look"), overdue=True))
    if silent:
        title = ngettext(
            "%(num)s member has not confirmed its people",
            "%(num)s members have not confirmed their people",
            silent,
        )
        found.append(_task(title, page, _("Look"), detail=_("asked since %(day)s", day=day(quarter))))
    return found


def of_member(reader: Reader, org: Organisation) -> list[dict[str, Any]]:
    """Return what an organisation's people ask of its owners."""
    if not reader.may(May.MANAGE_PEOPLE, org.id) or org.person_id is not None:
        return []
    page, today = url_for("accounts.people"), clock.today()
    found = [
        _task(
            _("Find somebody for the role: %(role)s", role=labels.label(row.role)), page, _("Invite"),
            detail=_("by %(day)s", day=day(row.due_on)), since=row.declared_at, overdue=row.due_on < today,
        )
        for row in db.session.scalars(vacancies.open_vacancies(org))
    ]  # fmt: skip
    found += [
        _task(_("%(who)s asks to act for you", who=row.person.name), page, _("Answer"), since=row.asked_at)
        for row in db.session.scalars(joining.waiting(org))
    ]
    check = confirming.check_of(org)
    if check is not None and check.confirmed_at is None:
        found.append(_task(_("Confirm who acts for you"), page, _("Look"), since=check.asked_on))
    return found
