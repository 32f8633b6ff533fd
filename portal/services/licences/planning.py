"""What more nodes would cost, computed from what runs: lines, days, and the hash of everything they rest on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import recognition
from portal.billing.catalogue import Price
from portal.billing.change_plan import left_of
from portal.billing.issuing import known_party, owed
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.pricing import Taxed
from portal.billing.proration import charge, credit
from portal.billing.quote_models import LineRole
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.services.licences import included, plans
from portal.services.licences.contracts import Contract, contracts
from portal.services.licences.models.deal import DealKind, DealState, LicenceQuote
from portal.services.licences.models.licence import Licence

NONE = Taxed(0, 0, 0)


class Way(StrEnum):
    """How a change comes about."""

    PAY_FIRST = "pay_first"  # one invoice now; the limit rises when it is settled
    COLLECTED = "collected"  # small: the limit rises at once, one invoice for all of them on the next month's first day
    AT_RENEWAL = "at_renewal"  # fewer nodes: with the next year
    BUY = "buy"  # no contract runs: `buying.cost` and `buying.order`


@dataclass(frozen=True, slots=True)
class Planned:
    """One line before it is written: what is given back of a line that runs, or what the new number costs for the days left."""

    role: LineRole
    words: dict[str, str]
    figures: Taxed
    adds: int
    starts: date
    ends: date
    old: OrderLine | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an increase would be: how, from which day, which lines, from what."""

    way: Way
    effective: date
    contract: Contract
    old: int
    nodes: int
    paid: int
    lines: tuple[Planned, ...]
    inputs: dict[str, Any]

    @property
    def total(self) -> Taxed:
        """Return what is to be paid."""
        return sum((one.figures for one in self.lines), NONE)

    @property
    def fingerprint(self) -> str:
        """Return the hash of what it was computed from."""
        return hashed(self.inputs)


def _tax(price: Price) -> dict[str, Any]:
    return {"code": price.tax.code, "bp": price.tax.bp}


