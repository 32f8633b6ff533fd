"""Years of simulated time on a scratch database: actors use the domain's own verbs, the chores run at their own times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from flask_babel import force_locale

from portal.core import clock, pdf
from portal.core.periods import nth
from portal.simulation import calendar, house, noticing
from portal.simulation.scenario import Scenario
from portal.simulation.telling import Event
from portal.simulation.world import World

Tell = Callable[[Event], None]
EVENING = timedelta(hours=23, minutes=59)


def last_day(scenario: Scenario) -> date:
    """Return the last day that a scenario lives through."""
    return nth(scenario.start, 12, scenario.years) - timedelta(days=1)


def prepare(scenario: Scenario) -> World:
    """Take the scenario's catalogue into the scratch database, hire the staff, invent the organisations."""
    with clock.stopped_at(scenario.start), force_locale("en"):
        house.try_catalogue(scenario)
        return house.found(scenario)


def live(world: World, *, tell: Tell, step: Callable[[], None], at_end: Callable[[date], None]) -> None:
    """Live through every day, telling what happened; `at_end` runs on the evening of the last one."""
    last = last_day(world.scenario)
    timetable = calendar.Timetable(world.scenario, last)
    with pdf.not_laid_out(), force_locale("en"):
        day = world.scenario.start
        while day <= last:
            if calendar.live(world, timetable, day):
                for event in noticing.look(world, day):
                    tell(event)
            step()
            day += timedelta(days=1)
        with clock.stopped_at(clock.start_of(last) + EVENING):
            at_end(last)
