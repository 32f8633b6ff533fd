"""Reads the screen of today in a handful of statements; every number is that of the page it opens."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, case, func, select, type_coerce

from portal.accounts.organisations import Organisation
from portal.billing import months
from portal.billing.book_models import Segment
from portal.billing.models import Invoice, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core.db import db
from portal.members.belonging import Membership
from portal.reports.facts import Facts, Planned
from portal.reports.goals import counts
from portal.reports.journal import FEN, INCOME, RECEIVABLE
from portal.reports.journal import Standing as Booked
from portal.reports.late import late

DAILY = OrderLine.recognition == "daily"


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
    certified = db.session.scalar(select(func.count()).select_from(counts.certified(day).subquery())) or 0
    owed, overdue = _owed(day)
    return Today(day, income(day), members, int(certified), at_risk, owed, overdue)


def income(day: date) -> dict[str, int]:
    """Return what was recognised in the year to a day by stream: what is booked, and the days no entry says yet."""
    until, start, end = months.end_of(day), day.replace(month=1, day=1), months.last_of(day)
    found: dict[str, int] = defaultdict(int)
    booked = (
        select(OrderLine.stream, -func.sum(FEN))
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .where(INCOME, JournalEntry.known_at <= until, JournalEntry.posted_on.between(start, end))
        .group_by(OrderLine.stream)
        .order_by(OrderLine.stream)
    )
    for stream, amount in db.session.execute(booked):
        found[stream] += int(amount)
    facts, streams = _unbooked(day, start, end)
    for part in late(facts):
        if start <= part.month <= end:
            found[streams[part.line_id]] += part.amount
    return dict(found)


def _unbooked(day: date, start: date, end: date) -> tuple[Facts, dict[int, str]]:
    """Return the plans of daily lines and what of them is booked: all others are booked with their fact."""
    until = months.end_of(day)
    facts, streams = Facts(day, start, end, until), {}
    one = Segment
    plans = (
        select(one.order_line_id, OrderLine.stream, one.starts, one.ends, type_coerce(one.amount, BigInteger), one.cut_on, one.cut_known_at)
        .join(OrderLine, OrderLine.id == one.order_line_id)
        .where(one.known_at <= until, DAILY)
        .order_by(one.id)
    )  # fmt: skip
    for line, stream, starts, ends, amount, cut, cut_known in db.session.execute(plans):
        seen = cut if cut_known is not None and cut_known <= until else None
        facts.plans[line].append(Planned(starts, ends, int(amount), seen))
        streams[line] = stream
    served = (
        select(JournalLine.order_line_id, -func.sum(FEN))
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(OrderLine, OrderLine.id == JournalLine.order_line_id)
        .where(
            INCOME, DAILY, JournalEntry.known_at <= until, JournalEntry.service_month <= months.first_of(day)
        )
        .group_by(JournalLine.order_line_id)
        .order_by(JournalLine.order_line_id)
    )
    for number, amount in db.session.execute(served):
        if number is not None:
            facts.lines[number] = Booked(served=int(amount))
    return facts, streams


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


def _owed(day: date) -> tuple[int, int]:
    """Return what is owed of invoices as the books carry it, and what of it is overdue."""
    late_ = func.coalesce(func.sum(case((Invoice.due_on < day, FEN), else_=0)), 0)
    owed, overdue = db.session.execute(
        select(func.coalesce(func.sum(FEN), 0), late_)
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .join(Invoice, Invoice.id == JournalLine.invoice_id)
        .where(
            JournalLine.account.in_(RECEIVABLE), JournalEntry.known_at <= months.end_of(day),
            JournalEntry.posted_on <= months.last_of(day),
        )
    ).one()  # fmt: skip
    return int(owed), int(overdue)