def hashed(inputs: dict[str, Any]) -> str:
    """Return the hash of inputs."""
    text = json.dumps(inputs, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def said(
    price: Price, nodes: int, starts: date | None = None, ends: date | None = None, *, back: bool = False
) -> dict[str, str]:
    """Return the words of a line in both languages, with its days where they are known."""
    days = f" {starts} – {ends - timedelta(days=1)}" if starts is not None and ends is not None else ""
    en, zh = f"{price.words['en']}, {nodes} nodes{days}", f"{price.words['zh']}，{nodes} 个节点{days}"
    return {"en": f"Not used: {en}", "zh": f"未使用部分：{zh}"} if back else {"en": en, "zh": zh}


def plan(row: Licence, nodes: int, *, on: date | None = None, way: Way | None = None) -> Plan:
    """Compute an increase to `nodes` in all; `Refused` if nothing would change or no contract runs.

    Small ones are from today and are collected; others from a day a week ahead, or from `on`.
    """
    today = clock.today()
    running = contracts(row.id, today)
    if not running or running[0].start > today:
        raise Refused(_l("No paid year of this licence runs now: please order one."))
    free = included.nodes_now(row)
    base = 0 if running[0].quote.share_bp else free
    old = base + running[0].paid
    if nodes == old:
        raise Refused(_l("Nothing would change."), field="nodes", status=422)
    if nodes < old:
        raise Refused(_l("Fewer nodes are possible with the next year."), field="nodes", status=422)
    if way in (None, Way.COLLECTED) and on in (None, today):
        small = _plan(row, running, nodes, nodes - base, old, today, Way.COLLECTED)
        if way is Way.COLLECTED or is_small(row, Money(small.total.gross)):
            return small
    day = on or today + timedelta(days=plans.rule("change_days"))
    if day < today:
        raise Refused(_l("A change cannot begin in the past."), field="on", status=422)
    if day >= running[-1].end:
        raise Refused(_l("The year ends before that day: please choose the number for the next one."))
    return _plan(row, running, nodes, nodes - base, old, day, Way.PAY_FIRST)


def _plan(
    row: Licence, running: list[Contract], nodes: int, paid: int, old: int, day: date, way: Way
) -> Plan:
    lines: list[Planned] = []
    for one in running:
        if one.end > day and paid > one.paid:
            found = lines_of(one, paid, max(day, one.start))
            lines += _split(found, one) if way is Way.COLLECTED else found
    if not lines:
        raise Refused(_l("Nothing would change."), field="nodes", status=422)
    answer = included.answer_for(row.org)
    inputs = {
        "licence": row.uid, "nodes": nodes, "paid": paid, "way": way.value, "day": str(day), "state": row.state.value,
        "standing": answer.value, "included": nodes - paid, "tax": _tax(running[0].price()),
        "contracts": [[one.quote.uid, one.paid, one.price().tax.bp, [line.id for line in one.lines]] for one in running],
        "lines": [[one.role.value, one.figures.net, one.figures.tax, one.adds] for one in lines],
    }  # fmt: skip
    return Plan(way, day, running[0], old, nodes, paid, tuple(lines), inputs)


def lines_of(of: Contract, paid: int, day: date) -> list[Planned]:
    """Return what a contract's lines still hold on the morning of a day, and what the new number costs from then on."""
    price = of.price()
    fresh = charge(of.full(paid), of.start, of.end, day, price.tax.bp, inclusive=price.inclusive)
    found = [
        Planned(LineRole.CREDIT, said(price, _nodes(of, line), day, of.end, back=True), left(line, day), 0, day, of.end, line)
        for line in of.lines
    ]  # fmt: skip
    words = said(price, of.below + paid, day, of.end)
    return [*found, Planned(LineRole.CHARGE, words, fresh, paid - of.paid, day, of.end)]


def _split(lines: list[Planned], of: Contract) -> list[Planned]:
    """Let lines that are collected as one sum be taxed as one: the charge takes the rest of net and tax."""
    *credits, fresh = lines
    total = sum((one.figures for one in lines), NONE)
    whole = of.price().tax.of(total.gross)
    back = sum((one.figures for one in credits), NONE)
    figures = Taxed(whole.net - back.net, whole.tax - back.tax, fresh.figures.gross)
    return [*credits, replace(fresh, figures=figures)]


def _nodes(of: Contract, line: OrderLine) -> int:
    """Return the nodes that a line stands for on paper: the first one also for those that came free."""
    return line.quantity + (of.below if line is of.lines[0] else 0)


def left(line: OrderLine, day: date) -> Taxed:
    """Return what is left of a line on the morning of a day, below zero: from what was invoiced, or will be."""
    if recognition.charges(line):
        return left_of(line, day)
    assert line.period_start is not None
    assert line.period_end is not None
    return credit(line.net.minor, line.tax.minor, line.period_start, line.period_end, day)


# ---- Small ones


def collected(row: Licence) -> list[LicenceQuote]:
    """Return the small increases of an organisation that are not paid yet, invoiced or not."""
    rows = db.session.scalars(
        select(LicenceQuote)
        .join(Licence, Licence.id == LicenceQuote.licence_id)
        .where(
            Licence.org_id == row.org_id, LicenceQuote.kind == DealKind.COLLECTED, LicenceQuote.state == DealState.DONE
        )
        .order_by(LicenceQuote.id)
    )  # fmt: skip
    return [one for one in rows if not _settled(one)]


def _settled(quote: LicenceQuote) -> bool:
    lines = {one.order_line for one in quote.lines if one.order_line is not None}
    bills = [bill for line in lines for one in recognition.invoice_lines(line) if (bill := one.invoice)]
    return bool(bills) and all(one.state is not InvoiceState.OPEN for one in bills)


def overdue(row: Licence) -> bool:
    """Whether an invoice of the organisation is past its day."""
    party = known_party(row.org)
    if party is None:
        return False
    late = select(Invoice).where(
        Invoice.party_id == party.id, Invoice.state == InvoiceState.OPEN, Invoice.due_on < clock.today()
    )
    return any(owed(one) for one in db.session.scalars(late.order_by(Invoice.id)))


def is_small(row: Licence, gross: Money) -> bool:
    """Whether an increase may be used at once and be collected: small, little is open, nothing is overdue."""
    if gross.minor > plans.rule("small_each") or overdue(row):
        return False
    waits = sum(one.gross.minor for one in collected(row))
    return waits + gross.minor <= plans.rule("small_open")
