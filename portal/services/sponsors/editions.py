"""Editions and packages: when and where, what can be bought how often, what it promises, and what leaving costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.catalogue import price_of
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.words import money
from portal.services.sponsors.kinds import SOLD, PlaceState, PromiseKind, Scope
from portal.services.sponsors.models import PackageItem, SponsorEdition, SponsorPackage, SponsorPlace

PRODUCTS = ("sponsorship", "sponsorship.partner")
MOST_PLACES = 50


def locked(edition: SponsorEdition) -> SponsorEdition:
    """Return an edition under its lock: whoever takes or frees a place of it waits here in turn."""
    db.session.flush()
    db.session.execute(
        update(SponsorEdition)
        .where(SponsorEdition.id == edition.id)
        .values(turn=SponsorEdition.turn + 1)
        .execution_options(synchronize_session=False)
    )
    return db.session.get_one(SponsorEdition, edition.id, populate_existing=True)


def announce(
    *, event: str, year: int, names: dict[str, str], city: str, first_day: date, last_day: date, by: Person,
    refusal_until: date | None = None,
) -> SponsorEdition:  # fmt: skip
    """Write down an edition; the scale of what leaving costs is that of the catalogue on this day."""
    if last_day < first_day or (last_day - first_day).days > 730:
        raise Refused(
            _l("The last day lies before the first, or too far after it."), field="last_day", status=422
        )
    same = select(SponsorEdition.id).where(SponsorEdition.event == event, SponsorEdition.year == year)
    if db.session.scalar(same) is not None:
        raise Refused(_l("This event has an edition of that year already."), field="year", status=422)
    scale = [[int(days), int(percent)] for days, percent in catalogue.policy("sponsorship.leaving")]
    row = SponsorEdition(
        event=event, year=year, names=names, city=city, first_day=first_day, last_day=last_day,
        refusal_until=refusal_until, scale=scale,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("sponsorship.announced", row, by=by, event=event, year=year, first_day=first_day)
    return row


def offer(
    edition: SponsorEdition, *, names: dict[str, str], product: str, price: Money, quantity: int, scope: Scope,
    title: bool, by: Person,
) -> SponsorPackage:  # fmt: skip
    """Offer a package of an edition, so many places of it, within the range of its price."""
    row = locked(edition)
    if not 1 <= quantity <= MOST_PLACES:
        raise Refused(_l("A package has 1 to 50 places."), field="quantity", status=422)
    terms = price_of(product).terms
    low, high = Money(terms.low or 0), Money(terms.high if terms.high is not None else price.minor)
    if not low <= price <= high:
        raise Refused(
            _l("The price lies between %(low)s and %(high)s.", low=money(low), high=money(high)),
            field="price", status=422,
        )  # fmt: skip
    made = SponsorPackage(edition=row, names=names, product=product, price=price, scope=scope, title=title)
    db.session.add(made)
    for n in range(1, quantity + 1):
        db.session.add(SponsorPlace(package=made, n=n))
    db.session.flush()
    audit.record("sponsorship.offered", row, by=by, package=names["en"], quantity=quantity, price=price)
    return made


def promise(
    package: SponsorPackage, *, kind: PromiseKind, words: dict[str, str], days: int, by: Person
) -> PackageItem:
    """Say what a package promises or asks for; places that are signed keep what they were signed with."""
    if abs(days) > 730:
        raise Refused(_l("This day lies too far away."), field="days", status=422)
    row = PackageItem(package=package, kind=kind, words=words, days=days)
    db.session.add(row)
    db.session.flush()
    audit.record(
        "sponsorship.promised", package.edition, by=by, package=package.names["en"], promise=words["en"]
    )
    return row


def packages(edition: SponsorEdition) -> list[SponsorPackage]:
    """Return the packages of an edition, the dearest first."""
    rows = select(SponsorPackage).where(SponsorPackage.edition_id == edition.id)
    return list(db.session.scalars(rows.order_by(SponsorPackage.price.desc(), SponsorPackage.id)))


def items(package: SponsorPackage) -> list[PackageItem]:
    """Return what a package promises, by day."""
    rows = select(PackageItem).where(PackageItem.package_id == package.id)
    return list(db.session.scalars(rows.order_by(PackageItem.days, PackageItem.id)))


def places(edition: SponsorEdition, *states: PlaceState) -> list[SponsorPlace]:
    """Return the places of an edition, by package and number; with states only those."""
    rows = (
        select(SponsorPlace)
        .join(SponsorPackage, SponsorPlace.package_id == SponsorPackage.id)
        .where(SponsorPackage.edition_id == edition.id)
        .order_by(SponsorPackage.price.desc(), SponsorPackage.id, SponsorPlace.n)
        .execution_options(populate_existing=True)
    )
    if states:
        rows = rows.where(SponsorPlace.state.in_(states))
    return list(db.session.scalars(rows))


def coming() -> list[SponsorEdition]:
    """Return the editions that are not over, the next first."""
    rows = select(SponsorEdition).where(SponsorEdition.last_day >= clock.today())
    return list(db.session.scalars(rows.order_by(SponsorEdition.first_day, SponsorEdition.id)))


def last_title_sponsors(edition: SponsorEdition) -> Sequence[Organisation]:
    """Return who had the title of last year's edition of the event."""
    rows = db.session.scalars(
        select(SponsorPlace)
        .join(SponsorPackage, SponsorPlace.package_id == SponsorPackage.id)
        .join(SponsorEdition, SponsorPackage.edition_id == SponsorEdition.id)
        .where(
            SponsorEdition.event == edition.event, SponsorEdition.year == edition.year - 1, SponsorPackage.title,
            SponsorPlace.state.in_(SOLD),
        )
        .order_by(SponsorPlace.id)
    )  # fmt: skip
    return [row.org for row in rows if row.org is not None]
