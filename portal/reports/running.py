"""Lines that earn or were booked after a month at whose end nothing was owed: their plans, and what was booked since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, and_, func, or_, select, type_coerce

from portal.billing.book_models import Segment
from portal.billing.models import Order, OrderLine
from portal.billing.money_models import JournalEntry, JournalLine
from portal.billing.plans import DAY
from portal.core.db import db
from portal.reports.facts import Planned
from portal.reports.journal import FEN, INCOME
from portal.reports.stored.reading import Kept

AT_ONCE = 10_000


@dataclass(slots=True)
class Running:
    """One line since a month: its parts that still earn, what they had earned by then, and the fen booked since."""

    stream: str = ""
    party: int = 0
    parts: list[Planned] = field(default_factory=list)
    before: int = 0
    booked: int = 0

    def earned(self, day: date) -> int:
        """Return the fen earned since the month, by a day."""
        return sum(part.earned_by(day) for part in self.parts) - self.before

    def within(self, after: date, day: date) -> int:
        """Return the fen earned after one day up to another, both behind the month."""
        return sum(part.earned_by(day) - part.earned_by(after) for part in self.parts)


def since(until: datetime, base: Kept | None, month: date) -> dict[int, Running]:
    """Return by line what plans known at an instant earn after a stored month, and what was booked since of service up to `month`.

    Without a stored month it is what they ever earned, and all that was booked. A line whose plan was over and that nothing
    was booked of since is not among them: it owed nothing then and owes nothing now. A line without any plan never is.
    """
    found: dict[int, Running] = defaultdict(Running)
    for line, stream, party, starts, ends, amount, cut, cut_known, known in _parts(until, base):
        row = found[line]
        row.stream, row.party = stream, party
        row.parts.append(Planned(starts, ends, amount, _seen(cut, cut_known, until)))
        if base is not None and known <= base.at:
            row.before += Planned(starts, ends, amount, _seen(cut, cut_known, base.at)).earned_by(base.last)
    for line, amount, stream, party in _booked(until, base, month):
        found[line].booked = amount
        found[line].stream, found[line].party = stream, party
    return dict(sorted(found.items()))


def _seen(cut: date | None, known: datetime | None, at: datetime) -> date | None:
    return cut if known is not None and known <= at else None


def _parts(until: datetime, base: Kept | None) -> list[Any]:
    one = Segment
    statement = (
        select(
            one.order_line_id, OrderLine.stream, Order.party_id, one.starts, one.ends, type_coerce(one.amount, BigInteger),
            one.cut_on, one.cut_known_at, one.known_at,
        )
        .join(OrderLine, OrderLine.id == one.order_line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(one.known_at <= until)
        .order_by(one.id)
    )  # fmt: skip
    if base is not None:
        next_day = base.last + DAY
        uncut = or_(one.cut_on.is_(None), one.cut_on > next_day)
        going = and_(one.ends > next_day, uncut)
        statement = statement.where(or_(going, one.known_at > base.at, one.cut_known_at > base.at))
    return list(db.session.execute(statement))


def _booked(until: datetime, base: Kept | None, month: date) -> list[tuple[int, int, str, int]]:
    """Return the income of lines with a plan, known after a stored month's end, of service up to another month; stream and party."""
    key = JournalLine.order_line_id
    known = JournalEntry.known_at <= until
    if base is not None:
        known = and_(known, JournalEntry.known_at > base.at)
    sums = (
        select(key.label("line"), (-func.sum(FEN)).label("fen"))
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(INCOME, key.is_not(None), known, JournalEntry.service_month <= month)
        .group_by(key)
        .subquery()
    )
    plan = select(Segment.id).where(Segment.order_line_id == OrderLine.id, Segment.known_at <= until).exists()
    statement = (
        select(sums.c.line, sums.c.fen, OrderLine.stream, Order.party_id)
        .join(OrderLine, OrderLine.id == sums.c.line)
        .join(Order, Order.id == OrderLine.order_id)
        .where(plan)
        .order_by(sums.c.line)
    )
    return [(line, int(fen), stream, party) for line, fen, stream, party in db.session.execute(statement)]


def plans(lines: Sequence[int], until: datetime) -> dict[int, list[Planned]]:
    """Return the whole plans of some lines as known at an instant."""
    one, found = Segment, defaultdict[int, list[Planned]](list)
    columns = one.order_line_id, one.starts, one.ends, type_coerce(one.amount, BigInteger), one.cut_on, one.cut_known_at  # fmt: skip
    for at in range(0, len(lines), AT_ONCE):
        statement = select(*columns).where(one.order_line_id.in_(lines[at : at + AT_ONCE]))
        for line, starts, ends, amount, cut, cut_known in db.session.execute(
            statement.where(one.known_at <= until).order_by(one.order_line_id, one.id)
        ):
            found[line].append(Planned(starts, ends, amount, _seen(cut, cut_known, until)))
    return dict(found)
