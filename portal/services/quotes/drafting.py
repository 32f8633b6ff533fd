"""Writing quotes: drafts whose lines can still change, and the next version of one that went out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.people import Person
from portal.billing.models import Party
from portal.billing.numbers import hold, take
from portal.billing.price_models import PriceVersion
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Form
from portal.services.quotes import plan as plans
from portal.services.quotes.deciding import rule
from portal.services.quotes.figures import Ask, Figured, asked, figured
from portal.services.quotes.models import (
    BuyerSetting,
    Q,
    QuoteFor,
    ServiceQuote,
    ServiceQuoteLine,
)


def locked(quote_id: int) -> ServiceQuote:
    """Take a version for a change, and return it as it is now."""
    taken = (
        update(ServiceQuote)
        .where(ServiceQuote.id == quote_id)
        .values(edition=ServiceQuote.edition + 1)
        .returning(ServiceQuote)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    row = db.session.scalars(taken).first()
    if row is None:
        raise Missing(_l("There is no such quote."))
    return row


def draft(
    party: Party, asks: Sequence[Ask], *, by: Person | str, title: dict[str, str], language: str = "zh_Hans_CN",
    kind: QuoteFor = QuoteFor.SALE, about: str = "", clauses: str = "", note: str = "", on_credit: bool = False,
    deemed: bool = True, valid_days: int | None = None,
) -> ServiceQuote:  # fmt: skip
    """Write a quote down: version 1, with the figures of today. Nobody outside sees it before it is sent."""
    number, _today = take("Q")
    quote = ServiceQuote(
        number=number, version=1, kind=kind, party=party, title=title, language=language, about=about,
        by_name=str(getattr(by, "name", by)), by=by if isinstance(by, Person) else None, clauses=clauses, note=note,
        on_credit=on_credit, deemed=deemed, valid_days=valid_days or rule("valid_days"),
    )  # fmt: skip
    db.session.add(quote)
    _fill(quote, asks)
    audit.record(
        "service_quote.drafted", quote, by=by, org_id=party.org_id, number=quote.name, gross=quote.gross
    )
    return quote


def redraft(quote: ServiceQuote, asks: Sequence[Ask], *, by: Person, **fields: Any) -> ServiceQuote:
    """Change a draft: its lines, its words, its terms."""
    row = locked(quote.id)
    if row.state is not Q.DRAFT:
        raise Refused(_l("Only a draft can be changed. Write the next version instead."))
    for name, value in fields.items():
        setattr(row, name, value)
    _fill(row, asks)
    audit.record("service_quote.changed", row, by=by, org_id=row.party.org_id, number=row.name, gross=row.gross)  # fmt: skip
    return row


def revise(quote: ServiceQuote, *, by: Person | str) -> ServiceQuote:
    """Write the next version of a quote that went out, with the figures of today; the old one stands until it is sent."""
    row = locked(quote.id)
    newest = _newest(row.number)
    if newest.state in (Q.DRAFT, Q.IN_APPROVAL):
        return newest
    if newest.id != row.id or row.state is Q.ACCEPTED:
        raise Refused(_l("Only the newest version is followed by another."))
    made = ServiceQuote(
        number=row.number, version=row.version + 1, kind=row.kind, party=row.party, title=row.title,
        language=row.language, about=row.about, by_name=str(getattr(by, "name", by)),
        by=by if isinstance(by, Person) else row.by, clauses=row.clauses, note=row.note, on_credit=row.on_credit,
        deemed=row.deemed, valid_days=row.valid_days,
    )  # fmt: skip
    db.session.add(made)
    _fill(made, asks_of(row))
    audit.record("service_quote.revised", made, by=by, org_id=row.party.org_id, number=made.name, gross=made.gross)  # fmt: skip
    return made


def asks_of(quote: ServiceQuote) -> list[Ask]:
    """Return what a version quotes, as it was asked; the parts of a bundle are one ask."""
    found: list[dict[str, Any]] = []
    for line in quote.lines:
        if line.inputs not in found:
            found.append(line.inputs)
    return [asked(one) for one in found]


def _newest(number: str) -> ServiceQuote:
    rows_ = (
        select(ServiceQuote)
        .where(ServiceQuote.number == number)
        .order_by(ServiceQuote.version.desc())
        .limit(1)
    )
    return db.session.scalars(rows_).one()


def newest(quote: ServiceQuote) -> ServiceQuote:
    """Return the newest version that went out of a quote, itself if none did."""
    sent = select(ServiceQuote).where(ServiceQuote.number == quote.number, ServiceQuote.sent_at.is_not(None))
    return db.session.scalars(sent.order_by(ServiceQuote.version.desc()).limit(1)).first() or quote


def versions(quote: ServiceQuote) -> list[ServiceQuote]:
    """Return every version of a quote, the newest first."""
    rows_ = select(ServiceQuote).where(ServiceQuote.number == quote.number)
    return list(db.session.scalars(rows_.order_by(ServiceQuote.version.desc())))


def _fill(quote: ServiceQuote, asks: Sequence[Ask]) -> None:
    """Put the lines of today's figures on a draft."""
    if not asks:
        raise Refused(_l("A quote has at least one line."), status=422)
    quote.lines.clear()
    db.session.flush()
    pairs = [(ask, one) for ask in asks for one in figured(ask, quote.party, day=clock.today())]
    if sum(_goes_on(one) for _ask, one in pairs) > 1:
        raise Refused(
            _l("One quote holds one subscription: please write another for the second."), status=422
        )
    for n, (ask, one) in enumerate(pairs, 1):
        db.session.add(_line(quote, n, ask, one))
    quote.gross = sum((line.gross for line in quote.lines), Money(0))
    quote.net = sum((line.net for line in quote.lines), Money(0))
    quote.tax = sum((line.tax for line in quote.lines), Money(0))
    needs = [rows.find(code) for ask in asks for code in [ask.offer]]
    quote.needs_contract = any(one is not None and one.contract for one in needs) or (
        quote.gross.minor > rule("contract_above")
    )
    quote.needs_order = (
        any(one is not None and one.purchase_order for one in needs)
        or quote.gross.minor > rule("order_above")
        or needs_order(quote.party)
    )
    db.session.flush()


