"""Operations about prices, subscriptions and quotes."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.billing import catalogue, changing, plans_seen, quoting
from portal.billing.api import TOKEN
from portal.billing.catalogue import Price
from portal.billing.pricing import PriceModel
from portal.billing.quote_models import LineRole, Quote, QuoteKind, QuoteState
from portal.billing.subscription_models import Renewal, Subscription, SubscriptionState
from portal.core import cursors
from portal.core.api import (
    PUBLIC_PROBLEMS,
    TOKEN_PROBLEMS,
    WHOLE,
    WRITE_PROBLEMS,
    Amount,
    Answer,
    Body,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    shared,
    told,
)
from portal.core.idempotency import WriteHeaders, once
from portal.core.web import public

plans_api = operations("api_plans", __name__, str(_l("Prices, subscriptions and quotes")))


class StepAnswer(Answer):
    """One step of a price: units up to and including `up_to` (none: open), `unit` each plus `flat` once, in fen."""

    up_to: int | None
    unit: int
    flat: int


class PriceAnswer(Answer):
    """What a product costs today, for everybody; amounts in whole fen, in the price's own terms."""

    product: str
    words: Words
    stream: str
    model: PriceModel
    currency: str
    months: int | None
    flat: int
    unit: int
    steps: list[StepAnswer]
    low: int | None
    high: int | None
    share_bp: int
    includes_tax: bool
    tax_bp: int | None
    valid_from: date


class Prices(Answer):
    """Every price in force."""

    items: list[PriceAnswer]


class SubscriptionAnswer(Answer):
    """A subscription and the last period that is ordered."""

    id: Uid
    product: str
    words: Words
    quantity: int
    state: SubscriptionState
    renewal: Renewal
    starts: date
    ends: date


class Subscriptions(Answer):
    """A part of the list, the newest first."""

    items: list[SubscriptionAnswer]
    next: str | None


class QuoteLineAnswer(Answer):
    """One line as offered."""

    role: LineRole
    words: Words
    quantity: int
    gross: Amount
    net: Amount
    tax: Amount


class QuoteAnswer(Answer):
    """A quote with its exact figures."""

    id: Uid
    number: str
    kind: QuoteKind
    state: QuoteState
    product: str
    quantity: int
    effective_on: date | None
    expires_on: date
    gross: Amount
    net: Amount
    tax: Amount
    lines: list[QuoteLineAnswer]
    invoice: str | None
    replaced_by: str | None


class Quotes(Answer):
    """A part of the list, the newest first."""

    items: list[QuoteAnswer]
    next: str | None


class ChangeBody(Body):
    """The plan and quantity asked for."""

    product: str
    quantity: Annotated[int, Field(ge=1, le=1_000_000), WHOLE]


def _price(price: Price) -> PriceAnswer:
    terms = price.terms
    steps = [StepAnswer(up_to=one.up_to, unit=one.unit, flat=one.flat) for one in terms.tiers]
    return PriceAnswer(
        product=price.product, words=Words(**price.words), stream=price.stream, model=price.model,
        currency=price.currency, months=price.months, flat=terms.flat, unit=terms.unit, steps=steps, low=terms.low,
        high=terms.high, share_bp=terms.bp, includes_tax=price.inclusive, tax_bp=price.tax.bp,
        valid_from=price.valid_from,
    )  # fmt: skip


def _subscription(row: Subscription) -> SubscriptionAnswer:
    last = row.periods[-1]
    return SubscriptionAnswer(
        id=row.uid, product=row.price.product.code, words=Words(**row.price.product.words), quantity=row.quantity,
        state=row.state, renewal=row.renewal, starts=last.start, ends=last.end,
    )  # fmt: skip


