"""What a change of a subscription would do, computed from what runs: lines, days and the inputs' fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import earning, recognition
from portal.billing.catalogue import Price, pinned
from portal.billing.models import OrderLine
from portal.billing.note_figures import tax_to_date
from portal.billing.plans import earned_by
from portal.billing.price_models import PriceVersion
from portal.billing.pricing import Taxed
from portal.billing.proration import charge, credit
from portal.billing.quote_models import LineRole, Quote, QuoteLine, QuoteState
from portal.billing.subscribing import last_n, period_on
from portal.billing.subscription_models import Subscription, SubscriptionPeriod, SubscriptionState
from portal.core import periods
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Refused

When = Literal["now", "next"]
NEW = (LineRole.CHARGE, LineRole.RESTORE)


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of a quote before it is written."""

    role: LineRole
    figures: Taxed
    price: Price
    quantity: int
    old: OrderLine | None
    starts: date
    ends: date

    @property
    def words(self) -> dict[str, str]:
        """Return what the line says, with its days, in both languages."""
        return _said(self.role, self.price.words, self.starts, self.ends)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change would do: when, which lines, and everything it was computed from."""

    when: When
    day: date
    period: SubscriptionPeriod
    lines: tuple[Planned, ...]
    inputs: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Return the hash of the inputs."""
        text = json.dumps(self.inputs, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def accepted(row: Subscription) -> list[QuoteLine]:
    """Return the lines of all accepted changes of a subscription, newest first."""
    return list(
        db.session.scalars(
            select(QuoteLine)
            .join(Quote)
            .where(Quote.subscription_id == row.id, Quote.state == QuoteState.ACCEPTED)
            .order_by(Quote.accepted_at.desc(), Quote.id.desc(), QuoteLine.n.desc())
        )
    )


@dataclass(frozen=True, slots=True)
class Running:
    """The line that runs in a period now, with its price, and the change of the same day if there was one."""

    line: OrderLine
    price: PriceVersion
    quantity: int
    made: QuoteLine | None


def running(period: SubscriptionPeriod, lines: list[QuoteLine]) -> Running:
    """Return what runs in a period: the line of the newest accepted change, else the period's own."""
    for one in lines:
        new = one.new_line
        if new is not None and new.period_start is not None and period.start <= new.period_start < period.end:
            return Running(new, one.price, one.quantity, one)
    return Running(period.line, period.price, period.quantity, None)


def _said(role: LineRole, words: dict[str, str], day: date, end: date) -> dict[str, str]:
    last = end - timedelta(days=1)
    span = f"{day} – {last}"
    lead = {
        LineRole.CREDIT: ("Not used", "未使用部分"), LineRole.UNDO: ("Taken back", "撤回"),
        LineRole.RESTORE: ("As before", "恢复原方案"), LineRole.CHARGE: ("", ""), LineRole.ITEM: ("", ""),
    }[role]  # fmt: skip
    en, zh = words["en"], words["zh"]
    return {
        "en": f"{lead[0]}: {en} {span}" if lead[0] else f"{en} {span}",
        "zh": f"{lead[1]}：{zh} {span}" if lead[1] else f"{zh} {span}",
    }


def _lines(
    period: SubscriptionPeriod, day: date, price: Price, quantity: int, done: list[QuoteLine]
) -> list[Planned]:
    """Return what is taken back and what is charged in one period, from `day` on."""
    start, end = max(day, period.start), period.end
    now = running(period, done)
    old = pinned(now.price.id, on=start)
    full = price.listed(quantity).minor
    fresh = charge(full, period.start, end, start, price.tax.bp, inclusive=price.inclusive)
    new = Planned(LineRole.CHARGE, fresh, price, quantity, None, start, end)
    if now.made is None or now.line.period_start != start:
        gone = left_of(now.line, start)
        return [Planned(LineRole.CREDIT, gone, old, now.quantity, now.line, start, end), new]
    # The second change of a day takes the first one back with its own figures.
    undo = Planned(LineRole.UNDO, _opposite(now.made), old, now.quantity, now.line, start, end)
    first = next(
        one for one in done if one.role is LineRole.CREDIT and (one.starts, one.ends) == (start, end)
    )
    if (first.price_id, first.quantity) == (price.id, quantity):
        return [undo, Planned(LineRole.RESTORE, _opposite(first), price, quantity, None, start, end)]
    return [undo, new]


def left_of(line: OrderLine, day: date) -> Taxed:
    """Return what is left on the morning of a day of what was charged for a line, as negative figures."""
    there = recognition.charges(line)
    if not there or line.period_start is None or line.period_end is None:
        return Taxed(0, 0, 0)
    of = there[-1]
    (net, tax), (gone, gone_tax) = recognition.charged(of), recognition.taken_back(of)
    if not gone:
        return credit(net, tax, line.period_start, line.period_end, day)
    # A note took part of it back before: what is left is what the plan has not earned by then.
    left = min(net - gone, max(0, net - gone - earned_by(earning.parts_of(of), day - timedelta(days=1))))
    back = tax_to_date(tax, net, gone + left) - gone_tax
    return -Taxed(left, back, left + back)


def _opposite(line: QuoteLine) -> Taxed:
    return -Taxed(line.net.minor, line.tax.minor, line.gross.minor)


def plan(row: Subscription, price: Price, quantity: int, day: date, when: When | None = None) -> Plan:
    """Compute what a change from `day` on would be; `Refused` if there is nothing to change or no period runs."""
    period = period_on(row, day)
    if row.state is not SubscriptionState.ACTIVE or period is None:
        raise Refused(_l("No period of this subscription runs on that day."))
    if price.currency != row.price.currency:
        raise Refused(_l("The new price is in another currency: end this one and begin anew."))
    if price.months != row.months:
        raise Refused(_l("The new price is for another length of time: end this one and begin anew."))
    done = accepted(row)
    now = running(period, done)
    if (now.price.id, now.quantity) == (price.id, quantity) and row.next_price_id is None:
        raise Refused(_l("Nothing would change."))
    try:
        new, old = price.listed(quantity), pinned(now.price.id, on=day).listed(now.quantity)
    except ValueError:
        raise Refused(
            _l("This quantity cannot be sold at this price."), field="quantity", status=422
        ) from None
    again = now.made is not None and now.line.period_start == day
    chosen: When = when or ("now" if again or new > old else "next")
    if chosen == "now" and price.currency != LEDGER_CURRENCY:
        raise Refused(_l("A subscription in another currency changes with its next period."))
    later = [one for one in row.periods if one.end > day] if chosen == "now" else []
    lines = tuple(line for one in later for line in _lines(one, day, price, quantity, done))
    effective = day if chosen == "now" else periods.nth(row.anchor, row.months, last_n(row) + 1)
    inputs = {
        "subscription": row.uid, "price": price.id, "quantity": quantity, "when": chosen, "day": str(effective),
        "full": new.minor, "bp": price.tax.bp, "runs": [now.line.id, now.price.id, now.quantity],
        "next": [row.next_price_id, row.next_quantity], "state": row.state.value,
        "lines": [
            [line.role.value, line.figures.net, line.figures.tax, line.old.id if line.old else None] for line in lines
        ],
    }  # fmt: skip
    return Plan(chosen, effective, period, lines, inputs)
