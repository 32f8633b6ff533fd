"""Discounts, waivers and coupons: agreed by two where large, counted under a lock, visible on the line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.catalogue import ANYBODY, Audience
from portal.billing.discount_models import DiscountOffer, DiscountState, Redemption
from portal.billing.issuing import place_order
from portal.billing.models import Order, OrderLine, Party
from portal.billing.pricing import WHOLE_BP, Discount, DiscountKind, Reduced, apply_discounts
from portal.billing.selling import Item
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.core.states import move


def alone_bp() -> int:
    """Return up to which share of the list price one person may give a discount, in basis points."""
    return int(catalogue.policy("discount.alone_bp"))


def needs_second(kind: DiscountKind, value: int) -> bool:
    """Whether a discount waits for a second person: a waiver, or a large percentage.

    What a fixed sum is worth shows only on the order: there it is refused if it proves large (`redeem`).
    """
    return kind is DiscountKind.WAIVER or (kind is DiscountKind.PERCENT and value > alone_bp())


def offer_discount(*, by: Person, reason: str = "", ask: bool = False, **fields: Any) -> DiscountOffer:
    """Write a discount down: small ones may be used at once, others (or if `ask`) wait for a second person."""
    row = DiscountOffer(by=by, reason=reason, **fields)
    large = needs_second(row.kind, row.value)
    if row.kind is DiscountKind.PERCENT and not 0 < row.value <= WHOLE_BP:
        raise Refused(_l("Please give a percentage above 0 and up to 100."), field="value", status=422)
    if (large or ask) and not reason:
        raise Refused(
            _l("Please give the reason: a second person decides on it."), field="reason", status=422
        )
    if row.code and db.session.scalar(select(DiscountOffer.id).where(DiscountOffer.code == row.code)):
        raise Refused(_l("This code is taken."), field="code", status=422)
    if row.ends is not None and row.ends <= row.starts:
        raise Refused(_l("The last day lies before the first."), field="ends", status=422)
    db.session.add(row)
    db.session.flush()
    move(row, DiscountState.PROPOSED if large or ask else DiscountState.ACTIVE)
    audit.record("discount.offered", row, by=by, offer=row.words, coupon=row.code, reason=reason)
    return row


def _second(row: DiscountOffer, by: Person) -> DiscountOffer:
    fresh = locked(row.id)
    if fresh.by_id == by.id:
        raise Forbidden(_l("You asked for this discount yourself: a second person decides on it."))
    return fresh


def approve_discount(row: DiscountOffer, *, by: Person) -> None:
    """Stand for another's discount: it may be used."""
    fresh = _second(row, by)
    move(fresh, DiscountState.ACTIVE)
    fresh.second = by
    audit.record("discount.approved", fresh, by=by, offer=fresh.words)


def decline_discount(row: DiscountOffer, *, by: Person, reason: str) -> None:
    """Say no to another's discount."""
    fresh = _second(row, by)
    move(fresh, DiscountState.DECLINED)
    fresh.second = by
    audit.record("discount.declined", fresh, by=by, reason=reason, offer=fresh.words)


def end_discount(row: DiscountOffer, *, by: Person) -> None:
    """Let nobody use a discount from now on; what was granted stays."""
    fresh = locked(row.id)
    move(fresh, DiscountState.ENDED)
    audit.record("discount.ended", fresh, by=by, offer=fresh.words)


def locked(discount_id: int) -> DiscountOffer:
    """Return a discount under its lock: its uses are counted one after the other."""
    return db.session.scalars(
        select(DiscountOffer)
        .where(DiscountOffer.id == discount_id)
        .with_for_update(of=DiscountOffer)
        .execution_options(populate_existing=True)
    ).one()


