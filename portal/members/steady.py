"""Who is a member beyond doubt, asked in SQL: a paid term covers the day, and nothing was ever said that could change that.

It is a shortcut past `standing` for lists of many members, never a second opinion: whoever it names is active, and whoever
it does not name is asked by his facts.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import exists, or_

from portal.billing.models import Invoice, InvoiceState
from portal.members.belonging import Ending, Hold, Membership, Term


def surely_active(org_id: Any, *, on: date) -> Any:
    """Return the condition that the organisation of a column is active on a day, and plainly so."""
    paid = exists().where(
        Invoice.id == Term.invoice_id, Invoice.state == InvoiceState.PAID, Invoice.reversed.is_(False)
    )
    covers = exists().where(
        Term.membership_id == Membership.id, Term.start <= on, or_(Term.end.is_(None), Term.end > on),
        or_(Term.cover != "invoice", Term.invoice_id.is_(None), paid),
    )  # fmt: skip
    ended = exists().where(Ending.term_id == Term.id, Term.membership_id == Membership.id)
    held = exists().where(
        Hold.membership_id == Membership.id, Hold.start <= on, or_(Hold.end.is_(None), Hold.end > on)
    )
    return exists().where(Membership.org_id == org_id, covers, ~ended, ~held)