def _goes_on(one: Figured) -> bool:
    """Whether a line is a service that goes on period after period."""
    offer = rows.find(one.offer)
    return offer is not None and offer.form is Form.SUBSCRIPTION


def _line(quote: ServiceQuote, n: int, ask: Ask, one: Figured) -> ServiceQuoteLine:
    gross = Money(one.gross)
    return ServiceQuoteLine(
        quote=quote, n=n, offer=one.offer, bundle=one.bundle, words=one.words, quantity=one.quantity,
        list_amount=Money(one.listed), discount=Money(one.listed) - gross, gross=gross, net=Money(one.net),
        tax=Money(one.tax), tax_category=one.price.tax.code, tax_bp=one.price.tax.bp,
        price=db.session.get_one(PriceVersion, one.price.id), inputs=ask.written(), plan=plans.written(one.plan),
        starts=one.starts, ends=one.ends,
    )  # fmt: skip


def needs_order(party: Party) -> bool:
    """Whether a buyer asked that every order of his names a purchase order."""
    found = select(BuyerSetting.needs_order).where(BuyerSetting.party_id == party.id)
    return bool(db.session.scalar(found))


def _hash(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seen_word(party: Party, lines: Sequence[Figured]) -> str:
    """Return the fingerprint of what figures hang on: prices, quantities, tax, and the buyer's standing."""
    return _hash([buyers.standing_of(party), [one.inputs for one in lines]])


def fingerprint_of(quote: ServiceQuote, lines: Sequence[Figured]) -> str:
    """Return the fingerprint of what a quote's figures hang on."""
    return seen_word(quote.party, lines)


def hold_numbers() -> None:
    """Hold the counter of quotes: whoever buys on the same page at the same time waits until this is saved."""
    hold(f"Q-{clock.today().year}")


def digest_of(quote: ServiceQuote) -> str:
    """Return the SHA-256 of all that a version says: who accepts names it, so that nobody accepts what he did not see."""
    return _hash(
        {
            "number": quote.name, "party": quote.party.uid, "title": quote.title, "clauses": quote.clauses,
            "until": str(quote.expires_on), "deemed": quote.deemed, "gross": quote.gross.minor, "net": quote.net.minor,
            "tax": quote.tax.minor, "contract": quote.needs_contract,
            "lines": [
                [line.offer, line.words, line.quantity, line.list_amount.minor, line.gross.minor, line.net.minor,
                 line.tax_bp, line.plan, str(line.starts), str(line.ends)]
                for line in quote.lines
            ],
        }
    )  # fmt: skip


def now(quote: ServiceQuote) -> list[Figured]:
    """Return the lines of a version in the figures of today."""
    return [one for ask in asks_of(quote) for one in figured(ask, quote.party, day=clock.today())]


def versions_count(number: str) -> int:
    """Return how many versions a quote has."""
    return int(db.session.scalar(select(func.count()).where(ServiceQuote.number == number)) or 0)
