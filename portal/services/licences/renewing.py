"""The next year of a licence: its number of nodes, its invoice sixty days ahead, issued anew when that number changes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing import issuing
from portal.billing.reversing import take_back
from portal.core import audit, clock, periods
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.licences import buying, contracts, deal_letters, documents, included, plans, taking
from portal.services.licences.contracts import Contract
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import CONTRACTS, DealKind, DealState, LicenceQuote
from portal.services.licences.models.licence import Licence, LicenceState

YEAR = 12  # months
LIVE = (LicenceState.ACTIVE, LicenceState.SUSPENDED)


def wanted(licence: Licence) -> int:
    """Return how many nodes in all the next year has: what was chosen, else what runs; 0 where it ends."""
    if licence.next_nodes is not None:
        return licence.next_nodes
    found = contracts.contracts(licence.id, clock.today())
    if not found:
        return 0
    return _total(licence, found[-1])


def _total(licence: Licence, last: Contract) -> int:
    """Return the number that goes on by itself: never more than what there is, never more than was wished for."""
    if last.quote.share_bp:
        return last.paid
    return min(last.below, included.nodes_now(licence)) + last.paid


def choose(licence: Licence, nodes: int | None, *, by: Any) -> None:
    """Write down how many nodes the next year has; an open invoice over it is taken back and issued anew."""
    if contracts.current(licence.id) is None:
        raise Refused(_l("No paid year of this licence runs now: please order one."))
    waits = contracts.open_deal(licence.id, renewal=True)
    if waits is not None and waits.invoice_id is not None:
        issuing.locked(waits.invoice_id)  # before the licence, as whoever settles does
    row = lock(licence.id)
    row.next_nodes = nodes
    audit.record("licence.next_chosen", row, by=by, org_id=row.org_id, nodes=-1 if nodes is None else nodes)
    db.session.flush()
    if waits is not None:
        offer_again(row, by=by)


def offer_again(row: Licence, *, by: Any) -> None:
    """Take the open renewal of a licence back and offer the next year as things stand now."""
    waits = contracts.open_deal(row.id, renewal=True)
    if waits is None:
        return
    if taking.drop(waits, by=by, reason=deal_letters.ANEW) and waits.invoice is not None:
        take_back(waits.invoice, by=by, reason=deal_letters.ANEW)
    offer(row, by=by)


def offer(row: Licence, *, by: Any) -> LicenceQuote | None:
    """Invoice the next year of a licence if it is due and is to go on; None if it is not, or is there already."""
    found = contracts.contracts(row.id, clock.today() - timedelta(days=1))
    if not found or contracts.open_deal(row.id, renewal=True) is not None or row.state not in LIVE:
        return None
    last = found[-1]
    if not _due(last):
        return None
    total = wanted(row)
    if total < 1:
        return None
    has = included.included(row.org, row.plan, but=row)
    cost = buying.cost_of(plans.read(row.sold), total, has)
    if not cost.paid or not cost.gross:
        return None
    start, end = _days(last.quote)
    late = start + timedelta(days=plans.read(row.sold).grace_days)
    quote = buying.write(
        row, DealKind.RENEWAL, cost, by=by, language=last.quote.language, pay_by=late, days=(start, end)
    )
    quote.anchor, quote.k = last.quote.anchor or last.start, last.quote.k + 1
    documents.invoice(quote, by=by, on_credit=taking.on_credit(row))
    deal_letters.renewal(quote)
    taking.take_effect(quote, by=by)
    return quote


def _due(last: Contract) -> bool:
    """Whether the next year is to be invoiced: sixty days before, and only where the year was not cut short."""
    return contracts.ends_with(last.quote) == last.end and clock.today() >= last.end - timedelta(
        days=plans.rule("renew_before_days")
    )


def _days(quote: LicenceQuote) -> tuple[date, date]:
    """Return the days of the next year, counted from the anchor."""
    assert quote.ends_on is not None
    anchor = quote.anchor or quote.starts_on
    assert anchor is not None
    return quote.ends_on, periods.nth(anchor, YEAR, quote.k + 2)


def due() -> list[int]:
    """Return the licences whose next year may have to be invoiced."""
    soon = clock.today() + timedelta(days=plans.rule("renew_before_days"))
    rows = (
        select(LicenceQuote.licence_id)
        .where(
            LicenceQuote.state == DealState.DONE, LicenceQuote.kind.in_(CONTRACTS), LicenceQuote.ends_on >= clock.today(),
            LicenceQuote.ends_on <= soon,
        )
        .distinct()
        .order_by(LicenceQuote.licence_id)
    )  # fmt: skip
    return list(db.session.scalars(rows))