def by_code(code: str) -> DiscountOffer:
    """Return the discount of a coupon; `Refused` in the same words whether it is unknown or over."""
    row = db.session.scalars(
        select(DiscountOffer).where(DiscountOffer.code == code.strip().upper()[:40])
    ).first()
    if row is None or row.state is not DiscountState.ACTIVE:
        raise Refused(_l("This code is not valid here."), field="code", status=422)
    return row


def uses(row: DiscountOffer) -> int:
    """Return how many orders have used a discount: several lines of one order are one use."""
    lines = select(Redemption.order_line_id).where(Redemption.discount_id == row.id).subquery()
    return (
        db.session.scalar(
            select(func.count(func.distinct(OrderLine.order_id))).where(OrderLine.id.in_(select(lines)))
        )
        or 0
    )


def _usable(row: DiscountOffer, day: date, audience: Audience, *, first: bool) -> None:
    over = row.ends is not None and day >= row.ends
    fits = audience.matches(row.audience_kind, row.audience)
    if row.state is not DiscountState.ACTIVE or day < row.starts or over or not fits:
        raise Refused(_l("This discount is not valid here."), field="code")
    if row.first_period_only and not first:
        raise Refused(_l("This discount is for the first period only."), field="code")
    if row.most_uses is not None and uses(row) >= row.most_uses:
        raise Refused(_l("This discount has been used up."), field="code")


def _pure(row: DiscountOffer, items: Sequence[Item]) -> Discount:
    touched = frozenset(
        n for n, item in enumerate(items) if not row.products or item.price.product in row.products
    )
    if not touched:
        raise Refused(_l("This discount is for other products."), field="code")
    return Discount(row.kind, row.value, touched)


def reduced(items: Sequence[Item], discounts: Sequence[DiscountOffer]) -> list[Reduced]:
    """Return what each item costs after discounts, in its price's own terms (billing.md §3)."""
    listed = [item.price.listed(item.quantity, quote=item.quote, agreed=item.agreed).minor for item in items]
    return apply_discounts(listed, [_pure(row, items) for row in discounts])


def _watch(lines: Sequence[Reduced], discounts: Sequence[DiscountOffer]) -> None:
    """Refuse what together takes off more than one person may give, unless two stand for each discount."""
    most = alone_bp()
    for line in lines:
        alone = any(cut and row.second_id is None for cut, row in zip(line.taken, discounts, strict=True))
        if alone and line.discount * WHOLE_BP > line.listed * most:
            raise Refused(_l("Together this is a large discount: a second person has to approve it first."))


def _words(discounts: Sequence[DiscountOffer], line: Reduced) -> dict[str, str]:
    """Return what the invoice says of a line's discounts, in both languages."""
    used = [row.words for row, cut in zip(discounts, line.taken, strict=True) if cut]
    if not used:
        return {}
    return {
        tongue: mark.join(words[tongue] for words in used) for tongue, mark in (("en", "; "), ("zh", "；"))
    }


def order_with(
    party: Party,
    subject: str,
    items: Sequence[Item],
    discounts: Sequence[DiscountOffer],
    *,
    audience: Audience = ANYBODY,
    first: bool = True,
) -> Order:
    """Place an order with discounts: each is counted under its lock, and each use is a row.

    Raises `Refused` for a discount that is over, used up, for others, or too large for one person alone.
    """
    found = [locked(row.id) for row in sorted(discounts, key=lambda row: row.id)]
    for row in found:
        _usable(row, clock.today(), audience, first=first)
    lines = reduced(items, found)
    _watch(lines, found)
    with_cuts = [
        Item(
            item.price, item.quantity, Money(line.discount, item.price.currency), _words(found, line), item.words,
            item.quote, item.agreed,
        )
        for item, line in zip(items, lines, strict=True)
    ]  # fmt: skip
    order = place_order(party, subject, with_cuts)
    for at, row in enumerate(found):
        for line, made in zip(lines, order.lines, strict=True):
            if cut := line.taken[at]:
                db.session.add(Redemption(discount=row, order_line=made, amount=Money(cut)))
    db.session.flush()
    return order
