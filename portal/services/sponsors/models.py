"""Editions, packages with what they promise, places with their checklist, and what each has for itself and how long."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person, new_uid
from portal.billing.models import Invoice, Order
from portal.core import clock
from portal.core.db import Model, choice
from portal.core.files import StoredFile
from portal.core.money import Money
from portal.services.sponsors.kinds import PlaceState, PromiseKind, PromiseState, Scope


class SponsorEdition(Model):
    """One year's edition of an event, both days inclusive; `turn` is counted up by whoever holds its lock."""

    __tablename__ = "sponsor_edition"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    event: Mapped[str] = mapped_column(String(40))
    year: Mapped[int]
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    city: Mapped[str] = mapped_column(String(80))
    first_day: Mapped[date]
    last_day: Mapped[date]
    refusal_until: Mapped[date | None] = mapped_column(default=None)
    scale: Mapped[list[Any]] = mapped_column(JSON, default_factory=list)
    turn: Mapped[int] = mapped_column(init=False, default=0)
    __table_args__ = (
        UniqueConstraint("event", "year"),
        CheckConstraint("last_day >= first_day", name="lasts"),
    )


class SponsorPackage(Model):
    """What a sponsor can buy of an edition: at which price, how often, and what it has for itself by then."""

    __tablename__ = "sponsor_package"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    edition_id: Mapped[int] = mapped_column(ForeignKey("sponsor_edition.id"), init=False, index=True)
    edition: Mapped[SponsorEdition] = relationship(lazy="joined", innerjoin=True)
    names: Mapped[dict[str, str]] = mapped_column(JSON)
    product: Mapped[str] = mapped_column(String(60))
    price: Mapped[Money]
    scope: Mapped[Scope] = mapped_column(choice(Scope))
    title: Mapped[bool]


class PackageItem(Model):
    """Something a package promises, or asks of its sponsor, so many days before (below zero) or after the first day."""

    __tablename__ = "sponsor_package_item"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    package_id: Mapped[int] = mapped_column(ForeignKey("sponsor_package.id"), init=False, index=True)
    package: Mapped[SponsorPackage] = relationship()
    kind: Mapped[PromiseKind] = mapped_column(choice(PromiseKind))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    days: Mapped[int]


class SponsorPlace(Model):
    """A place of a package: for sale, held for an organisation until an instant, signed, in use, fulfilled or cancelled."""

    __tablename__ = "sponsor_place"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    package_id: Mapped[int] = mapped_column(ForeignKey("sponsor_package.id"), init=False, index=True)
    package: Mapped[SponsorPackage] = relationship(lazy="joined", innerjoin=True)
    n: Mapped[int]
    state: Mapped[PlaceState] = mapped_column(
        choice(PlaceState), init=False, default=PlaceState.OPEN, index=True
    )
    org_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), init=False, index=True)
    org: Mapped[Organisation | None] = relationship(lazy="joined", init=False, default=None)
    held_until: Mapped[datetime | None] = mapped_column(init=False, default=None)
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    held_by: Mapped[Person | None] = relationship(foreign_keys=[held_by_id], init=False, default=None)
    contract: Mapped[str] = mapped_column(String(200), init=False, default="")
    signed_on: Mapped[date | None] = mapped_column(init=False, default=None)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("billing_order.id"), init=False)
    order: Mapped[Order | None] = relationship(init=False, default=None)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), init=False)
    invoice: Mapped[Invoice | None] = relationship(init=False, default=None)
    leaving_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), init=False)
    leaving_by: Mapped[Person | None] = relationship(foreign_keys=[leaving_by_id], init=False, default=None)
    leaving_reason: Mapped[str] = mapped_column(String(300), init=False, default="")
    leaving_percent: Mapped[int | None] = mapped_column(init=False, default=None)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}
    __table_args__ = (
        UniqueConstraint("package_id", "n"),
        CheckConstraint("(state = 'open') = (org_id IS NULL)", name="taken"),
        CheckConstraint("(state = 'held') = (held_until IS NOT NULL)", name="held"),
    )


class Exclusivity(Model):
    """What a place has for itself, `[starts, ends)`; open from the signature on, ended when the place is let go."""

    __tablename__ = "sponsor_exclusivity"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    place_id: Mapped[int] = mapped_column(ForeignKey("sponsor_place.id"), init=False, index=True)
    place: Mapped[SponsorPlace] = relationship()
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), init=False)
    org: Mapped[Organisation] = relationship()
    scope: Mapped[Scope] = mapped_column(choice(Scope))
    category: Mapped[str] = mapped_column(String(40))
    starts: Mapped[datetime]
    ends: Mapped[datetime | None] = mapped_column(default=None)


class PlaceItem(Model):
    """Something promised on a place, with its day, what was handed in, and the proof."""

    __tablename__ = "sponsor_place_item"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    uid: Mapped[str] = mapped_column(String(32), unique=True, init=False, default_factory=new_uid)
    place_id: Mapped[int] = mapped_column(ForeignKey("sponsor_place.id"), init=False, index=True)
    place: Mapped[SponsorPlace] = relationship(lazy="joined", innerjoin=True)
    kind: Mapped[PromiseKind] = mapped_column(choice(PromiseKind))
    words: Mapped[dict[str, str]] = mapped_column(JSON)
    due_on: Mapped[date]
    state: Mapped[PromiseState] = mapped_column(choice(PromiseState), init=False, default=PromiseState.DUE)
    given: Mapped[str] = mapped_column(String(500), init=False, default="")
    proof: Mapped[str] = mapped_column(String(500), init=False, default="")
    back: Mapped[str] = mapped_column(String(300), init=False, default="")
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), init=False, default=None)
    file: Mapped[StoredFile | None] = relationship(init=False, default=None, lazy="joined")
    done_at: Mapped[datetime | None] = mapped_column(init=False, default=None)
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)
    edition: Mapped[int] = mapped_column(init=False, default=1)
    __mapper_args__ = {"version_id_col": edition}


NO_PLACE = _l("There is no such place.")
