"""Changing the number of nodes: what it would cost and from when, the binding quote, its acceptance, the next year's number.

`preview` only reads. `quote`, `accept`, `withdraw`, `ask_for_next`, `forget_next` are verbs (`access.may_buy`), inside
`with transaction():`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import dunning, issuing
from portal.billing.price_models import PriceVersion
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move
from portal.services.licences import (
    buying,
    contracts,
    deal_letters,
    documents,
    included,
    plans,
    renewing,
    taking,
    undoing,
)
from portal.services.licences.denial import Denied, Not
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import DealKind, DealState, LicenceQuote
from portal.services.licences.models.licence import Licence
from portal.services.licences.planning import Plan, Planned, Way, plan
from portal.services.licences.ranking import who_would_be_over as who_would_be_over

D, K = DealState, DealKind
NONE = Money(0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a change in words of both languages; what is given back is below zero."""

    words: dict[str, str]
    gross: Money
    net: Money
    tax: Money
    starts: date
    ends: date


@dataclass(frozen=True, slots=True)
class Change:
    """What a change to `nodes` in all would be: how, from which day, what it costs now, what the next year then costs.

    `pay_by` is the last day to pay (PAY_FIRST) or the day of the invoice (COLLECTED). `end` is the day after the year.
    """

    licence: Licence
    old: int
    nodes: int
    way: Way
    effective: date
    end: date
    pay_by: date | None
    lines: tuple[Line, ...]
    gross: Money
    net: Money
    tax: Money
    next_year: Money


def preview(licence: Licence, nodes: int, *, on: date | None = None) -> Change:
    """Return what a change to `nodes` in all costs and from when; nothing is written. `Refused` if nothing would change."""
    running = contracts.current(licence.id)
    next_year = buying.cost_of(plans.read(licence.sold), max(1, nodes), _has(licence)).gross
    old = now(licence)
    if running is None or running.start > clock.today():
        cost = buying.cost_of(plans.read(licence.sold), nodes, _has(licence))
        start, end = clock.today(), clock.today()
        return Change(
            licence, old, nodes, Way.BUY, start, end, None, (), cost.gross, cost.net, cost.tax, next_year
        )
    if nodes < old:
        end = contracts.contracts(licence.id, clock.today())[-1].end
        return Change(licence, old, nodes, Way.AT_RENEWAL, end, end, None, (), NONE, NONE, NONE, next_year)
    found = plan(licence, nodes, on=on)
    total = found.total
    lines = tuple(_line(one) for one in found.lines)
    return Change(
        licence, old, nodes, found.way, found.effective, running.end, _pay_by(found), lines, Money(total.gross),
        Money(total.net), Money(total.tax), next_year,
    )  # fmt: skip


def now(licence: Licence) -> int:
    """Return how many nodes a licence has by its membership and its paid year together."""
    running = contracts.current(licence.id)
    free = included.nodes_now(licence)
    if running is None or running.start > clock.today():
        return free
    return running.paid + (0 if running.quote.share_bp else free)


def _has(licence: Licence) -> included.Included:
    return included.included(licence.org, licence.plan, but=licence)


def _line(one: Planned) -> Line:
    figures = one.figures
    return Line(one.words, Money(figures.gross), Money(figures.net), Money(figures.tax), one.starts, one.ends)


def _pay_by(found: Plan) -> date:
    """Return until when an increase is paid: before it begins, or on the next month's first day where it is collected."""
    if found.way is Way.PAY_FIRST:
        return found.effective
    first = found.effective.replace(day=1)
    return (first + timedelta(days=32)).replace(day=1)


def quote(
    licence: Licence, nodes: int, *, by: Any, on: date | None = None, language: str = "zh_Hans_CN"
) -> LicenceQuote:
    """Write the figures of an increase down, binding until `quote.expires_on`; an older open one is replaced."""
    row = lock(licence.id)
    party = issuing.known_party(row.org)
    if party is not None and dunning.blocked(party):
        raise Refused(_l("An invoice is overdue: nothing new can be ordered until it is paid."))
    found = plan(row, nodes, on=on)
    before = contracts.open_deal(row.id)
    if before is not None and before.state is D.ORDERED:
        raise Refused(
            _l("A change of this licence waits for its payment: please pay it or take it back first.")
        )
    if before is not None:
        move(before, D.REPLACED)
        db.session.flush()
    made = _written(row, found, by=by, language=language)
    if before is not None:
        before.replaced_by = made.uid
    audit.record("licence.deal_quoted", row, by=by, org_id=row.org_id, nodes=nodes, gross=made.gross)
    return made


