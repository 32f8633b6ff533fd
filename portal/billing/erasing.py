"""What billing keeps of a person at an erasure: the documents stay as issued, the profile of the payer goes."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select

from portal.accounts.erasure_plan import Fate, Line, say
from portal.accounts.events import PersonErased
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import saved_cards
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Allocation
from portal.core.db import db

F = Fate


def install() -> None:
    """Name the items and reasons of this domain."""
    say(
        {
            "card": _l("Your card on file at the payment provider"),
            "payer": _l("Billing profile: title, address, telephone, bank"),
            "invoices": _l("Invoices to you"),
            "payments": _l("Payments on your invoices"),
            "because_books": _l("documents and books are kept as issued for the time the law asks"),
        }
    )


def party_of_person(person: Person) -> Party | None:
    """Return the payer that a person is, by himself or as an individual member."""
    holder = select(Organisation.id).where(Organisation.person_id == person.id).scalar_subquery()
    return db.session.scalars(
        select(Party).where(or_(Party.person_id == person.id, Party.org_id == holder)).order_by(Party.id)
    ).first()


def lines(person: Person) -> list[Line]:
    """Return what becomes of each item of this domain."""
    party = party_of_person(person)
    if party is None:
        return []
    mine = Invoice.party_id == party.id
    invoices = db.session.scalar(select(func.count()).select_from(Invoice).where(mine)) or 0
    paid = db.session.scalar(select(func.count()).select_from(Allocation).join(Invoice).where(mine)) or 0
    return [
        Line("payer", F.ERASED, 1),
        Line("card", F.ERASED, int(saved_cards.card_of(party) is not None)),
        Line("invoices", F.KEPT, invoices, "because_books"),
        Line("payments", F.KEPT, paid, "because_books"),
    ]


def on_erased(event: PersonErased) -> None:
    """Empty the profile of the payer; what was issued keeps its words."""
    party = party_of_person(event.person)
    if party is not None:
        card = saved_cards.card_of(party)
        if card is not None:
            saved_cards.remove(card, by=event.person)
        party.title = event.token
        party.tax_number = party.address = party.telephone = party.bank = party.bank_account = ""
