"""What waits for staff of sponsorship: holds near their end, things handed in, promises that are late, cancellations."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.may import May
from portal.core import catalogue, clock, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.core.words import day, moment
from portal.services.sponsors import letters
from portal.services.sponsors.fulfilling import LIVE
from portal.services.sponsors.kinds import PlaceState, PromiseKind, PromiseState
from portal.services.sponsors.models import PlaceItem, SponsorPlace

MOST = 50


def _task(place: SponsorPlace, action: str, **more: Any) -> Task:
    return waiting.task(
        letters.name_of(place), action, url_for("sponsors_office.place", uid=place.uid), **more
    )


def _selling() -> list[Task]:
    held = select(SponsorPlace).where(SponsorPlace.state == PlaceState.HELD)
    found = [
        _task(
            one, _("Have it signed"),
            detail=_("%(org)s, held until %(moment)s", org=one.org.name, moment=moment(one.held_until)),
        )
        for one in db.session.scalars(held.order_by(SponsorPlace.held_until).limit(MOST))
        if one.org is not None and one.held_until is not None
    ]  # fmt: skip
    today = clock.today()
    rows = (
        select(PlaceItem)
        .join(SponsorPlace, PlaceItem.place_id == SponsorPlace.id)
        .where(
            SponsorPlace.state.in_(LIVE),
            (PlaceItem.state == PromiseState.GIVEN)
            | (
                (PlaceItem.state == PromiseState.DUE)
                & (PlaceItem.kind == PromiseKind.BENEFIT)
                & (PlaceItem.due_on <= today)
            ),
        )
        .order_by(PlaceItem.due_on, PlaceItem.id)
    )
    return found + [
        _task(
            one.place, _("Look at it") if one.state is PromiseState.GIVEN else _("Give it"), overdue=one.due_on < today,
            detail=_("%(what)s, due on %(day)s", what=catalogue.in_words(one.words), day=day(one.due_on)),
        )
        for one in db.session.scalars(rows.limit(MOST))
    ]  # fmt: skip


def tasks(reader: Any) -> list[Task]:
    """Return what sponsorship asks of a reader."""
    found = _selling() if reader.staff_may(May.SELL_PLACES) else []
    if reader.staff_may(May.CREDIT):
        leaving = select(SponsorPlace).where(
            SponsorPlace.leaving_by_id.is_not(None), SponsorPlace.state.in_(LIVE),
            SponsorPlace.leaving_by_id != reader.person.id,
        )  # fmt: skip
        found += [
            _task(one, _("Confirm the cancellation"), detail=one.leaving_reason)
            for one in db.session.scalars(leaving.order_by(SponsorPlace.id).limit(MOST))
        ]
    return found
