"""Reads the screen of today in a handful of statements; every number is that of the page it opens."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select

from portal.accounts.organisations import Organisation
from portal.billing import months
from portal.billing.models import Invoice
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.members.belonging import Membership
from portal.reports.facts import gather
from portal.reports.goals import counts
from portal.reports.income import moves
from portal.reports.journal import FEN, RECEIVABLE
from portal.reports.late import late


@dataclass(frozen=True, slots=True)
class Today:
    """What the screen shows: fen by stream for the year to date, counts, and what is owed."""

    day: date
    income: dict[str, int]
    members: int
    certified: int
    at_risk: int
    owed: int
    overdue: int


def look(day: date) -> Today:
    """Return the screen as of today, `day`."""
    members, at_risk = _members()
    certified, owed, overdue = _owed(day)
    return Today(day, income(day), members, certified, at_risk, owed, overdue)


def income(day: date) -> dict[str, int]:
    """Return what was recognised in the year to a day by stream: what is booked, and the days no entry says yet."""
    until, start, end = months.end_of(day), day.replace(month=1, day=1), months.last_of(day)
    found: dict[str, int] = defaultdict(int)
    for piece in moves.pieces("recognised", until, start, end):
        found[piece.stream] += piece.amount
    for part in late(gather(day, start, end)):
        if start <= part.month <= end:
            found[part.stream] += part.amount
    return dict(found)


def _members() -> tuple[int, int]:
    """Return the organisations in force, and the memberships at risk or in grace."""
    of_org = Organisation.person_id.is_(None)
    rows = db.session.execute(
        select(Membership.standing, func.count(), func.sum(case((of_org, 1), else_=0)))
        .join(Organisation, Organisation.id == Membership.org_id)
        .where(Membership.standing.in_(counts.IN_FORCE))
        .group_by(Membership.standing)
        .order_by(Membership.standing)
    ).all()
    members = sum(int(orgs) for _standing, _all, orgs in rows)
    return members, sum(int(number) for standing, number, _orgs in rows if standing in counts.AT_RISK)


def _owed(day: date) -> tuple[int, int, int]:
    """Return the certified people; what is owed of invoices as the books carry it, and what of it is overdue."""
    late_ = func.coalesce(func.sum(case((Invoice.due_on < day, FEN), else_=0)), 0)
    people = select(func.count()).select_from(counts.certified(day).subquery()).scalar_subquery()
    certified, owed, overdue = db.session.execute(
        select(people, func.coalesce(func.sum(FEN), 0), late_)
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(Invoice, Invoice.id == JournalLine.invoice_id)
        .where(
            JournalLine.account.in_(RECEIVABLE), JournalEntry.known_at <= months.end_of(day),
            JournalEntry.posted_on <= months.last_of(day),
        )
    ).one()  # fmt: skip
    return int(certified), int(owed), int(overdue)
