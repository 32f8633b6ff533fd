"""The invariants of changes of tier, each finding naming its preview: what was shown is what was invoiced and split."""

from __future__ import annotations

from sqlalchemy import select

from portal.billing.models import InvoiceLine
from portal.billing.note_models import CreditNote, CreditNoteLine, NoteState
from portal.billing.quote_models import LineRole
from portal.core.db import db
from portal.members import quotes
from portal.members.belonging import Ending
from portal.members.standing import EndingCause
from portal.members.tier_models import TierLine, TierQuote, TierQuoteState

T = TierQuoteState


def verify_tiers() -> list[str]:
    """Return a sentence for each change whose documents, split or sums are not those of its preview."""
    found: list[str] = []
    rows = select(TierQuote).where(TierQuote.state.in_([T.CONFIRMED, T.DONE])).order_by(TierQuote.id)
    for quote in db.session.scalars(rows):
        found += _documents(quote)
        if quote.state is T.DONE:
            found += [one for line in quote.lines for one in _split(quote, line)]
    return found


def _documents(quote: TierQuote) -> list[str]:
    """What was confirmed is what was invoiced: the same lines, or a note of the same sum."""
    found = []
    if quote.gross.minor != sum(line.gross.minor for line in quote.lines):
        found.append(f"tiers: {quote.number} is not the sum of its lines")
    if quote.gross.minor < 0 and not quote.credit_note_number:
        found.append(f"tiers: {quote.number} gives money back without a credit note")
    if quote.gross.minor > 0 and quote.invoice is None:
        found.append(f"tiers: {quote.number} was confirmed without an invoice")
    if quote.invoice_id is not None:
        billed = db.session.execute(
            select(InvoiceLine.net, InvoiceLine.tax)
            .where(InvoiceLine.invoice_id == quote.invoice_id)
            .order_by(InvoiceLine.n)
        ).all()
        shown = [(line.net, line.tax) for line in quote.lines if line.list_amount or line.gross]
        if shown != [(net, tax) for net, tax in billed]:
            found.append(f"tiers: {quote.number} was invoiced otherwise than shown")
    return found


def _split(quote: TierQuote, line: TierLine) -> list[str]:
    """Used and unused make what the old term charged; the new term begins where the old one ends, at the quoted day."""
    old, name = line.old_term, f"tiers: {quote.number}"
    if line.role is LineRole.CREDIT:
        used = quotes.used_of(old.charged.minor, old.start, line.ends, line.starts)
        if used - line.gross.minor != old.charged.minor and not _noted(quote, line):
            return [f"{name} gives back {-line.gross.minor} fen beside {used} used of {old.charged.minor}"]
        return []
    found = []
    cut = select(Ending.id).where(
        Ending.term_id == old.id, Ending.on == line.starts, Ending.cause == EndingCause.TIER_CHANGE
    )
    if db.session.scalar(cut) is None:
        found.append(f"{name} has not ended the term before on {line.starts}")
    new = line.new_term
    if new is None or (new.start, new.end) != (line.starts, old.end):
        found.append(f"{name} has no term of its own over {line.starts} to {old.end}")
    elif (new.charged, new.tier) != (line.gross, quote.new_tier):
        found.append(f"{name} charged {line.gross} and its term says {new.charged}")
    return found


def _noted(quote: TierQuote, line: TierLine) -> bool:
    """Whether finance had credited part of the old line by itself: then less than the formula was left."""
    other = (
        select(CreditNoteLine.id)
        .join(CreditNote)
        .where(
            CreditNoteLine.order_line_id == line.old_line_id,
            CreditNote.state == NoteState.ISSUED,
            CreditNote.number != quote.credit_note_number,
        )
    )
    return db.session.scalar(other.limit(1)) is not None
