"""Operations about offers and quotes, with the verbs of the pages."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.billing.models import Party
from portal.billing.pricing import PriceModel
from portal.billing.quote_models import QuoteState
from portal.core import cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WRITE_PROBLEMS,
    Amount,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    operations,
    responses,
    told,
)
from portal.core.catalogue import in_words
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.idempotency import WriteHeaders, once
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Form
from portal.services.quotes import accepting, buying, customer_orders, drafting, seen, sending
from portal.services.quotes.models import CustomerOrder, ServiceQuote

services_api = operations("api_services", __name__, str(_l("Services")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]
Word = Annotated[str, Field(min_length=1, max_length=300, pattern=r"[^\s\x00-\x1f]"), Clean]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
State = Literal["", "sent", "accepted", "declined", "expired", "withdrawn", "superseded"]


class ServiceOfferAnswer(Answer):
    """Something that can be bought; `price` is with tax, the least where it is quoted, null where there is none."""

    code: str
    name: str
    form: Form
    price: Amount | None
    quoted: bool
    fixed: bool


class Offers(Answer):
    """Every offer of today."""

    items: list[ServiceOfferAnswer]


class ServiceLineAnswer(Answer):
    """One line of a quote."""

    offer: str
    words: str
    quantity: int
    gross: Amount | None
    starts: date | None
    ends: date | None


class ServiceQuoteAnswer(Answer):
    """One version of a quote; `digest` names all that it says. Sums are null for who sees no prices."""

    id: Uid
    number: str
    version: int
    title: str
    state: QuoteState
    gross: Amount | None
    net: Amount | None
    tax: Amount | None
    digest: str
    open_until: date | None
    newest: Uid
    invoice: Uid | None
    lines: list[ServiceLineAnswer]


class ServiceQuotes(Answer):
    """A part of the list, the newest first."""

    items: list[ServiceQuoteAnswer]
    next: str | None


class ServiceQuoteQuery(Paged):
    """Which quotes."""

    state: State = ""


class QuoteAcceptance(Body):
    """The version that is accepted, by its digest; and the purchase order it is ordered under."""

    digest: Digest
    purchase_order: Annotated[str, Field(max_length=60), Clean] = ""


class QuoteRefusal(Body):
    """Why a quote is declined: a code of the catalogue, and words."""

    reason: Literal["price", "time", "scope", "other_supplier", "postponed", "other"]
    words: Annotated[str, Field(max_length=300), Clean] = ""


def quote_answer(row: ServiceQuote) -> ServiceQuoteAnswer:
    """Return a version as programs read it."""
    priced = seen.with_prices(me(), row)
    return ServiceQuoteAnswer(
        id=row.uid, number=row.number, version=row.version, title=in_words(row.title), state=row.state,
        gross=Amount.of(row.gross) if priced else None, net=Amount.of(row.net) if priced else None,
        tax=Amount.of(row.tax) if priced else None, digest=row.digest, open_until=row.expires_on,
        newest=drafting.newest(row).uid, invoice=row.invoice.uid if row.invoice is not None and priced else None,
        lines=[
            ServiceLineAnswer(
                offer=line.offer, words=in_words(line.words), quantity=line.quantity,
                gross=Amount.of(line.gross) if priced else None, starts=line.starts, ends=line.ends,
            )
            for line in row.lines
        ],
    )  # fmt: skip


def order_named(party: Party, number: str) -> CustomerOrder | None:
    """Return a buyer's purchase order by its number, if one is given."""
    if not number:
        return None
    found = next((one for one in customer_orders.of_party(party) if one.number == number), None)
    if found is None:
        raise Missing(_l("There is no such purchase order."), field="purchase_order")
    return found


@services_api.get(
    "/offers", operation_id="list_offers", summary=str(_l("What can be bought")),
    responses=responses(*TOKEN_PROBLEMS, ok=Offers), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def list_offers() -> Any:
    """At everybody's prices of today."""
    found = []
    for one in rows.shown():
        try:
            price = buyers.price_for(one, None)
        except Refused:
            continue
        quoted = price.model is PriceModel.QUOTED
        found.append(
            ServiceOfferAnswer(
                code=one.code, name=one.title, form=one.form, price=Amount.of(price.amount), quoted=quoted, fixed=buying.fixed(one)
            )
        )  # fmt: skip
    return told(Offers(items=found))


def _listed(query: ServiceQuoteQuery, state: str) -> Any:
    statement = seen.own_quotes(me()).order_by(None)
    if state:
        statement = statement.where(ServiceQuote.state == QuoteState(state))
    found, onward = cursors.page(
        statement, [(ServiceQuote.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(ServiceQuotes(items=[quote_answer(row) for row in found], next=onward))


@services_api.get(
    "/service-quotes", operation_id="list_service_quotes", summary=str(_l("Quotes of services")),
    responses=responses(*TOKEN_PROBLEMS, ok=ServiceQuotes), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def list_quotes(query: ServiceQuoteQuery) -> Any:
    """What was sent to the organisations one acts for, each version by itself, the newest first."""
    return _listed(query, query.state)


@services_api.get(
    "/service-quotes/<uid>", operation_id="get_service_quote", summary=str(_l("One quote of services")),
    responses=responses(*TOKEN_PROBLEMS, ok=ServiceQuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def get_quote(path: OneRow) -> Any:
    """With its lines; `newest` leads on from a version that was replaced."""
    return told(quote_answer(seen.own_quote(path.uid)))


@services_api.post(
    "/service-quotes/<uid>/acceptance", operation_id="accept_service_quote", summary=str(_l("Accept a quote of services")),
    responses=responses(*WRITE_PROBLEMS, ok=ServiceQuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def accept_quote(path: OneRow, body: QuoteAcceptance, header: WriteHeaders) -> Any:
    """The order is placed and what is due is invoiced; 409 if the version no longer holds."""
    row = seen.own_quote(path.uid)
    order = order_named(row.party, body.purchase_order)
    return told(quote_answer(accepting.accept(row, digest=body.digest, by=me().person, customer_order=order)))


@services_api.post(
    "/service-quotes/<uid>/refusal", operation_id="decline_service_quote", summary=str(_l("Decline a quote of services")),
    responses=responses(*WRITE_PROBLEMS, ok=ServiceQuoteAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def decline_quote(path: OneRow, body: QuoteRefusal, header: WriteHeaders) -> Any:
    """With one reason."""
    row = seen.own_quote(path.uid)
    if not accepting.may_accept(me().person, row):
        accepting.refuse_unless_allowed(row, me().person)
    sending.decline(row, by=me().person, reason=body.reason, words=body.words)
    db.session.refresh(row)
    return told(quote_answer(row))
