"""Which daily lines run, read from what was agreed, its plan and the notes that ended it, as known at the end of a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import BigInteger, select, type_coerce

from portal.billing import months
from portal.billing.book_models import Segment
from portal.billing.models import Order, OrderLine
from portal.billing.note_models import CreditNote, CreditNoteLine, NoteState
from portal.billing.plans import DAY
from portal.core.db import db
from portal.core.money import Money
from portal.reports.income import payers
from portal.reports.known import policy
from portal.reports.once import once
from portal.reports.recurring.arr import Run


@dataclass(frozen=True, slots=True)
class Planned:
    """A segment of a line's plan; `lower` ones came with a price cut."""

    starts: date
    ends: date
    amount: int
    cut_on: date | None
    lower: bool


def streams(on: date) -> list[str]:
    """Return the streams whose daily lines come back every year, as the catalogue says on a day."""
    return [str(code) for code in policy("recurring.streams", on)]


def runs(known: date) -> list[Run]:
    """Return the lines agreed by a day, each with the days it runs and what it is worth; merged entries are one customer."""
    return once(("runs", known), lambda: _read(known))


def _read(known: date) -> list[Run]:
    plans, ended, same = _plans(known), _ended(known), payers.same(known)
    one = OrderLine
    statement = (
        select(one.id, Order.party_id, one.stream, one.period_start, one.period_end, type_coerce(one.net, BigInteger))
        .join(Order, Order.id == one.order_id)
        .where(
            one.recognition == "daily", one.stream.in_(streams(known)), one.agreed_on <= known, one.net >= Money(0),
        )
        .order_by(one.id)
    )  # fmt: skip
    found: list[Run] = []
    for line, party, stream, start, end, net in db.session.execute(statement):
        plan = plans.get(line, ())
        start, end = start or _first(plan), end or _end(plan)
        if start is not None and end is not None and start < end:
            whole = Run(same.get(party, party), line, stream, start, end, int(net))
            found += follow(whole, plan, ended.get(line))
    return found


def _first(plan: Sequence[Planned]) -> date | None:
    """Return the first day of a plan: imported books say the term of a line by its plan alone."""
    return min((part.starts for part in plan if not part.lower), default=None)


def _end(plan: Sequence[Planned]) -> date | None:
    return max((part.ends for part in plan if not part.lower), default=None)


def _plans(known: date) -> dict[int, list[Planned]]:
    until, one = months.end_of(known), Segment
    statement = (
        select(one.order_line_id, one.starts, one.ends, type_coerce(one.amount, BigInteger), one.cut_on, one.cut_known_at, one.key)
        .join(OrderLine, OrderLine.id == one.order_line_id)
        .where(
            one.known_at <= until, OrderLine.recognition == "daily", OrderLine.stream.in_(streams(known)),
            ~one.key.startswith("back:", autoescape=True),
        )
        .order_by(one.id)
    )  # fmt: skip
    found: dict[int, list[Planned]] = defaultdict(list)
    for line, starts, ends, amount, cut, cut_known, key in db.session.execute(statement):
        seen = cut if cut_known is not None and cut_known <= until else None
        found[line].append(Planned(starts, ends, int(amount), seen, key.startswith("lower:")))
    return found


def _ended(known: date) -> dict[int, date]:
    """Return the last day of the lines that a credit note ended."""
    statement = (
        select(CreditNoteLine.order_line_id, CreditNote.last_day)
        .join(CreditNote, CreditNote.id == CreditNoteLine.note_id)
        .where(
            CreditNote.state == NoteState.ISSUED,
            CreditNote.issued_on <= known,
            CreditNote.last_day.is_not(None),
            CreditNoteLine.net > Money(0),
        )
        .order_by(CreditNoteLine.id)
    )
    found: dict[int, date] = {}
    for line, last in db.session.execute(statement):
        if last is not None:
            found[line] = min(last, found.get(line, last))
    return found


def follow(whole: Run, plan: Sequence[Planned], last: date | None) -> list[Run]:
    """Return how a line ran: as agreed, at a lower price from a cut on, or up to its last day."""
    cheaper = sorted({part.starts for part in plan if part.lower})
    if plan and all(part.cut_on is not None for part in plan):
        cut = max(part.cut_on or part.ends for part in plan) - DAY
        last = cut if last is None else min(last, cut)
    found = [whole]
    for start in cheaper:
        amount = sum(part.amount for part in plan if part.lower and part.starts == start)
        found[-1] = replace(found[-1], last=start - DAY)
        found.append(replace(whole, start=start, net=amount))
    if last is not None:
        found = [replace(one, last=min(last, one.last or last)) for one in found]
    return [one for one in found if one.last is None or one.last >= one.start]
