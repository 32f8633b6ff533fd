"""Stop selling at a published price: one proposes the day, a second person of finance ends it; what was sold keeps it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.billing.ending_models import EndingState, PriceEnding
from portal.billing.price_models import PriceState, PriceVersion
from portal.billing.publishing import body_of, key_of, locked_product
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move


def waiting_for(row: PriceVersion) -> PriceEnding | None:
    """Return the proposal to end a price that waits for a second person."""
    return db.session.scalars(
        select(PriceEnding).where(PriceEnding.price_id == row.id, PriceEnding.state == EndingState.PROPOSED)
    ).first()


def waiting() -> Select[PriceEnding]:
    """Select the proposals that wait, the oldest first."""
    return select(PriceEnding).where(PriceEnding.state == EndingState.PROPOSED).order_by(PriceEnding.id)


def count_waiting() -> Select[int]:
    """Select how many proposals wait."""
    return select(func.count(PriceEnding.id)).where(PriceEnding.state == EndingState.PROPOSED)


def _check(row: PriceVersion, on: date) -> None:
    if row.state is not PriceState.PUBLISHED:
        raise Refused(_l("Only a published price can be ended."))
    if on < max(clock.today(), row.valid_from):
        raise Refused(_l("This day lies before today or before the price."), field="on", status=422)
    if row.valid_to is not None and row.valid_to < on:
        raise Refused(_l("The price ends earlier already."), field="on", status=422)


def propose_ending(row: PriceVersion, *, on: date, by: Person, reason: str) -> PriceEnding:
    """Ask a second person to stop selling at a price from a day on; until then it is sold as before."""
    locked_product(row.product_id)
    _check(row, on)
    if waiting_for(row) is not None:
        raise Refused(_l("Somebody has proposed this already."))
    made = PriceEnding(price=row, ends_on=on, reason=reason, by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("price.ending_proposed", row, by=by, reason=reason, on=on, **_facts(row))
    return made


def _second(row: PriceVersion, by: Person) -> PriceEnding:
    locked_product(row.product_id)
    found = waiting_for(row)
    if found is None:
        raise Missing(_l("Nobody proposes to end this price."))
    if found.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person of finance decides on it."))
    return found


def end_price(row: PriceVersion, *, by: Person) -> None:
    """Stand for another's proposal: the price is not sold from its day on."""
    found = _second(row, by)
    _check(row, found.ends_on)
    found.second = by
    move(found, EndingState.DONE)
    move(row, PriceState.RETIRED)
    row.valid_to = found.ends_on
    db.session.flush()
    audit.record("price.retired", row, by=by, reason=found.reason, on=found.ends_on, **_facts(row))
    body = {**body_of(row), "source": "office", "until": str(found.ends_on)}
    catalogue.put("price", key_of(row), body, found.ends_on)


def keep_price(row: PriceVersion, *, by: Person) -> None:
    """Say no to another's proposal: the price is sold as before."""
    found = _second(row, by)
    found.second = by
    move(found, EndingState.DECLINED)
    audit.record("price.ending_declined", row, by=by, on=found.ends_on, **_facts(row))


def _facts(row: PriceVersion) -> dict[str, Any]:
    return {"product": row.product.code, "number": row.version, "valid_from": row.valid_from}
