"""Which rows of money a reader may see."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, false, or_, select

from portal.accounts import merging
from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing.models import Invoice, InvoiceState, Party
from portal.core.db import db
from portal.core.errors import Missing

ISSUED = select(Invoice).where(Invoice.state != InvoiceState.DRAFT)


def visible_invoices(reader: Reader | None) -> Select[Invoice]:
    """Select the issued invoices a reader may see: staff of money all, others those of their parties."""
    if reader is None:
        return ISSUED.where(false())
    if reader.staff_may(May.READ_MONEY):
        return ISSUED
    himself = Party.person_id == reader.person.id if reader.personal else false()
    own = select(Party.id).where(or_(of_orgs(reader.orgs(May.SEE_MONEY)), himself))
    return ISSUED.where(Invoice.party_id.in_(own))


def visible_invoice(uid: str) -> Invoice:
    """Return one invoice of those the reader may see; foreign ones look missing."""
    row = db.session.scalars(visible_invoices(me()).where(Invoice.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such invoice, or it is not yours."))
    return row


def payable_invoice(uid: str) -> Invoice:
    """Return one invoice the reader may pay, for himself or his organisation."""
    row, reader = visible_invoice(uid), me()
    if not may_pay(reader, row):
        raise Missing(_l("There is no such invoice, or it is not yours."))
    return row


def may_pay(reader: Reader, invoice: Invoice) -> bool:
    """Whether the reader pays for the party of an invoice."""
    party = invoice.party
    holder = merging.kept_for(party.org).id if party.org is not None else None
    return party.person_id == reader.person.id or holder in reader.orgs(May.PAY)


def of_orgs(orgs: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a party is one of these organisations, or of an entry that was merged into one."""
    merged = select(Organisation.id).where(Organisation.merged_into_id.in_(orgs))
    return or_(Party.org_id.in_(orgs), Party.org_id.in_(merged))
