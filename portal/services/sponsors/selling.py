"""The one place where sponsorship orders: a place at its price, earned day by day over the edition. A quote can stand here."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.people import Person
from portal.billing.catalogue import price_of
from portal.billing.issuing import agree, issue_invoice, party_of, place_order
from portal.billing.selling import Item
from portal.core.db import db
from portal.services import people
from portal.services.sponsors.models import SponsorPlace


def sell(place: SponsorPlace, *, by: Person) -> None:
    """Order a signed place and issue its invoice; what was agreed is earned from the first to the last day."""
    assert place.org is not None
    package, edition = place.package, place.package.edition
    words = {tongue: f"{edition.names[tongue]} · {package.names[tongue]}" for tongue in ("zh", "en")}
    item = Item(price_of(package.product), quote=package.price.minor, words=words)
    place.order = place_order(party_of(place.org), place.subject, [item])
    db.session.flush()
    agree(place.order, edition.first_day, edition.last_day + timedelta(days=1))
    place.invoice = issue_invoice(
        place.order,
        language=people.language_of(place.org),
        by=by,
        subject=f"{place.subject}:{place.signed_on}",
    )
