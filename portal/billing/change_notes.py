"""The credit note of a change that gives money back: what ends and what begins in one document, to the quoted fen."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.billing import crediting, recognition
from portal.billing.models import Invoice, InvoiceLine
from portal.billing.note_figures import Figures
from portal.billing.note_models import NoteKind
from portal.billing.note_shares import home_of, lineage, room
from portal.billing.quote_models import Quote, QuoteLine
from portal.core.errors import Refused
from portal.core.money import Money


def _figures(line: QuoteLine) -> Figures:
    """Return a line as the note says it: above zero what is given back, below what is charged."""
    if line.new_line is not None:
        return Figures(None, -line.net, -line.tax, of=line.new_line, words=line.words)
    if line.old_line is None:
        raise ValueError(f"{line.subject} belongs to no order")
    there = recognition.charges(line.old_line)
    by = there[-1] if there and isinstance(there[-1], InvoiceLine) else None
    return Figures(
        by, Money(-line.net.minor), -line.tax, of=line.old_line, words=line.words, since=line.starts
    )


def _own(quote: Quote) -> Invoice:
    """Return the invoice that a note goes by: the newest of those that led to what ends and still hold something."""
    ends = [line.old_line for line in quote.lines if line.old_line is not None and line.net < Money(0)]
    homes = [home for line in ends if (home := home_of(line)) is not None]
    for invoice in lineage(*homes):
        if room(invoice) > 0:
            return invoice
    raise Refused(_l("There is no invoice that this change could lower: finance changes it by hand."))


def issue_note(quote: Quote, by: Person | str) -> str:
    """Issue one credit note with all lines of a quote; return its number."""
    parts = [_figures(line) for line in quote.lines]
    note = crediting.issue_change(_own(quote), NoteKind.PRICE_ADJUSTMENT, parts, by=by, reason=quote.number)
    return str(note.number)
