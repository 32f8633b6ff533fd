"""Which licences a reader sees, and which he manages: foreign ones look missing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from portal.accounts.access import Reader, me, scoped
from portal.accounts.may import May
from portal.core.db import db
from portal.core.errors import Forbidden, Missing
from portal.core.money import Money
from portal.services.licences import plans
from portal.services.licences.models.deal import LicenceQuote, LicenceTransfer
from portal.services.licences.models.licence import Licence


def visible(reader: Reader | None) -> Select[Licence]:
    """Select the licences a reader may see: staff all, others those of their organisations."""
    found: Select[Licence] = scoped(
        select(Licence), Licence.org_id, reader, own=May.SEE_ORG, staff=May.READ_LICENCES
    )
    return found


def seen(uid: str) -> Licence:
    """Return one licence of those the reader may see."""
    row = db.session.scalars(visible(me()).where(Licence.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such licence."))
    return row


def managed(uid: str) -> Licence:
    """Return one licence whose keys, nodes and files the reader manages."""
    row = seen(uid)
    if not may_manage(me(), row):
        raise Forbidden(_l("Owners and technical contacts manage licences."))
    return row


def owned(uid: str) -> Licence:
    """Return one licence whose keys the reader makes and ends: for its organisation alone, never as staff."""
    row = seen(uid)
    if row.org_id not in me().orgs(May.MANAGE_LICENCES):
        raise Forbidden(_l("Owners and technical contacts manage licences."))
    return row


def may_manage(reader: Reader, row: Licence) -> bool:
    """Whether the reader manages a licence, for its organisation or as staff."""
    return row.org_id in reader.orgs(May.MANAGE_LICENCES) or reader.staff_may(May.RUN_LICENCES)


def run(uid: str) -> Licence:
    """Return one licence for what staff alone do."""
    row = seen(uid)
    if not me().staff_may(May.RUN_LICENCES):
        raise Forbidden(_l("Only staff may do this."))
    return row


def may_buy(reader: Reader, org_id: int) -> bool:
    """Whether the reader orders licences for an organisation: its owners and signatories, staff on behalf."""
    return owns(reader, org_id) or org_id in reader.orgs(May.SIGN) or reader.staff_may(May.SELL)


def owns(reader: Reader, org_id: int) -> bool:
    """Whether the reader is an owner of an organisation: pays for it and manages its licences."""
    return org_id in reader.orgs(May.PAY) & reader.orgs(May.MANAGE_LICENCES)


def given_away(uid: str) -> Licence:
    """Return one licence that the reader may hand over to another organisation."""
    row = seen(uid)
    if not owns(me(), row.org_id):
        raise Forbidden(_l("Only an owner hands a licence over."))
    return row


def coming(uid: str) -> LicenceTransfer:
    """Return a transfer to an organisation of which the reader is an owner."""
    reader = me()
    mine = reader.orgs(May.PAY) & reader.orgs(May.MANAGE_LICENCES)
    rows = select(LicenceTransfer).where(LicenceTransfer.uid == uid, LicenceTransfer.to_org_id.in_(mine))
    row = db.session.scalars(rows).first()
    if row is None:
        raise Missing(_l("There is no such transfer."))
    return row


def may_accept(reader: Reader, org_id: int, gross: Money) -> bool:
    """Whether the reader accepts a change at this sum: signatories any, owners and billing contacts up to theirs."""
    if org_id in reader.orgs(May.SIGN) or reader.staff_may(May.SELL):
        return True
    if org_id in reader.orgs(May.PAY) & reader.orgs(May.MANAGE_LICENCES):
        return gross.minor <= plans.rule("owner_accepts")
    return org_id in reader.orgs(May.PAY) and gross.minor <= plans.rule("billing_accepts")


def bought_for(uid: str) -> Licence:
    """Return one licence whose number of nodes the reader may have changed."""
    row = seen(uid)
    if not (may_buy(me(), row.org_id) or row.org_id in me().orgs(May.PAY)):
        raise Forbidden(_l("Owners, signatories and billing contacts change the number of nodes."))
    return row


def refuse_accept(quote: LicenceQuote) -> None:
    """Refuse a reader who may not accept a quote at its sum."""
    if not may_accept(me(), quote.licence.org_id, quote.gross):
        raise Forbidden(_l("This sum is accepted by a signatory of your organisation."))
