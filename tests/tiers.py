"""Builders for tests of tiers: a member with a paid year, a change approved, money that arrives."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Person
from portal.billing import issuing, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt, Way
from portal.billing.note_models import CreditNote
from portal.billing.verify import verify_books
from portal.core import catalogue, clock, periods
from portal.core.db import db, transaction
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move
from portal.members import reports, terms, tier_apply, tier_changes, tier_quotes
from portal.members.belonging import Ending, Membership, Term, TermKind
from portal.members.events import ApplicationApproved
from portal.members.models import Application, ApplicationState
from portal.members.tier_models import TierQuote
from tests.people import make_org, make_person

S = ApplicationState
NEW_YEAR = date(2026, 1, 1)
WAIVED = {"en": "Founding member: first year waived", "zh": "创始会员：首年会费豁免"}
EVERYTHING = (ContactRole.OWNER, ContactRole.SIGNATORY, ContactRole.REPRESENTATIVE, ContactRole.BILLING)


def house() -> None:
    """Add two of finance; call inside a transaction."""
    for name in ("fang", "feng"):
        make_person(f"{name}@house.example", name.title(), staff=(StaffRole.FINANCE,))


def money(bill: Invoice) -> Receipt:
    """Let the whole sum of an invoice arrive; call inside a transaction."""
    receipt, _new = settling.record_receipt(
        Way.TEST, "test", f"pi_{bill.id}_{db.session.scalar(select(func.count(Receipt.id)))}", issuing.owed(bill),
        clock.today(), payer="Galaxy Ltd", party=bill.party, by="payment page",
    )  # fmt: skip
    settling.put_on(receipt, bill, by="test")
    return receipt


def year(
    membership: Membership, tier: str, start: date, *, kind: TermKind = TermKind.NEW, k: int = 0,
    anchor: date | None = None, waived: bool = False, paid: bool = True,
) -> Term:  # fmt: skip
    """Invoice a year of dues, let it be paid, and open its term; call inside a transaction."""
    price = price_of(catalogue.entry("tier", tier)["product"])
    item = Item(price, discount=price.amount, discount_words=WAIVED) if waived else Item(price)
    subject = f"test:{tier}-{start}-{membership.id}-{db.session.scalar(select(func.count(Invoice.id)))}"
    order = issuing.place_order(issuing.party_of(membership.org), subject, [item])
    bill = issuing.issue_invoice(order, language="en", by="test")
    if paid and not waived:
        money(bill)
    first = anchor or start
    term = terms.open_term(
        membership, kind=kind, tier=tier, start=start, months=12, price=price.amount, charged=bill.gross,
        cover="waiver" if waived else "invoice", invoice=bill, by="test", anchor=first, k=k,
    )  # fmt: skip
    issuing.agree(order, start, periods.period(first, 12, k)[1])
    return term


def member(tier: str, start: date = NEW_YEAR, *, name: str = "Galaxy Ltd", **more: Any) -> Membership:
    """Add an organisation with its owner and a term from a day; call inside a transaction with the clock there."""
    owner = make_person(f"chen@{name.split()[0].lower()}.example", "Chen")
    org = make_org(name, *((owner, role) for role in EVERYTHING))
    org.category = "software"
    membership = terms.found_membership(org)
    year(membership, tier, start, **more)
    return membership


def one() -> Membership:
    """Return the one membership."""
    return db.session.scalars(select(Membership)).one()


def chen() -> Person:
    """Return the member's owner."""
    return db.session.query(Person).filter(Person.email.startswith("chen@")).one()


def approved(tier: str, membership: Membership | None = None) -> TierQuote:
    """Ask for a tier and let it be approved, today; return the preview to confirm. Call inside a transaction."""
    row = tier_apply.ask((membership or one()).org, tier, by=chen(), language="en")
    return approve(row)


def approve(row: Application) -> TierQuote:
    """Approve a request for another tier as if it had been reviewed; call inside a transaction."""
    for state in (S.SUBMITTED, S.IN_REVIEW, S.APPROVED):
        move(row, state)
    row.submitted_at = row.decided_at = clock.now()
    db.session.flush()
    publish(ApplicationApproved(row))
    quote = tier_quotes.last_quote(row)
    assert quote is not None
    return quote


def change(tier: str, day: date, *, paid: bool = True) -> TierQuote:
    """Change the one member's tier on a day: asked, approved, confirmed and, where it costs something, paid."""
    with clock.stopped_at(day):
        with transaction():
            number = approved(tier).id
        with transaction():
            tier_changes.change_tier(db.session.get_one(TierQuote, number), by=chen())
        quote = db.session.get_one(TierQuote, number)
        if paid and quote.invoice is not None and issuing.owed(quote.invoice):
            with transaction():
                money(quote.invoice)
        return db.session.get_one(TierQuote, number)


def again(number: int) -> TierQuote:
    """Return a preview as it stands now."""
    return db.session.get_one(TierQuote, number)


def bill(number: int) -> Invoice:
    """Return the invoice of a confirmed preview."""
    found = again(number).invoice
    assert found is not None
    return found


def confirm(number: int) -> TierQuote:
    """Confirm a preview as the member's owner; call inside a transaction."""
    return tier_changes.change_tier(again(number), by=chen())


def facts() -> list[tuple[str, str, str, str, int]]:
    """Return every term in order: kind, tier, start, first day without it, fen charged."""
    found = []
    for term in db.session.scalars(select(Term).order_by(Term.start, Term.id)):
        cut = db.session.scalar(select(func.min(Ending.on)).where(Ending.term_id == term.id))
        found.append((term.kind.value, term.tier, str(term.start), str(cut or term.end), term.charged.minor))
    return found


def bills() -> list[tuple[list[int], int]]:
    """Return every invoice in order: its lines and its sum, in fen."""
    rows = db.session.scalars(select(Invoice).order_by(Invoice.id))
    return [([line.gross.minor for line in row.lines], row.gross.minor) for row in rows]


def charged() -> Money:
    """Return what all documents charge together: invoices less credit notes."""
    total = sum((row.gross for row in db.session.scalars(select(Invoice))), Money(0))
    return total - sum((row.gross for row in db.session.scalars(select(CreditNote))), Money(0))


def clean() -> list[str]:
    """Return what verification finds wrong with books and memberships, once the night has brought standings up to date."""
    with transaction():
        terms.refresh(db.session.scalars(select(Membership)))
    return [*verify_books()[1], *reports.verify_memberships()[1]]
