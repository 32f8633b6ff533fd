"""A buyer's purchase orders: given once, named by quotes, printed on every invoice, and watched up to their sum."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.people import Person
from portal.billing import purchase_orders
from portal.billing.models import Invoice, Party
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.services.quotes import letters
from portal.services.quotes.models import BuyerSetting, CustomerOrder, Q, ServiceQuote

WARN_PERCENT = 80


def give(
    party: Party, number: str, *, by: Person, ordered_on: date, reference: str = "", most: Money | None = None,
    file: StoredFile | None = None,
) -> CustomerOrder:  # fmt: skip
    """Write a purchase order of a buyer down; the same number twice is one."""
    text = number.strip()
    if not text:
        raise Refused(_l("Please give the number of the order."), field="number", status=422)
    if most is not None and most <= Money(0):
        raise Refused(_l("The limit is more than nothing."), field="most", status=422)
    found = db.session.scalars(
        select(CustomerOrder).where(CustomerOrder.party_id == party.id, CustomerOrder.number == text)
    ).first()
    if found is not None:
        raise Refused(
            _l("This order is known already; choose it, or give another number."), field="number", status=422
        )
    row = CustomerOrder(
        party=party, number=text, ordered_on=ordered_on, reference=reference, most=most, file=file, by=by
    )
    db.session.add(row)
    db.session.flush()
    audit.record("customer_order.given", row, by=by, org_id=party.org_id, number=text, gross=most)
    return row


def of_party(party: Party) -> list[CustomerOrder]:
    """Return a buyer's purchase orders, the newest first."""
    rows = select(CustomerOrder).where(CustomerOrder.party_id == party.id)
    return list(db.session.scalars(rows.order_by(CustomerOrder.id.desc())))


def used(row: CustomerOrder) -> Money:
    """Return what was ordered under a purchase order."""
    found = db.session.scalar(
        select(func.sum(ServiceQuote.gross)).where(
            ServiceQuote.customer_order_id == row.id, ServiceQuote.state == Q.ACCEPTED
        )
    )
    return found if isinstance(found, Money) else Money(int(found or 0))


def use(quote: ServiceQuote, order: CustomerOrder | None) -> None:
    """Put a purchase order on a quote that is being accepted; `Refused` beyond its sum, or where one is missing."""
    if order is None:
        if quote.needs_order and quote.customer_order is None:
            raise Refused(
                _l("This order needs your purchase order: please give its number first."),
                field="order",
                status=422,
            )
        order = quote.customer_order
    if order is None:
        return
    row = _locked(order.id)
    if row.party_id != quote.party_id:
        raise Missing(_l("There is no such purchase order."))
    if row.most is not None:
        before = used(row)
        if before + quote.gross > row.most:
            raise Refused(
                _l(
                    "Purchase order %(number)s goes up to %(most)s, of which %(used)s are used.", number=row.number,
                    most=str(row.most), used=str(before),
                ),
                field="order",
            )  # fmt: skip
        after = (before + quote.gross).minor * 100
        if before.minor * 100 < row.most.minor * WARN_PERCENT <= after:
            letters.order_nearly_used(row, before + quote.gross)
    quote.customer_order = row


def _locked(order_id: int) -> CustomerOrder:
    taken = (
        update(CustomerOrder)
        .where(CustomerOrder.id == order_id)
        .values(edition=CustomerOrder.edition + 1)
        .returning(CustomerOrder)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return db.session.scalars(taken).one()


def name_on(quote: ServiceQuote, order: CustomerOrder, *, by: Person) -> None:
    """Name the purchase order of a quote that was accepted without one, before anything of it is invoiced."""
    if quote.state is Q.ACCEPTED and quote.invoice is not None:
        raise Refused(_l("This is invoiced already: please write the number on the invoice's page."))
    use(quote, order)
    audit.record(
        "service_quote.order_named", quote, by=by, org_id=quote.party.org_id, number=quote.name, order_number=order.number
    )  # fmt: skip


def require(party: Party, needed: bool, *, by: Person) -> None:
    """Say, as a buyer, whether every order of his must name a purchase order."""
    row = db.session.scalars(select(BuyerSetting).where(BuyerSetting.party_id == party.id)).first()
    if row is None:
        row = BuyerSetting(party=party)
        db.session.add(row)
    if row.needs_order != needed:
        row.needs_order = needed
        audit.record("party.order_required", party, by=by, org_id=party.org_id, needed=needed)
    db.session.flush()


def of_invoice(invoice: Invoice) -> str:
    """Return the number that stands on an invoice: that of the quote by which it was ordered."""
    subject = invoice.order.ordered_subject
    if not subject.startswith("service_quote:"):
        return ""
    quote = db.session.get(ServiceQuote, int(subject.partition(":")[2]))
    return quote.customer_order.number if quote is not None and quote.customer_order is not None else ""


def install() -> None:
    """Let billing ask which number stands on an invoice."""
    purchase_orders.ask_order(of_invoice)
