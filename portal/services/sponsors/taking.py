"""Taking a place: held for some days, let go, signed with its order and invoice, in use from the first day on."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.groups import group_of
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.states import move
from portal.core.words import day, moment
from portal.services.sponsors import editions, letters, selling
from portal.services.sponsors.exclusion import Taker, in_the_way
from portal.services.sponsors.kinds import SOLD, PlaceState, Scope
from portal.services.sponsors.models import (
    Exclusivity,
    PlaceItem,
    SponsorEdition,
    SponsorPackage,
    SponsorPlace,
)

P = PlaceState


def locked(place: SponsorPlace) -> SponsorPlace:
    """Return a place under its edition's lock, fresh from the database."""
    editions.locked(place.package.edition)
    return db.session.get_one(SponsorPlace, place.id, populate_existing=True)


def taker(org: Organisation, package: SponsorPackage, scope: Scope, category: str) -> Taker:
    """Return who takes a place of a package, with its corporate group today."""
    return Taker(org.id, group_of(org), category, package.id, scope)


def taken(edition: SponsorEdition, now: datetime) -> list[tuple[SponsorPlace, Taker]]:
    """Return the places of an edition that are held or sold at an instant, with what each has for itself then."""
    found = []
    for place in editions.places(edition, P.HELD, *SOLD):
        if place.org is None or (place.held_until is not None and place.held_until <= now):
            continue
        row = _live(place, now)
        scope, category = (row.scope, row.category) if row is not None else (Scope.NONE, place.org.category)
        found.append((place, taker(place.org, place.package, scope, category)))
    return found


def _live(place: SponsorPlace, now: datetime) -> Exclusivity | None:
    rows = select(Exclusivity).where(
        Exclusivity.place_id == place.id,
        Exclusivity.starts <= now,
        (Exclusivity.ends.is_(None)) | (Exclusivity.ends > now),
    )
    return db.session.scalars(rows.order_by(Exclusivity.id.desc())).first()


def hold(
    package: SponsorPackage, org: Organisation, *, by: Person, until: datetime | None = None
) -> SponsorPlace:
    """Hold a place of a package for an organisation for some days; under the edition's lock, so that the last one goes once."""
    now, edition = clock.now(), editions.locked(package.edition)
    if clock.today() > edition.last_day:
        raise Refused(_l("This edition is over."))
    for place in editions.places(edition, P.HELD):
        if place.held_until is not None and place.held_until <= now:
            _free(place, by="hold over")
    _refuse_first(edition, package, org)
    here = taken(edition, now)
    asking = taker(org, package, package.scope, org.category)
    other = in_the_way(asking, (one for _place, one in here))
    if other is not None:
        raise Refused(_why_excluded(next(place for place, one in here if one is other)), field="org")
    free = [one for one in editions.places(edition, P.OPEN) if one.package_id == package.id]
    if not free:
        raise Refused(_l("No place of this package is free."), field="package")
    row = free[0]
    days = timedelta(days=int(catalogue.policy("sponsorship.hold_days")))
    if until is not None and not now < until <= now + 4 * days:
        raise Refused(_l("A place is held for some days to come."), field="until", status=422)
    row.org, row.held_by, row.held_until = org, by, until or now + days
    move(row, P.HELD)
    _keep(row, ends=row.held_until)
    db.session.flush()
    audit.record("place.held", row, by=by, org_id=org.id, until=row.held_until, package=package.names["en"])
    letters.held(row)
    return row


def _keep(place: SponsorPlace, *, ends: datetime | None) -> None:
    """Write down what a place has for itself from now on."""
    package, org = place.package, place.org
    if package.scope is Scope.NONE or org is None:
        return
    db.session.add(
        Exclusivity(
            place=place, org=org, scope=package.scope, category=org.category, starts=clock.now(), ends=ends
        )
    )
    db.session.flush()


def end_kept(place: SponsorPlace) -> None:
    """Let what a place has for itself end now; what had not begun to count anew keeps its days."""
    now = clock.now()
    for row in db.session.scalars(
        select(Exclusivity).where(
            Exclusivity.place_id == place.id, (Exclusivity.ends.is_(None)) | (Exclusivity.ends > now)
        )
    ):
        row.ends = max(now, row.starts)


def _refuse_first(edition: SponsorEdition, package: SponsorPackage, org: Organisation) -> None:
    """Refuse a title while last year's title sponsor has first refusal and somebody else asks."""
    if not package.title or edition.refusal_until is None or clock.today() > edition.refusal_until:
        return
    before = editions.last_title_sponsors(edition)
    if before and org.id not in {one for sponsor in before for one in group_of(sponsor)}:
        raise Refused(
            _l(
                "Until %(day)s %(org)s, which had the title last year, has first refusal.",
                day=day(edition.refusal_until), org=before[0].name,
            ),
            field="org",
        )  # fmt: skip


def _why_excluded(place: SponsorPlace) -> str:
    org = place.org.name if place.org is not None else ""
    if place.held_until is not None:
        return str(
            _l(
                "%(org)s holds a place that excludes this one, until %(moment)s.",
                org=org, moment=moment(place.held_until),
            )
        )  # fmt: skip
    return str(_l("%(org)s has a place that excludes this one.", org=org))


def _free(place: SponsorPlace, *, by: Person | str) -> None:
    org_id = place.org_id
    letters.let_go(place)
    end_kept(place)
    move(place, P.OPEN)
    place.org, place.held_by, place.held_until = None, None, None
    db.session.flush()
    audit.record("place.let_go", place, by=by, org_id=org_id)


def let_go(place: SponsorPlace, *, by: Person) -> None:
    """Let a held place be for sale again."""
    _free(locked(place), by=by)


def lapse(place: SponsorPlace, *, by: str) -> bool:
    """Let a place go whose hold is over; False if it is not."""
    row = locked(place)
    if row.state is not P.HELD or row.held_until is None or row.held_until > clock.now():
        return False
    _free(row, by=by)
    return True


def sign(place: SponsorPlace, *, contract: str, by: Person) -> None:
    """Write down that the contract is executed: the place is ordered and invoiced, and its checklist begins."""
    row = locked(place)
    if row.state is P.HELD and row.held_until is not None and row.held_until <= clock.now():
        raise Refused(_l("The hold is over: please hold the place again first."))
    move(row, P.SIGNED)
    row.held_until, row.contract, row.signed_on = None, contract.strip(), clock.today()
    end_kept(row)
    _keep(row, ends=None)
    for one in editions.items(row.package):
        due = row.package.edition.first_day + timedelta(days=one.days)
        db.session.add(PlaceItem(place=row, kind=one.kind, words=one.words, due_on=due))
    selling.sell(row, by=by)
    db.session.flush()
    audit.record(
        "place.signed", row, by=by, org_id=row.org_id, contract=row.contract, price=row.package.price
    )
    letters.signed(row)


def begin(place: SponsorPlace, *, by: str) -> bool:
    """Let a signed place be in use from the first day of its edition on; False before that."""
    row = locked(place)
    if row.state is not P.SIGNED or clock.today() < row.package.edition.first_day:
        return False
    move(row, P.RUNNING)
    audit.record("place.began", row, by=by, org_id=row.org_id)
    return True
