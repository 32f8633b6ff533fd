"""Buying a licence: what an organisation can have, what it costs, the order, and the way back from an unpaid one.

Pages and the API call these. What is read is `offered` and `cost`; `order` and `cancel` are verbs for an owner or
signatory (`access.may_buy`) or staff on behalf, inside `with transaction():`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.billing import dunning, issuing
from portal.billing.catalogue import Price, price_of
from portal.billing.price_models import PriceVersion
from portal.billing.quote_models import LineRole
from portal.billing.reversing import take_back
from portal.core import audit, clock, periods
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.services.licences import (
    contracts,
    deal_letters,
    documents,
    following,
    included,
    life,
    plans,
    taking,
    worth,
)
from portal.services.licences.denial import Denied, Not
from portal.services.licences.included import Included
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import DealKind, DealState, LicenceQuote
from portal.services.licences.models.licence import Licence, LicenceTerm
from portal.services.licences.planning import hashed, said
from portal.services.licences.plans import Plan

YEAR = 12  # months
D = DealState


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many nodes cost for a year, tax in it: list − off = gross = net + tax.

    `nodes` is the limit wished for, `included` how many of them the membership counts, `paid` how many the bought
    term adds. `share_bp` is the share of the included ones that is still paid (startups: 5000). `shown` is the hash of
    everything it was computed from: send it back with the order, a moved one is refused (409 QUOTE_STALE).
    """

    plan: Plan
    price: Price
    nodes: int
    included: int
    paid: int
    share_bp: int
    listed: Money
    off: Money
    gross: Money
    net: Money
    tax: Money
    inputs: dict[str, Any]

    @property
    def shown(self) -> str:
        """Return the hash of what it was computed from."""
        return hashed(self.inputs)


@dataclass(frozen=True, slots=True)
class Offered:
    """A plan as an organisation can have it: `licence` is the live one for its tools, `can` says what the page offers.

    `can`: "buy" (order it; `cost` of up to `included` nodes may be 0 for a member), "change" (a paid year runs: see
    `changing`), "pay" (an order waits for its money: `waiting`). `trial` says whether a trial is still to be had
    (`granting.start_trial`). `price` is billing's, for `curves.curve(price)`, `curves.border_table(price)`, `curves.said(price)`.
    """

    plan: Plan
    price: Price
    can: str
    licence: Licence | None
    waiting: LicenceQuote | None
    included: int
    share_bp: int
    trial: bool


def offered(org: Organisation) -> list[Offered]:
    """Return every plan of today as this organisation can have it."""
    return [_offer(org, one) for one in plans.every()]


def _offer(org: Organisation, plan: Plan) -> Offered:
    tools = [one["tool"] for one in plan.tools]
    live = following.live_of(org, tools)
    open_ = waiting(live) if live is not None else None
    has = included.included(org, plan.code, but=live)
    can = "buy"
    if open_ is not None:
        can = "pay"
    elif live is not None and contracts.current(live.id) is not None:
        can = "change"
    return Offered(
        plan,
        price_of(plan.price),
        can,
        live,
        open_,
        has.nodes,
        has.share_bp,
        live is None and not tried(org, tools),
    )


def tried(org: Organisation, tools: list[str]) -> bool:
    """Whether an organisation had its trial of one of some tools."""
    sources = [f"trial:{org.id}:{tool}" for tool in tools]
    return (
        db.session.scalar(select(LicenceTerm.id).where(LicenceTerm.source.in_(sources)).limit(1)) is not None
    )


def cost(org: Organisation, plan: str, nodes: int) -> Cost:
    """Return what `nodes` in all would cost for a year from the day of the money; `Refused` (422) for 0 or less."""
    read = plans.read(plans.sold(plan))
    live = following.live_of(org, [one["tool"] for one in read.tools])
    return cost_of(read, nodes, included.included(org, plan, but=live))


def cost_of(plan: Plan, nodes: int, has: Included, *, on: date | None = None) -> Cost:
    """Return what so many nodes cost with what a membership includes, at the price of a day."""
    price = price_of(plan.price, on=on)
    listed, off, figures = worth.taxed(price, nodes, has.nodes, has.share_bp)
    inputs = {
        "plan": plan.code, "price": price.id, "bp": price.tax.bp, "nodes": nodes, "included": has.nodes, "share": has.share_bp,
        "gross": figures.gross, "tax": {"code": price.tax.code, "bp": price.tax.bp},
    }  # fmt: skip
    return Cost(
        plan, price, nodes, min(has.nodes, nodes), max(0, nodes - has.free), has.share_bp, listed, off, Money(figures.gross),
        Money(figures.net), Money(figures.tax), inputs,
    )  # fmt: skip


