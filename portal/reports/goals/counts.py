"""What is counted beside money: organisations in force, certified people, partner universities, first answers, payers, months of cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.accounts.organisations import Contact, Organisation
from portal.billing import months
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Allocation, JournalEntry, JournalLine, Receipt
from portal.certs.models.award import Award, AwardState, Suspension
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.money import Money
from portal.core.periods import nth
from portal.members.belonging import Membership
from portal.members.spans import Span, place
from portal.members.standing import Standing
from portal.reports import holders, known
from portal.reports.journal import CASH, FEN
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node
from portal.services.support import measuring, promise
from portal.services.support.promise import Asked

IN_FORCE = (Standing.ACTIVE, Standing.ACTIVE_UNPAID, Standing.AT_RISK, Standing.GRACE)
AT_RISK = (Standing.AT_RISK, Standing.GRACE)
UNIVERSITY = "university"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Counted:
    """A number with the rows it counts, named; `whole` is what it is a part of, if it is one."""

    code: str
    number: int
    rows: tuple[tuple[str, str], ...] = ()  # what a row is called, and where it opens (an organisation's uid)
    whole: int | None = None
    note: int = 0

    @property
    def share(self) -> Fraction | None:
        """The part of the whole; None where there is nothing to divide."""
        return Fraction(self.number, self.whole) if self.whole else None


def members(category: str = "") -> Select[Membership]:
    """Select the memberships of organisations in force today; `category` narrows them."""
    statement = select(Membership).join(Organisation, Organisation.id == Membership.org_id)
    statement = statement.where(Membership.standing.in_(IN_FORCE), Organisation.person_id.is_(None))
    return statement.where(Organisation.category == category) if category else statement


def certified(day: date) -> Select[int]:
    """Select the ids of people with a certificate that is valid when a day ends: granted, not run out, not on hold."""
    at = months.end_of(day)
    held = aliased(Suspension)
    on_hold = exists().where(
        held.award_id == Award.id, held.start <= at, or_(held.lifted_at.is_(None), held.lifted_at > at),
        or_(held.confirmed_at.is_not(None), held.confirm_by.is_(None), held.confirm_by > at),
    )  # fmt: skip
    return (
        select(Award.person_id)
        .where(
            Award.start <= day, Award.end > day, Award.created_at <= at,
            or_(Award.state != AwardState.REVOKED, and_(Award.revoked_at.is_not(None), Award.revoked_at > at)),
            ~on_hold,
        )
        .distinct()
    )  # fmt: skip


def organisations(day: date, *, category: str = "") -> Counted:
    """Count organisations in force when a day ends; of a day that is over, those whose term covered it."""
    code = "universities" if category else "organisations"
    if day >= clock.today():
        found = list(db.session.scalars(members(category).order_by(Membership.id)))
    else:
        covered = {
            one for one, spans in holders.holders(known=months.end_of(day)).items() if _there(spans, day)
        }
        kind = select(Membership).join(Organisation, Organisation.id == Membership.org_id)
        kind = kind.where(Organisation.person_id.is_(None))
        kind = kind.where(Organisation.category == category) if category else kind
        found = [row for row in db.session.scalars(kind.order_by(Membership.id)) if row.id in covered]
    rows = tuple((row.org.name, row.org.uid) for row in found)
    return Counted(code, len(rows), rows, note=sum(row.founding for row in found))


def _there(spans: list[Span], day: date) -> bool:
    return place(spans, day, {}) is not None


def tiers_at_risk() -> list[tuple[str, int]]:
    """Return the memberships at risk or in grace today, by tier."""
    rows = db.session.execute(
        select(Membership.tier, func.count())
        .where(Membership.standing.in_(AT_RISK))
        .group_by(Membership.tier)
        .order_by(Membership.tier)
    )
    return [(tier, int(number)) for tier, number in rows]


def at_risk() -> Counted:
    """Count memberships at risk or in grace today; its rows are tiers."""
    return Counted("at_risk", sum(number for _tier, number in tiers_at_risk()))


def people(day: date) -> Counted:
    """Count people with a valid certificate when a day ends; its rows are levels, never names."""
    valid = certified(day).subquery()
    number = db.session.scalar(select(func.count()).select_from(valid)) or 0
    return Counted("certified", int(number))


def levels(day: date) -> list[tuple[str, int]]:
    """Return the people of `people` by the highest level that is valid; they sum to it."""
    order = list(catalogue.entries("level"))
    ids = certified(day).subquery()
    rows = db.session.execute(
        select(Award.person_id, Award.level).where(
            Award.person_id.in_(select(ids.c.person_id)), Award.start <= day, Award.end > day, Award.state != AwardState.REVOKED
        ).order_by(Award.person_id, Award.id)
    )  # fmt: skip
    best: dict[int, str] = {}
    for person, level in rows:
        held = best.get(person)
        if held is None or (level in order and (held not in order or order.index(level) > order.index(held))):
            best[person] = level
    found = {
        code: sum(one == code for one in best.values())
        for code in [*order, *sorted(set(best.values()) - set(order))]
    }
    return [(code, number) for code, number in found.items() if number]


def first_answers(start: date, end: date, day: date) -> Counted:
    """Count questions of `[start, end)` that a human answered within 24 hours, of those that count, as known when a day ends."""
    at = min(months.end_of(day), clock.now())
    found = measuring.report(clock.start_of(start), clock.start_of(end), at=at).whole
    return Counted("first_answers", found.good, whole=found.total)


def answers_by_month(start: date, end: date, day: date) -> list[tuple[date, int, int]]:
    """Return the first answers of `first_answers` by the month in which the question came: in time, of how many that count."""
    at = min(months.end_of(day), clock.now())
    rows: dict[date, list[Asked]] = {}
    for one in measuring.rows(clock.start_of(start), clock.start_of(end), at=at):
        rows.setdefault(months.first_of(clock.day_of(one.asked.received)), []).append(one.asked)
    found = [(month, promise.measure(asked, at)) for month, asked in sorted(rows.items())]
    return [(month, one.good, one.total) for month, one in found if one.total]


def conversion(day: date) -> Counted:
    """Count organisations that paid within the months of the catalogue, of those with a registered user or node."""
    since = nth(day + DAY, 1, -int(known.policy("figures.conversion_months", day)))
    paid = (
        select(Party.org_id)
        .join(Invoice, Invoice.party_id == Party.id)
        .join(Allocation, Allocation.invoice_id == Invoice.id)
        .join(Receipt, Receipt.id == Allocation.receipt_id)
        .where(Receipt.received_on >= since, Receipt.received_on <= day, Allocation.amount > Money(0))
    )
    until = months.end_of(day)
    user = exists().where(
        Contact.org_id == Organisation.id, Contact.start <= day, or_(Contact.ended_at.is_(None), Contact.ended_at > until)
    )  # fmt: skip
    node = exists().where(
        Node.licence_id == Licence.id, Licence.org_id == Organisation.id, Node.activated_at <= until
    )
    pays = Organisation.id.in_(paid)
    there = Organisation.merged_into_id.is_(None), Organisation.person_id.is_(None), or_(user, node, pays)
    whole = db.session.scalar(select(func.count()).select_from(Organisation).where(*there)) or 0
    found = db.session.scalars(select(Organisation).where(*there, pays).order_by(Organisation.id)).all()
    return Counted("conversion", len(found), tuple((row.name, row.uid) for row in found), whole=int(whole))


@dataclass(frozen=True, slots=True)
class Cover:
    """How long the bank lasts: its balance, what months cost on average, and where the costs come from."""

    cash: int
    costs: tuple[tuple[date, int], ...] = field(default=())
    stated: bool = False

    @property
    def months(self) -> Fraction | None:
        """Balance over the average cost of a month; None without costs."""
        total = sum(cost for _month, cost in self.costs)
        return Fraction(self.cash * len(self.costs), total) if total > 0 else None


def cover(day: date) -> Cover:
    """Return how many months of cost the bank's balance covers: by the costs that finance stated, else by the books."""
    until = months.end_of(day)
    cash = db.session.scalar(
        select(func.coalesce(func.sum(FEN), 0))
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(JournalLine.account.in_(CASH), JournalEntry.known_at <= until, JournalEntry.posted_on <= day)
    )
    count, first = int(known.policy("figures.cost_months", day)), months.first_of(day)
    over = [nth(first, 1, -n) for n in range(count, 0, -1)]
    rows = catalogue.entries("cost", on=day)
    stated = {month: int(rows[f"{month:%Y-%m}"]["amount"]) for month in over if f"{month:%Y-%m}" in rows}
    if len(stated) == count:
        return Cover(int(cash or 0), tuple(stated.items()), stated=True)
    return Cover(int(cash or 0), tuple(_booked(over, until).items()))


def _booked(over: list[date], until: object) -> dict[date, int]:
    kinds = catalogue.entries("account")
    expenses = [code for code, body in kinds.items() if body.get("kind") == "expense" and code != "6603"]
    found = dict.fromkeys(over, 0)
    rows = db.session.execute(
        select(JournalEntry.posted_on, func.sum(FEN))
        .select_from(JournalLine)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(
            JournalLine.account.in_(expenses), JournalEntry.known_at <= until,
            JournalEntry.posted_on.between(over[0], months.last_of(over[-1])),
        )
        .group_by(JournalEntry.posted_on)
        .order_by(JournalEntry.posted_on)
    )  # fmt: skip
    for day, amount in rows:
        found[months.first_of(day)] += int(amount)
    return found
