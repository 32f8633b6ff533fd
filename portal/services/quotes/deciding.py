"""When a second person stands for a quote before it goes out, and who that may be."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.accounts.access import roles_of
from portal.accounts.may import STAFF, May
from portal.accounts.people import Person
from portal.billing.pricing import WHOLE_BP, PriceModel
from portal.core import catalogue, labels
from portal.core.errors import Forbidden
from portal.services.quotes.figures import Figured
from portal.services.quotes.models import ServiceQuote


class Second(StrEnum):
    """Why a second person is asked."""

    RANGE = "range"
    DISCOUNT = "discount"
    CLAUSES = "clauses"
    CREDIT = "credit"
    LARGE = "large"


labels.name(
    Second,
    {
        Second.RANGE: _l("a sum outside the range of the price"),
        Second.DISCOUNT: _l("a large discount"),
        Second.CLAUSES: _l("clauses of its own"),
        Second.CREDIT: _l("work before the first payment"),
        Second.LARGE: _l("a large sum"),
    },
)


def rule(name: str) -> int:
    """Return a number of the catalogue's policies of quotes."""
    return int(catalogue.policy(f"service.{name}"))


def reasons(quote: ServiceQuote, lines: list[Figured]) -> list[Second]:
    """Return why a second person is asked for a quote with these lines."""
    most = int(catalogue.policy("discount.alone_bp"))
    quoted = any(one.price.model is PriceModel.QUOTED for one in lines)
    found = {
        Second.RANGE: any(one.outside for one in lines),
        Second.DISCOUNT: any((one.listed - one.gross) * WHOLE_BP > one.listed * most for one in lines),
        Second.CLAUSES: bool(quote.clauses),
        Second.CREDIT: quote.on_credit,
    }
    found[Second.LARGE] = (quoted or any(found.values())) and sum(one.gross for one in lines) > rule(
        "executive_above"
    )
    return [one for one, holds in found.items() if holds]


def verb_for(quote: ServiceQuote) -> May:
    """Return what the second person must be allowed: the executive for large sums, finance for credit, else the manager."""
    asked = set(quote.second_reasons)
    if Second.LARGE in asked:
        return May.APPROVE_LARGE_QUOTES
    return May.CREDIT if Second.CREDIT in asked else May.APPROVE_QUOTES


def refuse_second(quote: ServiceQuote, by: Person) -> None:
    """Refuse to stand for a quote to its writer, and to whoever has not the role that it asks for."""
    if quote.by_id == by.id:
        raise Forbidden(_l("You wrote this quote yourself: a second person stands for it."))
    held, _acts = roles_of(by.id)
    if not any(verb_for(quote) in STAFF[role] for role in held):
        raise Forbidden(_l("This quote needs somebody else to stand for it: of finance for credit, the executive for large sums."))  # fmt: skip
