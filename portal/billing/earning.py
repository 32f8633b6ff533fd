"""The facts of recognition that higher domains bring: delivered, accepted, used, rated, ended, made cheaper."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import ledger, months, plans, recognition
from portal.billing.book_models import Segment
from portal.billing.models import InvoiceLine, OrderLine
from portal.billing.note_models import Charged
from portal.billing.plans import DAY
from portal.billing.recognition import (
    CONTRIBUTION,
    DAILY,
    add,
    catch_up,
    charged,
    credited_net,
    invoice_lines,
    plan_of,
    post_fact,
)
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money, half_up

POINT, MILESTONE, UNITS, USAGE = "point", "milestone", "units", "usage"


def _only(line: OrderLine, *methods: str) -> None:
    if line.recognition not in methods:
        raise Refused(_l("This line is not earned in that way."), status=422)


def _keys(line: OrderLine, prefix: str) -> list[str]:
    named = Segment.key.startswith(f"{prefix}:{line.id}:", autoescape=True)
    return list(db.session.scalars(select(Segment.key).where(named)))


def worth(line: OrderLine) -> int:
    """Return the contract's net less what notes credited, in fen."""
    return line.net.minor - credited_net(*invoice_lines(line))


def _fact(line: OrderLine, key: str, on: date, earned_to_date: int) -> Segment | None:
    """Plan and book what a fact adds to what the line has earned so far; None if it adds nothing."""
    catch_up(line)
    amount = earned_to_date - sum(one.amount.minor for one in plan_of(line))
    if not amount:
        return None
    segment = add(line, key, on, on + DAY, amount)
    post_fact(line, segment)
    return segment


def deliver(line: OrderLine, *, on: date) -> None:
    """Say that a thing was delivered: all of it is earned that day. Said again it changes nothing."""
    _only(line, POINT)
    row = recognition.locked_line(line.id)
    if not _keys(row, POINT):
        _fact(row, f"{POINT}:{row.id}:done", on, worth(row))


def accept_milestone(line: OrderLine, accepted: int, *, on: date) -> None:
    """Say that `accepted` per cent of the contract are accepted in all; the difference is earned that day."""
    _only(line, MILESTONE)
    row = recognition.locked_line(line.id)
    before = max((int(key.split(":")[2]) for key in _keys(row, MILESTONE)), default=0)
    if accepted == before:
        return
    if not before < accepted <= 100:
        raise Refused(_l("What is accepted in all grows up to 100 %."), status=422)
    _fact(row, f"{MILESTONE}:{row.id}:{accepted}", on, half_up(worth(row) * accepted, 100))


def use_units(line: OrderLine, units: int, *, on: date, fact: str) -> None:
    """Say that units were used; `fact` names the use, so that telling it twice counts once."""
    _only(line, UNITS)
    row = recognition.locked_line(line.id)
    keys = _keys(row, UNITS)
    if any(key.split(":", 3)[3] == fact for key in keys):
        return
    used = max((int(key.split(":")[2]) for key in keys), default=0) + units
    if units < 1 or used > row.quantity:
        raise Refused(_l("No more units can be used than were bought."), status=422)
    _fact(row, f"{UNITS}:{row.id}:{used}:{fact}", on, half_up(worth(row) * used, row.quantity))


def revalue(line: OrderLine, *, fact: str) -> None:
    """Let what was delivered, accepted or used count anew after the contract's net moved: a part was taxed otherwise."""
    if line.recognition not in {POINT, MILESTONE, UNITS}:
        return
    row = recognition.locked_line(line.id)
    done = [key.split(":")[2] for key in _keys(row, row.recognition)]
    if not done:
        return
    most = max((int(part) for part in done if part.isdigit()), default=1)
    whole = {POINT: 1, MILESTONE: 100, UNITS: row.quantity}[row.recognition]
    key = f"{row.recognition}:{row.id}:{'done' if row.recognition == POINT else most}:{fact}"
    _fact(row, key, clock.today(), half_up(worth(row) * most, whole))


