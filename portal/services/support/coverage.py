"""At which level a person is served: by the paid periods of the organisation's support, for those on its list."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.price_models import PriceVersion, Product
from portal.billing.subscription_models import Subscription, SubscriptionPeriod, SubscriptionState
from portal.core import catalogue, clock, labels
from portal.core.db import db
from portal.services.quotes.term_models import ServiceEnding, ServiceTerm
from portal.services.support import calendars
from portal.services.support.clocks import ClockKind, Promise, Severity
from portal.services.support.people_models import SupportPerson

OPEN = "open"


class Standing(StrEnum):
    """How an organisation stands with a level it bought."""

    NOT_STARTED = "not_started"
    IN_FORCE = "in_force"
    GRACE = "grace"
    ENDED = "ended"


labels.name(
    Standing,
    {
        Standing.NOT_STARTED: _l("Begins later"),
        Standing.IN_FORCE: _l("Support in force"),
        Standing.GRACE: _l("In grace: payment is missing"),
        Standing.ENDED: _l("Support has ended"),
    },
    {Standing.IN_FORCE: "good", Standing.GRACE: "warn", Standing.NOT_STARTED: "wait"},
)
SERVED = (Standing.IN_FORCE, Standing.GRACE)


@dataclass(frozen=True, slots=True)
class Cover:
    """A level that an organisation bought: how it stands, and until which day (exclusive) it is paid."""

    level: str
    standing: Standing
    until: date


def levels() -> list[str]:
    """Return the codes of the levels, the best last."""
    return list(catalogue.entries("support_level"))


def name_of(level: str) -> str:
    """Return what a level is called in the reader's language."""
    row = catalogue.entries("support_level").get(level)
    return catalogue.in_words(row["name"]) if row is not None else level


def rank(level: str) -> int:
    """Return a level's place among the others; a level that is gone stands lowest."""
    known = levels()
    return known.index(level) if level in known else -1


def _standing(paid: Iterable[tuple[date, date, bool]], on: date) -> Cover | None:
    """Judge paid periods as (start, end, goes on): in force, in grace while it goes on, or not."""
    grace = timedelta(days=int(catalogue.policy("support.grace_days")))
    found: list[tuple[int, date, Standing]] = []
    for start, end, goes_on in paid:
        if start <= on < end:
            found.append((3, end, Standing.IN_FORCE))
        elif end <= on < end + grace and goes_on:
            found.append((2, end, Standing.GRACE))
        elif on < start:
            found.append((1, end, Standing.NOT_STARTED))
        else:
            found.append((0, end, Standing.ENDED))
    if not found:
        return None
    _order, end, standing = max(found)
    return Cover("", standing, end)


def covers(org: Organisation, *, on: date | None = None) -> list[Cover]:
    """Return every level an organisation bought and paid, the best first."""
    day, found = on or clock.today(), []
    for code, row in reversed(catalogue.entries("support_level").items()):
        judged = _standing(_paid(org.id, row["products"]), day) if row["products"] else None
        if judged is not None:
            found.append(Cover(code, judged.standing, judged.until))
    return found


def _paid(org_id: int, products: list[str]) -> list[tuple[date, date, bool]]:
    # Whoever left before the period's end by an agreed credit note is served up to that day.
    early = (
        select(func.min(ServiceEnding.last_day))
        .join(ServiceTerm, ServiceEnding.term_id == ServiceTerm.id)
        .where(
            ServiceTerm.subscription_id == Subscription.id, ServiceEnding.done_at.is_not(None),
            ServiceEnding.last_day >= SubscriptionPeriod.start, ServiceEnding.last_day < SubscriptionPeriod.end,
        )
    )  # fmt: skip
    rows = db.session.execute(
        select(SubscriptionPeriod.start, SubscriptionPeriod.end, Subscription.state, early.scalar_subquery())
        .join(Subscription, SubscriptionPeriod.subscription_id == Subscription.id)
        .join(Party, Subscription.party_id == Party.id)
        .join(PriceVersion, SubscriptionPeriod.price_id == PriceVersion.id)
        .join(Product, PriceVersion.product_id == Product.id)
        .join(Invoice, SubscriptionPeriod.invoice_id == Invoice.id)
        .where(
            Party.org_id == org_id, Product.code.in_(products), Invoice.state == InvoiceState.PAID, ~Invoice.reversed
        )
    )  # fmt: skip
    return [
        (start, min(end, early + timedelta(days=1)) if early else end, state is SubscriptionState.ACTIVE)
        for start, end, state, early in rows
    ]


def cover(org: Organisation | None, *, on: date | None = None) -> Cover | None:
    """Return the best level that serves an organisation on a day."""
    if org is None:
        return None
    return next((one for one in covers(org, on=on) if one.standing in SERVED), None)


def listed(org: Organisation) -> list[SupportPerson]:
    """Return the people who may ask at an organisation's level, in the order in which they came on the list."""
    rows = select(SupportPerson).where(SupportPerson.org_id == org.id, SupportPerson.ended_at.is_(None))
    return list(db.session.scalars(rows.order_by(SupportPerson.id)))


def is_listed(org: Organisation, person: Person) -> bool:
    """Whether a person is on the list."""
    return any(one.person_id == person.id for one in listed(org))


def level_for(org: Organisation | None, person: Person) -> str:
    """Return the level at which a person who asks is served now; whoever is not on the list is served openly."""
    found = cover(org)
    return found.level if org is not None and found is not None and is_listed(org, person) else OPEN


def most_people(level: str) -> int:
    """Return how many people of an organisation may ask at a level."""
    return int(catalogue.entry("support_level", level)["people"])


# ---- What a level promises, pinned


def promised(level: str) -> dict[str, Any]:
    """Return what a level promises today, with every day of its calendars that is known now: as a ticket keeps it."""
    row, known = catalogue.entry("support_level", level), catalogue.entries("support_calendar")
    today = clock.today().isoformat()
    days = {
        one["day"]: bool(one.get("works"))
        for one in catalogue.entries("holiday", on=date.max).values()
        if one["day"] >= today
    }
    used = sorted(set(row["calendars"].values()))
    return {
        "level": level,
        "calendars": {code: calendars.pinned(known[code], days) for code in used},
        "clocks": row["calendars"],
        "minutes": row["minutes"],
    }


def read(body: dict[str, Any]) -> Promise:
    """Return a promise as it was pinned."""
    return _read(json.dumps(body, sort_keys=True))


@lru_cache(maxsize=256)
def _read(text: str) -> Promise:
    body = json.loads(text)
    known = {code: calendars.read(row) for code, row in body["calendars"].items()}
    times = {
        (ClockKind(kind), Severity(severity)): timedelta(minutes=minutes)
        for kind, row in body["minutes"].items()
        for severity, minutes in row.items()
    }
    return Promise({ClockKind(kind): known[code] for kind, code in body["clocks"].items()}, times)


def missing_year() -> int | None:
    """Return next year from October on while no day off of it is known; else None."""
    today = clock.today()
    if today.month < 10:
        return None
    there = any(
        one["day"].startswith(str(today.year + 1))
        for one in catalogue.entries("holiday", on=date.max).values()
    )
    return None if there else today.year + 1
