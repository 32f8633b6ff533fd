"""What lines have earned by their plans less what was booked of them, worked out by the database: only lines that owe come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from portal.billing.book_models import Segment
from portal.billing.models import Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.plans import DAY
from portal.core.db import db
from portal.reports.dates import days
from portal.reports.facts import Planned
from portal.reports.journal import FEN, INCOME
from portal.reports.stored.reading import Kept

AT_ONCE = 10_000
FAR = date(9999, 1, 1)  # a day behind every plan, from which days can still be counted
AMOUNT = type_coerce(Segment.amount, BigInteger)


def earned_by(day: date, at: datetime) -> ColumnElement[int]:
    """Return the fen that a part of a plan has earned when a day has ended, its cut as known at an instant: `Planned.earned_by`."""
    one = Segment
    stop = case((and_(one.cut_known_at <= at, one.cut_on <= day), one.cut_on), else_=literal(day + DAY))
    length = type_coerce(days(one.ends, one.starts), BigInteger)
    size = (2 * func.abs(AMOUNT, type_=BigInteger) * days(stop, one.starts) + length) // (2 * length)
    part = case((AMOUNT < 0, -size), else_=size)
    return case((stop <= one.starts, 0), (stop >= one.ends, AMOUNT), else_=part)


class Owing(NamedTuple):
    """A line that has earned other than was booked: by how many fen, and the fen it earned since a month began."""

    line: int
    stream: str
    party: int
    missing: int
    within: int


def lines(until: datetime, base: Kept | None, month: date, day: date) -> Iterator[Owing]:
    """Yield the lines whose plans known at an instant earned by a day other than was booked of service up to `month`.

    After a stored month at whose end nothing was owed only what moved since is read. A line without any plan owes nothing.
    """
    owed = _by_line(until, base, month, day)
    plan = select(Segment.id).where(Segment.order_line_id == owed.c.line, Segment.known_at <= until).exists()
    statement = (
        select(owed.c.line, OrderLine.stream, Order.party_id, owed.c.missing, owed.c.within)
        .join(OrderLine, OrderLine.id == owed.c.line)
        .join(Order, Order.id == OrderLine.order_id)
        .where(plan)
        .order_by(owed.c.line)
    )
    for line, stream, party, missing, within in db.session.execute(statement):
        yield Owing(line, stream, party, int(missing), int(within))


def settled(month: date, last: date, at: datetime) -> bool:
    """Whether at an instant every line had booked, of service up to a month, just what it had earned by a day."""
    owed = _by_line(at, None, month, last)
    return db.session.scalar(select(owed.c.line).limit(1)) is None


def _by_line(until: datetime, base: Kept | None, month: date, day: date) -> FromClause:
    """Return the lines with their fen earned and not booked, and earned since the month began, where the first is not 0."""
    both = union_all(_earned(until, base, month, day), _booked(until, base, month)).subquery()
    missing = func.sum(both.c.missing)
    return (
        select(both.c.line, missing.label("missing"), func.sum(both.c.within).label("within"))
        .group_by(both.c.line)
        .having(missing != 0)
        .subquery()
    )


def _earned(until: datetime, base: Kept | None, month: date, day: date) -> Select[*tuple[Any, ...]]:
    one, now = Segment, earned_by(day, until)
    within = now - earned_by(month - DAY, until)
    if base is None:
        return select(one.order_line_id.label("line"), now.label("missing"), within.label("within")).where(
            one.known_at <= until
        )
    before = case((one.known_at <= base.at, earned_by(base.last, base.at)), else_=0)
    next_day = base.last + DAY
    going = and_(one.ends > next_day, or_(one.cut_on.is_(None), one.cut_on > next_day))
    return select(
        one.order_line_id.label("line"), (now - before).label("missing"), within.label("within")
    ).where(one.known_at <= until, or_(going, one.known_at > base.at, one.cut_known_at > base.at))


def _booked(until: datetime, base: Kept | None, month: date) -> Select[*tuple[Any, ...]]:
    """Return the income of lines known after a stored month's end, of service up to another month; as it is in the books, negative."""
    line, entry = JournalLine.order_line_id, JournalEntry
    statement = (
        select(line.label("line"), func.sum(FEN).label("missing"), literal(0).label("within"))
        .join(entry, entry.id == JournalLine.entry_id)
        .where(INCOME, line.is_not(None), entry.known_at <= until, entry.service_month <= month)
    )
    if base is not None:
        statement = statement.where(entry.known_at > base.at)
    return statement.group_by(line)


def ahead(until: datetime, end: date, border: date) -> dict[int, tuple[int, int]]:
    """Return by line what plans known at an instant earn after a day: up to another one, and after that.

    A part that was over by the first day earns nothing more, and is not read.
    """
    one, now, then = Segment, earned_by(end, until), earned_by(border, until)
    soon, later = func.sum(then - now), func.sum(earned_by(FAR, until) - then)
    statement = (
        select(one.order_line_id, soon, later)
        .where(one.known_at <= until, one.ends > end + DAY)
        .group_by(one.order_line_id)
    )
    return {line: (int(first), int(rest)) for line, first, rest in db.session.execute(statement)}


def plans(some: Sequence[int], until: datetime) -> dict[int, list[Planned]]:
    """Return the whole plans of some lines as known at an instant."""
    one, found = Segment, defaultdict[int, list[Planned]](list)
    columns = one.order_line_id, one.starts, one.ends, AMOUNT, one.cut_on, one.cut_known_at
    for at in range(0, len(some), AT_ONCE):
        statement = select(*columns).where(one.order_line_id.in_(some[at : at + AT_ONCE]))
        for line, starts, ends, amount, cut, known in db.session.execute(
            statement.where(one.known_at <= until).order_by(one.order_line_id, one.id)
        ):
            seen = cut if known is not None and known <= until else None
            found[line].append(Planned(starts, ends, amount, seen))
    return dict(found)