def rate_usage(line: OrderLine, base: int, bp: int, *, month: date, fact: str) -> int:
    """Earn our share of a month's turnover, `base` fen at `bp` basis points; return it. Twice the same fact counts once."""
    _only(line, USAGE)
    row = recognition.locked_line(line.id)
    key, share, last = f"{USAGE}:{row.id}:{fact}", half_up(base * bp, 10_000), months.last_of(month)
    if share and key not in _keys(row, USAGE):
        catch_up(row)
        post_fact(row, add(row, key, last, last + DAY, share))
    return share


def _cut(segment: Segment, day: date) -> None:
    """Let a segment earn up to the day before `day`; a cut only ever moves forward."""
    if segment.ends > day and (segment.cut_on is None or segment.cut_on > day):
        segment.cut_on, segment.cut_known_at = day, clock.now()


def parts_of(of: Charged) -> list[Segment]:
    """Return what a line of an invoice, or of a change's credit note, earns by time: its own segments."""
    line = of.order_line
    if isinstance(of, InvoiceLine):
        return [one for one in plan_of(line) if one.invoice_line_id == of.id]
    return plan_of(line) if line.recognition in {DAILY, CONTRIBUTION} else []


def _take_back(of: Charged, key: str, day: date, excess: int) -> None:
    """Take off the plan, on the note's own day, what is earned beyond what is still charged.

    A line that earns by facts has no segments of its own: what the journal took out of income (`excess`) comes off.
    """
    db.session.flush()
    mine = parts_of(of)
    amount = charged(of)[0] - credited_net(of) - plans.total(mine) if mine else -excess
    if amount:
        by = of if mine and isinstance(of, InvoiceLine) else None
        add(of.order_line, f"back:{key}", day, day + DAY, amount, of=by)


def end_line(of: Charged, key: str, *, day: date, last_day: date, excess: int) -> None:
    """End what a line earns with `last_day`, by an issued note of `day`: the days before the note stay as earned."""
    for segment in parts_of(of):
        _cut(segment, max(day, last_day + DAY))
    _take_back(of, key, day, excess)


def lower_line(of: Charged, key: str, *, day: date, cut: int, excess: int) -> None:
    """Lower what an invoice line earns by `cut` from `day` on: what stays deferred less the cut, over the days left."""
    mine = parts_of(of)
    parts = plans.lower(mine, day, cut) if mine else ()
    for segment in mine:
        _cut(segment, max(day, segment.starts))
    for n, part in enumerate(parts):
        by = of if isinstance(of, InvoiceLine) else None
        add(of.order_line, f"lower:{key}:{n}", part.starts, part.ends, part.amount.minor, of=by)
    _take_back(of, key, day, excess)


def cancel_line(of: Charged, key: str, *, day: date, excess: int) -> None:
    """Let an invoice line earn nothing any more and take back what it has earned, on the day of its note."""
    for segment in parts_of(of):
        _cut(segment, max(day, segment.starts))
    _take_back(of, key, day, excess)


def drop_line(of: InvoiceLine) -> None:
    """Let an invoice line that never earned anything earn nothing: its invoice is void."""
    for segment in parts_of(of):
        _cut(segment, segment.starts)
    db.session.flush()


def replace_line(line: OrderLine, key: str, *, day: date, since: date | None = None) -> None:
    """End a line that a change of `day` replaces from `since` on: what was taken back is earned no more."""
    for of in recognition.charges(line):
        for segment in parts_of(of):
            _cut(segment, max(day, since or day, segment.starts))
        if parts_of(of):
            _take_back(of, f"{key}:{line.id}", day, 0)


def remaining(of: Charged, last_day: date) -> Money:
    """Return the net of a line that a termination after `last_day` credits."""
    left = charged(of)[0] - credited_net(of)
    mine = parts_of(of)
    if mine:
        return Money(max(0, left - plans.earned_by(mine, last_day)))
    if of.order_line.agreed_on is None:
        return Money(left)
    unearned = -ledger.of_line(of.order_line, ledger.DEFERRED)
    return Money(max(0, min(left, unearned)))
