"""What people do without being part of a case: owners confirm their lists, staff release what waits at the wall."""

from __future__ import annotations

from datetime import date, timedelta

from portal.accounts import confirming
from portal.accounts.care_models import ContactCheck
from portal.accounts.organisations import Organisation
from portal.core.db import db, transaction
from portal.core.periods import nth
from portal.members import editions
from portal.simulation.cast import Firm
from portal.simulation.world import World


def confirm_people(world: World, firm: Firm, check: ContactCheck) -> None:
    """Let an owner who is asked confirm the list of people, most before they are reminded."""
    number = check.id
    world.after(firm.next("confirming").randint(1, 18), lambda: _confirm(world, firm, number))


def _confirm(world: World, firm: Firm, number: int) -> None:
    def act() -> None:
        row = db.session.get_one(ContactCheck, number)
        if row.confirmed_at is None:
            confirming.confirm(db.session.get_one(Organisation, firm.org_id), by=world.owner(firm))

    world.attempt(firm, "confirm people", act)


def look_at_the_wall(world: World, anchor: date, n: int = 1) -> None:
    """Have the director release, once a month, the removals that wait."""

    def act() -> None:
        look_at_the_wall(world, anchor, n + 1)
        with transaction():
            waits = [db.session.get_one(Organisation, row.org_id).uid for row in editions.waiting()]
            if waits:
                editions.release(waits, by=world.who("director"))

    world.plan(nth(anchor, 1, n) + timedelta(days=4), act)
