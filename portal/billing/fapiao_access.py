"""Which fapiaos a reader may see, ask for and find waiting."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, false, func, or_, select

from portal.accounts.access import Reader, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.access import of_orgs
from portal.billing.fapiao import limit_of
from portal.billing.fapiao_models import Fapiao, FapiaoState
from portal.billing.models import Invoice, InvoiceState, Party
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.money import Money

WAITING = (FapiaoState.REQUESTED, FapiaoState.RED_REQUESTED)


def visible_fapiaos(reader: Reader) -> Select[Fapiao]:
    """Select the fapiaos a reader may see: staff of money all, others those of their parties."""
    return select(Fapiao) if reader.staff_may(May.READ_MONEY) else own_fapiaos(reader)


def own_fapiaos(reader: Reader) -> Select[Fapiao]:
    """Select the fapiaos of the reader's own organisations and his own, whatever else he is."""
    himself = Party.person_id == reader.person.id if reader.personal else false()
    own = select(Party.id).where(or_(of_orgs(reader.orgs(May.SEE_MONEY)), himself))
    return select(Fapiao).where(Fapiao.party_id.in_(own))


def visible_fapiao(uid: str) -> Fapiao:
    """Return one fapiao of those the reader may see; foreign ones look missing."""
    row = db.session.scalars(visible_fapiaos(me()).where(Fapiao.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such fapiao, or it is not yours."))
    return row


def pays_for(reader: Reader, party: Party) -> bool:
    """Whether the reader asks for the fapiaos of a party: its billing contact or owner, or the person himself."""
    himself = reader.personal and party.person_id == reader.person.id
    return himself or party.org_id in reader.orgs(May.PAY)


def party_for(holder: Organisation | Person) -> Party | None:
    """Return the paying party of a holder, if there is one."""
    column = Party.org_id if isinstance(holder, Organisation) else Party.person_id
    return db.session.scalars(select(Party).where(column == holder.id)).first()


def ready(party: Party) -> list[tuple[Invoice, Money]]:
    """Return the invoices of a party for which a fapiao can be asked, with their limits, the oldest first."""
    statement = select(Invoice).where(
        Invoice.party_id == party.id,
        Invoice.state.in_([InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.UNCOLLECTIBLE]),
        Invoice.gross > Money(0),
    )
    found = [(row, limit_of(row)) for row in db.session.scalars(statement.order_by(Invoice.id))]
    return [(row, limit) for row, limit in found if limit]


def waiting() -> Select[Fapiao]:
    """Select what waits for finance: requests and red letters, the oldest first."""
    return select(Fapiao).where(Fapiao.state.in_(WAITING)).order_by(Fapiao.id)


def count_waiting() -> Select[int]:
    """Select how many requests and red letters wait."""
    return select(func.count(Fapiao.id)).where(Fapiao.state.in_(WAITING))