def _quote(row: Quote) -> QuoteAnswer:
    lines = [
        QuoteLineAnswer(
            role=line.role, words=Words(**line.words), quantity=line.quantity, gross=Amount.of(line.gross),
            net=Amount.of(line.net), tax=Amount.of(line.tax),
        )
        for line in row.lines
    ]  # fmt: skip
    return QuoteAnswer(
        id=row.uid, number=row.number, kind=row.kind, state=row.state, product=row.price.product.code,
        quantity=row.quantity, effective_on=row.effective_on, expires_on=row.expires_on, gross=Amount.of(row.gross),
        net=Amount.of(row.net), tax=Amount.of(row.tax), lines=lines,
        invoice=row.invoice.number if row.invoice else None, replaced_by=row.replaced_by or None,
    )  # fmt: skip


@plans_api.get(
    "/prices", operation_id="list_prices", summary=str(_l("Prices in force for everybody")),
    responses=responses(*PUBLIC_PROBLEMS, ok=Prices),
)  # fmt: skip
@public
def list_prices() -> Any:
    """Those of today; prices for tiers and kinds of organisations show in their own quotes."""
    return shared(Prices(items=[_price(one) for one in catalogue.prices()]))


@plans_api.get(
    "/subscriptions", operation_id="list_subscriptions", summary=str(_l("Subscriptions the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=Subscriptions), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def list_subscriptions(query: Paged) -> Any:
    """Those of the token's organisations and person; all of them for staff who read money."""
    statement = plans_seen.visible_subscriptions(me()).order_by(None)
    rows, onward = cursors.page(
        statement, [(Subscription.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Subscriptions(items=[_subscription(row) for row in rows], next=onward))


@plans_api.get(
    "/subscriptions/<uid>", operation_id="get_subscription", summary=str(_l("One subscription")),
    responses=responses(*TOKEN_PROBLEMS, ok=SubscriptionAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def get_subscription(path: OneRow) -> Any:
    """`starts` and `ends` are of the last ordered period; it ends before the day `ends`."""
    return told(_subscription(plans_seen.visible_subscription(path.uid)))


@plans_api.get(
    "/quotes", operation_id="list_quotes", summary=str(_l("Quotes the token may see")),
    responses=responses(*TOKEN_PROBLEMS, ok=Quotes), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def list_quotes(query: Paged) -> Any:
    """Those that went out to the token's organisations and person."""
    statement = plans_seen.visible_quotes(me()).order_by(None)
    rows, onward = cursors.page(
        statement, [(Quote.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Quotes(items=[_quote(row) for row in rows], next=onward))


@plans_api.get(
    "/quotes/<uid>", operation_id="get_quote", summary=str(_l("One quote with its exact figures")),
    responses=responses(*TOKEN_PROBLEMS, ok=QuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.INVOICES_READ)
def get_quote(path: OneRow) -> Any:
    """Accepting it issues exactly these figures."""
    return told(_quote(plans_seen.visible_quote(path.uid)))


@plans_api.post(
    "/subscriptions/<uid>/quotes", operation_id="quote_change", summary=str(_l("Ask what a change would cost")),
    responses=responses(*WRITE_PROBLEMS, created=QuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.PLANS_WRITE)
@once
def quote_change(path: OneRow, body: ChangeBody, header: WriteHeaders) -> Any:
    """More takes effect today, less with the next period."""
    row = plans_seen.own_subscription(path.uid)
    price = catalogue.price_of(body.product, audience=catalogue.Audience(**row.asked))
    made = changing.quote_change(row, price, by=me().person, quantity=body.quantity)
    return told(_quote(made), 201)


@plans_api.post(
    "/quotes/<uid>/acceptance", operation_id="accept_quote", summary=str(_l("Accept a quote")),
    responses=responses(*WRITE_PROBLEMS, ok=QuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.PLANS_WRITE)
@once
def accept_quote(path: OneRow, header: WriteHeaders) -> Any:
    """An outdated quote is refused with 409 and nothing is issued: ask for a new one by the operation above."""
    return told(_quote(quoting.accept(plans_seen.own_quote(path.uid), by=me().person)))
