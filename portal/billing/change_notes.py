"""Changes that give money back: a credit note on what runs, over exactly what the quote says."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import changing, crediting
from portal.billing.models import Invoice, InvoiceLine, InvoiceState
from portal.billing.note_figures import Figures
from portal.billing.note_models import NoteKind
from portal.billing.quote_models import Quote, QuoteLine
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money


def _invoiced(line: QuoteLine) -> InvoiceLine:
    """Return the invoice line that charged what a line takes back."""
    found = db.session.scalars(
        select(InvoiceLine)
        .join(Invoice)
        .where(
            InvoiceLine.order_line_id == line.old_line_id,
            InvoiceLine.net > Money(0),
            Invoice.state.in_([InvoiceState.OPEN, InvoiceState.PAID]),
        )
        .order_by(InvoiceLine.id)
    ).first()
    if found is None:
        raise Refused(_l("There is no invoice that this change could lower: finance changes it by hand."))
    return found


def lower(quote: Quote, by: Person | str) -> str:
    """Issue one credit note per invoice that the quote lowers; return the number of the first.

    What is new stays on the line that runs, lowered to it for the days left: the note is over the difference.
    """
    number = ""
    for starts in dict.fromkeys(line.starts for line in quote.lines):
        mine = [line for line in quote.lines if line.starts == starts]
        net, tax = -sum((one.net for one in mine), Money(0)), -sum((one.tax for one in mine), Money(0))
        back = [line for line in mine if line.net < Money(0)]
        if net <= Money(0) or not back:
            raise Refused(
                _l("Part of this change costs more and part less: please change one period at a time.")
            )
        of = _invoiced(back[0])
        note = crediting.issue_change(
            of.invoice, NoteKind.PRICE_ADJUSTMENT, [Figures(of, net, tax)], by=by, reason=quote.number
        )
        number = number or str(note.number)
    return number


def install() -> None:
    """Serve the changes of subscriptions."""
    changing.credit_by(lower)
