"""Which page of the office shows a row: where links from the audit chain and the search lead."""

from __future__ import annotations

from typing import Any

from flask import url_for
from sqlalchemy import select

from portal.accounts import audit_office
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.models import Invoice
from portal.core.db import db
from portal.core.outbox import OutboxItem
from portal.members.belonging import Agreement, Membership
from portal.members.models import Application
from portal.members.renewal_models import LateMoney, RenewalOffer


def _value(column: Any, number: int, of: Any) -> str | None:
    found: str | None = db.session.scalar(select(column).where(of == number))
    return found


def _application(number: int) -> str | None:
    uid = _value(Application.uid, number, Application.id)
    return url_for("cases.case", uid=uid) if uid else None


def _agreement(number: int) -> str | None:
    asked = db.session.scalar(select(Agreement.application_id).where(Agreement.id == number))
    return _application(asked) if asked else None


def _invoice(number: int) -> str | None:
    uid = _value(Invoice.uid, number, Invoice.id)
    return url_for("money.invoice", uid=uid) if uid else None


def _membership(number: int) -> str | None:
    statement = select(Organisation.uid).join(Membership, Membership.org_id == Organisation.id)
    uid = db.session.scalar(statement.where(Membership.id == number))
    return url_for("roll.member", uid=uid) if uid else None


def _renewal(number: int) -> str | None:
    statement = (
        select(Organisation.uid)
        .join(Membership, Membership.org_id == Organisation.id)
        .join(RenewalOffer, RenewalOffer.membership_id == Membership.id)
    )
    uid = db.session.scalar(statement.where(RenewalOffer.id == number))
    return url_for("renewals.one", uid=uid) if uid else None


def _late(number: int) -> str | None:
    statement = (
        select(Organisation.uid)
        .join(Membership, Membership.org_id == Organisation.id)
        .join(LateMoney, LateMoney.membership_id == Membership.id)
    )
    uid = db.session.scalar(statement.where(LateMoney.id == number))
    return url_for("renewals.one", uid=uid) if uid else None


def _organisation(number: int) -> str | None:
    """Return the member's page, else the newest case, else the people who act for it."""
    membership = db.session.scalar(select(Membership.id).where(Membership.org_id == number))
    if membership is not None:
        return _membership(membership)
    newest = db.session.scalar(
        select(Application.id)
        .where(Application.org_id == number, Application.submitted_at.is_not(None))
        .order_by(Application.id.desc())
        .limit(1)
    )
    if newest is not None:
        return _application(newest)
    name = _value(Organisation.legal_name, number, Organisation.id)
    return url_for("folk.people", q=name) if name else None


def _person(number: int) -> str | None:
    email = _value(Person.email, number, Person.id)
    return url_for("folk.people", q=email) if email else None


def _outbox(number: int) -> str | None:
    key = _value(OutboxItem.key, number, OutboxItem.id)
    return url_for("engine.work", state="all", q=key) if key else None


def install() -> None:
    """Say for each table which page shows its rows."""
    for table, opener in {
        "application": _application, "agreement": _agreement, "invoice": _invoice, "membership": _membership,
        "organisation": _organisation, "person": _person, "outbox": _outbox,
        "renewal_offer": _renewal, "late_money": _late,
    }.items():  # fmt: skip
        audit_office.opens(table, opener)