def _written(row: Licence, found: Plan, *, by: Any, language: str) -> LicenceQuote:
    total, of, today = found.total, found.contract.quote, clock.today()
    kind = K.COLLECTED if found.way is Way.COLLECTED else K.INCREASE
    last = today + timedelta(days=int(catalogue.policy("quote.valid_days")))
    made = LicenceQuote(
        licence=row, kind=kind, nodes=found.nodes, included=of.included, share_bp=of.share_bp, paid=found.paid,
        adds=found.nodes - found.old, price=db.session.get_one(PriceVersion, of.price_id), gross=Money(total.gross),
        net=Money(total.net), tax=Money(total.tax), fingerprint=found.fingerprint, inputs=found.inputs, language=language,
        by_name=str(getattr(by, "name", by))[:120], expires_on=min(last, found.effective), pay_by=_pay_by(found),
        starts_on=found.effective, ends_on=found.lines[0].ends,
    )  # fmt: skip
    db.session.add(made)
    lines = [
        {"role": one.role, "words": one.words, "figures": one.figures, "adds": one.adds, "starts": one.starts,
         "ends": one.ends, "old_line": one.old}
        for one in found.lines
    ]  # fmt: skip
    documents.write_lines(made, lines)
    return made


def still_holds(quote: LicenceQuote) -> bool:
    """Whether a quote still says what would be issued: prices, tax, standing and what runs are as they were."""
    if quote.expires_on < clock.today() or quote.starts_on is None:
        return False
    way = Way.COLLECTED if quote.kind is K.COLLECTED else Way.PAY_FIRST
    try:
        found = plan(quote.licence, quote.nodes, on=quote.starts_on, way=way)
    except Refused:
        return False
    return found.fingerprint == quote.fingerprint


def accept(quote: LicenceQuote, *, by: Any) -> LicenceQuote:
    """Accept a quote: exactly its figures are issued. `Denied` QUOTE_STALE (409), before anything is written, if it moved."""
    row = lock(quote.licence_id)
    fresh = taking.locked(quote.id)
    if fresh.state is not D.OFFERED:
        raise Refused(_l("This quote is closed already."))
    if not still_holds(fresh):
        raise Denied(Not.QUOTE_STALE)
    move(fresh, D.ORDERED)
    fresh.accepted_at, fresh.accepted_by = clock.now(), str(getattr(by, "name", by))[:120]
    db.session.flush()
    audit.record(
        "licence.deal_ordered",
        row,
        by=by,
        org_id=row.org_id,
        kind=fresh.kind,
        nodes=fresh.nodes,
        gross=fresh.gross,
    )
    if fresh.kind is K.COLLECTED:
        taking.take_collected(fresh, by=by)
    else:
        documents.invoice(fresh, by=by, on_credit=taking.on_credit(row))
        taking.take_effect(fresh, by=by)
    renewing.offer_again(row, by=by)
    return fresh


def withdraw(quote: LicenceQuote, *, by: Any, reason: str = deal_letters.CANCELLED) -> None:
    """Take a change back before it is paid, or on the day of a small one: its money is undone to the fen."""
    if quote.kind is K.COLLECTED and quote.state is D.DONE:
        undoing.undo(quote, by=by, reason=reason)
        return
    if quote.contract:
        raise Refused(_l("This quote is closed already."))
    if quote.state is D.OFFERED:
        taking.drop(quote, by=by, reason=reason)
        return
    buying.cancel(quote, by=by, reason=reason)


# ---- The next year


def ask_for_next(licence: Licence, nodes: int, *, by: Any) -> None:
    """Choose how many nodes the next year has (0: it is not renewed); an open renewal invoice is issued anew."""
    if nodes < 0:
        raise Refused(_l("Please choose how many nodes the next year has."), field="nodes", status=422)
    renewing.choose(licence, nodes, by=by)


def forget_next(licence: Licence, *, by: Any) -> None:
    """Take the choice for the next year back: it is renewed with what runs."""
    renewing.choose(licence, None, by=by)


def next_nodes(licence: Licence) -> int:
    """Return how many nodes the next year has as things stand (0: it ends)."""
    return renewing.wanted(licence)


def open_quote(licence: Licence) -> LicenceQuote | None:
    """Return the quote of a change that waits for acceptance, or is accepted and waits for its money."""
    found = contracts.open_deal(licence.id)
    return found if found is not None and not found.contract else None


def history(licence: Licence) -> list[LicenceQuote]:
    """Return every purchase, renewal and change of a licence, the newest first."""
    rows = select(LicenceQuote).where(LicenceQuote.licence_id == licence.id).order_by(LicenceQuote.id.desc())
    return list(db.session.scalars(rows))
