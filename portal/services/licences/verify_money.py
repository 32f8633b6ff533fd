"""What always holds of what is sold of licences: figures, documents and terms say the same."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from portal.billing.models import InvoiceLine, InvoiceState
from portal.core import clock
from portal.core.db import db
from portal.core.money import Money
from portal.services.licences.contracts import ends_with, source
from portal.services.licences.kinds import BORROWED, TermKind
from portal.services.licences.models.deal import (
    CONTRACTS,
    DealKind,
    DealState,
    LicenceQuote,
    LicenceTransfer,
    TransferState,
)
from portal.services.licences.models.licence import Licence, LicenceState, LicenceTerm

D, K = DealState, DealKind


def verify_money() -> list[str]:
    """Return a sentence for each fault."""
    quotes = list(db.session.scalars(select(LicenceQuote).order_by(LicenceQuote.id)))
    terms = list(db.session.scalars(select(LicenceTerm).order_by(LicenceTerm.id)))
    return [
        *_figures(quotes),
        *_invoices(quotes),
        *_terms(quotes, terms),
        *_kept(terms),
        *_transfers(),
        *_years(quotes),
    ]


def _figures(quotes: Iterable[LicenceQuote]) -> Iterable[str]:
    """A quote is the sum of its lines; a line of an order is worth the lines of the quote that belong to it."""
    for one in quotes:
        if one.kind is K.TRANSFERRED:
            continue
        for name in ("gross", "net", "tax"):
            said = sum((getattr(line, name) for line in one.lines), Money(0))
            if said != getattr(one, name):
                yield f"{one.subject}: {name} is {getattr(one, name)}, its lines make {said}"
        worth: dict[int, Money] = {}
        for line in one.lines:
            if line.order_line_id is not None:
                worth[line.order_line_id] = worth.get(line.order_line_id, Money(0)) + line.gross
        for line in one.lines:
            of = line.order_line
            if of is not None and one.state is not D.DROPPED and of.gross != worth[of.id]:
                yield f"{one.subject}: its order's line {of.id} is over {of.gross}, its own lines make {worth[of.id]}"


def _invoices(quotes: Iterable[LicenceQuote]) -> Iterable[str]:
    """What was accepted is what was invoiced, line by line."""
    for one in quotes:
        if one.invoice is None:
            continue
        printed = [(row.gross, row.net, row.tax) for row in one.invoice.lines]
        if printed != [(row.gross, row.net, row.tax) for row in one.lines]:
            yield f"{one.subject}: its invoice {one.invoice.number} says something else"
        gone = one.invoice.state is InvoiceState.VOID or one.invoice.reversed
        if one.state is D.DROPPED and not gone:
            yield f"{one.subject}: given up, and its invoice {one.invoice.number} stands"
        if one.state is D.ORDERED and gone:
            yield f"{one.subject}: waits for the money of an invoice that was taken back"


def _terms(quotes: Iterable[LicenceQuote], terms: Iterable[LicenceTerm]) -> Iterable[str]:
    """What is in effect has its terms, what is not has none; a term never has more nodes than were paid for."""
    by_source = {one.source: one for one in terms}
    for one in quotes:
        for line in one.lines:
            if line.order_line is None or not line.adds or one.kind is K.TRANSFERRED:
                continue
            term = by_source.get(source(line.order_line))
            if one.state is D.DONE and term is None:
                yield f"{one.subject}: in effect, and its nodes are in no term"
            if one.state in (D.OFFERED, D.ORDERED) and term is not None:
                yield f"{one.subject}: not in effect, and {term.subject} gives its nodes"
            if term is not None and term.nodes != line.adds:
                yield f"{term.subject}: {term.nodes} nodes, {line.adds} were sold"


def _kept(terms: Iterable[LicenceTerm]) -> Iterable[str]:
    """A pending licence has no term that keeps it in force; what is lent ends; a paid term rests on a line of an order."""
    states = {one.id: one.state for one in db.session.execute(select(Licence.id, Licence.state))}
    lines = select(InvoiceLine.order_line_id).distinct()
    paid = set(db.session.scalars(lines))
    for one in terms:
        if states[one.licence_id] is LicenceState.PENDING and one.kind not in BORROWED:
            yield f"{one.subject}: its licence was never active"
        name, _colon, number = one.source.removeprefix("transfer:").removesuffix(":again").partition(":")
        if one.kind is TermKind.BASE and name == "order_line" and int(number) not in paid:
            yield f"{one.subject}: nobody was invoiced for it"


def _years(quotes: Iterable[LicenceQuote]) -> Iterable[str]:
    """Paid years of one licence never lie over each other, but where the first was ended early."""
    last: dict[int, LicenceQuote] = {}
    done = [
        one for one in quotes if one.state is D.DONE and one.kind in CONTRACTS and one.starts_on is not None
    ]
    for one in sorted(done, key=lambda row: (row.licence_id, row.starts_on or clock.today(), row.id)):
        before = last.get(one.licence_id)
        if before is not None and _reaches(before) > clock.start_of(one.starts_on or clock.today()):
            yield f"{one.subject}: begins before {before.subject} ends"
        last[one.licence_id] = one


def _reaches(quote: LicenceQuote) -> datetime:
    return clock.start_of(ends_with(quote) or quote.starts_on or clock.today())


def _transfers() -> Iterable[str]:
    rows = (
        select(LicenceTransfer)
        .where(LicenceTransfer.state == TransferState.DONE)
        .order_by(LicenceTransfer.id)
    )
    for one in db.session.scalars(rows):
        if one.licence.state is not LicenceState.SUPERSEDED or one.licence.replaced_by is None:
            yield f"{one.subject}: done, and its licence is not replaced"