def order(
    org: Organisation,
    plan: str,
    nodes: int,
    *,
    by: Any,
    shown: str | None = None,
    language: str = "zh_Hans_CN",
) -> Licence:
    """Order a licence, or another year of one that ran out: its invoice is issued at once, the term begins when it is settled.

    On approved credit terms it is active at once; what a membership includes needs no order. `Denied` LICENCE_EXISTS
    where a paid year runs or an order waits, QUOTE_STALE where `shown` says something else than today's cost.
    """
    found = cost(org, plan, nodes)
    if shown is not None and shown != found.shown:
        raise Denied(Not.QUOTE_STALE)
    _refuse_debtors(org)
    live = following.live_of(org, [one["tool"] for one in found.plan.tools])
    try:
        row = lock(live.id) if live is not None else life.order(org, plan, by=by)
    except Denied:  # a membership opened it at this very moment: what it costs is another thing now
        if following.live_of(org, [one["tool"] for one in found.plan.tools]) is None:
            raise
        return order(org, plan, nodes, by=by, shown=shown, language=language)
    if contracts.current(row.id) is not None or contracts.open_deal(row.id) is not None:
        raise Denied(Not.LICENCE_EXISTS)
    if not found.gross:
        raise Refused(
            _l("These nodes come with your membership: nothing has to be ordered."), field="nodes", status=422
        )
    quote = write(row, DealKind.PURCHASE, found, by=by, language=language)
    documents.invoice(quote, by=by, on_credit=taking.on_credit(row))
    if quote.gross:
        taking.take_effect(quote, by=by)
    return row


def _refuse_debtors(org: Organisation) -> None:
    party = issuing.known_party(org)
    if party is not None and dunning.blocked(party):
        raise Refused(_l("An invoice is overdue: nothing new can be ordered until it is paid."))


def write(
    row: Licence, kind: DealKind, found: Cost, *, by: Any, language: str, pay_by: date | None = None,
    days: tuple[date, date] | None = None,
) -> LicenceQuote:  # fmt: skip
    """Write an ordered year down: accepted by whoever ordered it, or by the renewal."""
    today = clock.today()
    quote = LicenceQuote(
        licence=row, kind=kind, nodes=found.nodes, included=found.inputs["included"], share_bp=found.share_bp, paid=found.paid,
        adds=found.paid, price=db.session.get_one(PriceVersion, found.price.id), gross=found.gross, net=found.net,
        tax=found.tax, fingerprint=found.shown, inputs=found.inputs, language=language,
        by_name=str(getattr(by, "name", by))[:120], expires_on=pay_by or today,
        pay_by=pay_by or today + timedelta(days=plans.rule("cancel_after_days")), state=D.ORDERED,
    )  # fmt: skip
    quote.starts_on, quote.ends_on = days or (None, None)
    db.session.add(quote)
    quote.accepted_at, quote.accepted_by = clock.now(), quote.by_name
    off = {}
    if found.off:
        en = "Included with the membership" if not found.share_bp else "Reduced for members"
        zh = "会员权益包含" if not found.share_bp else "会员优惠"
        off = {"en": f"{en}: {found.included} nodes", "zh": f"{zh}：{found.included} 个节点"}
    line = {
        "role": LineRole.CHARGE, "words": said(found.price, found.nodes, *(days or ())), "adds": found.paid,
        "list_amount": found.listed, "discount": found.off, "discount_words": off,
        "figures": worth.taxed(found.price, found.nodes, found.inputs["included"], found.share_bp)[2],
        "starts": quote.starts_on, "ends": quote.ends_on,
    }  # fmt: skip
    documents.write_lines(quote, [line])
    audit.record(
        "licence.deal_ordered", row, by=by, org_id=row.org_id, deal=kind, nodes=found.nodes, gross=found.gross
    )
    return quote


def cancel(quote: LicenceQuote, *, by: Any, reason: str = deal_letters.CANCELLED) -> None:
    """Cancel an order that is not paid: the open invoice is taken back; a licence that never had a term is cancelled."""
    if quote.invoice_id is not None:
        invoice = issuing.locked(quote.invoice_id)  # before the licence, as whoever settles does
        if issuing.cover(invoice) != "due":
            raise Refused(_l("This order is paid already."))
    if not taking.drop(quote, by=by, reason=reason):
        raise Refused(_l("This order is closed already."))
    if quote.invoice is not None:
        take_back(quote.invoice, by=by, reason=reason)


def waiting(licence: Licence) -> LicenceQuote | None:
    """Return the order of a licence that waits for its money (`quote.invoice` is what to pay, `quote.pay_by` until when)."""
    found = contracts.open_deal(licence.id)
    return found if found is not None and found.kind is DealKind.PURCHASE else None


def from_when(quote: LicenceQuote) -> tuple[date, date]:
    """Return the days `[start, end)` a quote covers, or would if it were paid today."""
    if quote.starts_on is not None and quote.ends_on is not None:
        return quote.starts_on, quote.ends_on
    return clock.today(), periods.nth(clock.today(), YEAR, 1)
