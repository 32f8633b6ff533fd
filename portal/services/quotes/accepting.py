"""Accepting a quote: by whom it may, exactly as it was shown, once; order, invoice and period in one transaction."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts import merging
from portal.accounts.access import roles_of
from portal.accounts.may import ContactRole
from portal.accounts.people import Person
from portal.billing import splitting
from portal.billing.changing import Outdated
from portal.billing.instalments import issue_instalments
from portal.billing.models import Instalment, Invoice, Order, OrderLine, Party
from portal.billing.price_models import MONTHS
from portal.core import audit, catalogue, clock, periods
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move
from portal.services.offers import buyers
from portal.services.quotes import customer_orders, drafting, letters
from portal.services.quotes import plan as plans
from portal.services.quotes.deciding import rule
from portal.services.quotes.drafting import locked
from portal.services.quotes.events import QuoteAccepted
from portal.services.quotes.models import CustomerOrder, Q, QuoteFor, ServiceQuote, ServiceQuoteLine

UNLIMITED = -1


def limit_of(person: Person, party: Party) -> int:
    """Return up to which sum, in fen, a person may accept for a payer; 0 for not at all, `UNLIMITED` for any."""
    if party.org is None:
        return UNLIMITED if party.person_id == person.id else 0
    org_id = merging.kept_for(party.org).id
    held = {role for org, role in roles_of(person.id)[1] if org == org_id}
    if ContactRole.SIGNATORY in held:
        return UNLIMITED
    if ContactRole.OWNER in held:
        return rule("owner_accepts")
    return rule("billing_accepts") if ContactRole.BILLING in held else 0


def may_accept(person: Person, quote: ServiceQuote) -> bool:
    """Whether a person may accept a quote of its size."""
    most = limit_of(person, quote.party)
    return most == UNLIMITED or 0 < quote.gross.minor <= most


def refuse_unless_allowed(quote: ServiceQuote, by: Person) -> None:
    """Refuse whoever may not accept a quote of its size."""
    if not may_accept(by, quote):
        raise Forbidden(
            _l(
                "A signatory of the organisation accepts this; an owner up to %(owner)s, a billing contact up to %(billing)s.",
                owner=str(Money(rule("owner_accepts"))), billing=str(Money(rule("billing_accepts"))),
            )
        )  # fmt: skip


def still_holds(quote: ServiceQuote) -> None:
    """Raise `Outdated` unless a version still says what would be ordered: its last day, prices, standing and tax."""
    if quote.expires_on is None or quote.expires_on < clock.today():
        raise Outdated(_l("This quote has expired. Please ask for its next version."))
    try:
        lines = drafting.now(quote)
    except Refused as refusal:
        raise Outdated(refusal.words) from None
    if drafting.fingerprint_of(quote, lines) != quote.fingerprint:
        raise Outdated(
            _l("Prices, tax or your standing changed since this quote was sent. A new version follows.")
        )


def accept(
    quote: ServiceQuote, *, digest: str, by: Person | str, customer_order: CustomerOrder | None = None
) -> ServiceQuote:  # fmt: skip
    """Accept the version whose content is `digest`: its order is placed and what is due is invoiced, in one transaction.

    `by` is a person who may, or the name of what renews with the buyer's own tick.
    """
    row = locked(quote.id)
    if row.state is not Q.SENT:
        raise Refused(_l("This quote is closed already."))
    if isinstance(by, Person):
        refuse_unless_allowed(row, by)
    if digest != row.digest:
        raise Outdated(_l("This is not the version that you saw. Please read it again."))
    still_holds(row)
    buyers.refuse_overdue(row.party)
    customer_orders.use(row, customer_order)
    row.order = _order(row)
    row.accepted_by = by if isinstance(by, Person) else None
    row.ended_at = clock.now()
    move(row, Q.ACCEPTED)
    db.session.flush()
    row.invoice = _invoice(row, by)
    audit.record(
        "service_quote.accepted", row, by=by, org_id=row.party.org_id, number=row.name, gross=row.gross, digest=digest
    )  # fmt: skip
    publish(QuoteAccepted(row))
    letters.accepted(row)
    return row


def _order(row: ServiceQuote) -> Order:
    """Place the order of a quote: line for line its figures, agreed today, its parts of payment with it."""
    order = Order(party=row.party, ordered_subject=row.subject)
    db.session.add(order)
    for line in row.lines:
        line.order_line = _order_line(order, line)
    db.session.flush()
    for line in row.lines:
        plan = plans.read(line.plan)
        assert line.order_line is not None
        splitting.in_instalments(line.order_line, plan.shares, inclusive=line.price.inclusive)
    return order


def days_of(line: ServiceQuoteLine) -> tuple[date | None, date | None]:
    """Return the days of what lasts: those of the quote, or from the day of acceptance on."""
    months = MONTHS[line.price.interval]
    if line.starts is not None or months is None:
        return line.starts, line.ends
    return periods.period(clock.today(), months, 0)


def _order_line(order: Order, line: ServiceQuoteLine) -> OrderLine:
    price, (starts, ends) = line.price, days_of(line)
    made = OrderLine(
        order=order, product=price.product.code, stream=price.product.stream, recognition=price.product.recognition,
        price_version=price.version, quantity=line.quantity, list_amount=line.list_amount, discount=line.discount,
        gross=line.gross, net=line.net, tax=line.tax, tax_category=line.tax_category, tax_bp=line.tax_bp,
        words=line.words, discount_words=_discount(line),
    )  # fmt: skip
    made.agreed_on, made.period_start, made.period_end = clock.today(), starts, ends
    db.session.add(made)
    return made


def _discount(line: ServiceQuoteLine) -> dict[str, str]:
    """Return what the invoice says of what was taken off."""
    if not line.discount:
        return {}
    name = line.quote.name
    return {"en": f"Discount by quote {name}", "zh": f"按报价 {name} 优惠"}


def due_now(row: ServiceQuote) -> list[Instalment]:
    """Return the parts of a quote's order that are due and not invoiced."""
    lines = [line.order_line_id for line in row.lines]
    parts = select(Instalment).where(
        Instalment.order_line_id.in_(lines), Instalment.due_on <= clock.today(), Instalment.invoice_line_id.is_(None)
    )  # fmt: skip
    return list(db.session.scalars(parts.order_by(Instalment.order_line_id, Instalment.n)))


def _invoice(row: ServiceQuote, by: Person | str) -> Invoice | None:
    parts = due_now(row)
    return issue_instalments(parts, language=row.language, by=by) if parts else None


def accepted_total(party: Party) -> int:
    """Return what a payer accepted in all, in fen."""
    found = select(func.coalesce(func.sum(ServiceQuote.gross), 0)).where(
        ServiceQuote.party_id == party.id, ServiceQuote.state == Q.ACCEPTED
    )
    value: Any = db.session.scalar(found)
    return value.minor if isinstance(value, Money) else int(value or 0)


def reasons() -> dict[str, str]:
    """Return why a buyer may decline, by code, in the reader's language."""
    return {
        code: catalogue.in_words(body["name"]) for code, body in catalogue.entries("quote_decline").items()
    }


def opens_new(quote: ServiceQuote, *, by: Person | str) -> ServiceQuote:
    """Follow up on a version that no longer holds: its next one is drafted, or what is expired is closed."""
    row = locked(quote.id)
    return row if row.kind is QuoteFor.RENEWAL else drafting.revise(row, by=by)
