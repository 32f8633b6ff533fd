"""One simulated day: the chores at their own times, the people in the morning, the outbox after each."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.core import chores, clock, outbox
from portal.core.chores import Chore
from portal.core.db import db, let_go
from portal.core.outbox import OutboxItem
from portal.simulation.scenario import Scenario
from portal.simulation.world import OPENING, World

# They only read all that is there, every time anew: once at the end says the same as every night.
AT_THE_END = frozenset({"check_audit", "check_files"})
OPEN = select(OutboxItem.id).where(OutboxItem.done_at.is_(None), OutboxItem.dead_at.is_(None)).limit(1)
NOON = timedelta(hours=12)
DONE = timedelta(hours=23, minutes=58)


class Timetable:
    """When each chore runs on a day: at its own time; one that comes round every few minutes once, after the people."""

    def __init__(self, scenario: Scenario, last: date) -> None:
        self.last = last
        self.first, self.every = scenario.start, scenario.chores.every
        self.times = scenario.chores.times
        self.outages = [(one.start, one.until) for one in scenario.chores.outages]
        self.daily: list[tuple[timedelta, str]] = []
        self.rarely: list[Chore] = []
        for chore in chores.table().values():
            if chore.name in AT_THE_END:
                continue
            minute, hour, *days = chore.cron.split()
            if days != ["*", "*", "*"]:
                self.rarely.append(chore)
            elif hour.isdigit() and minute.isdigit():
                self.daily.append((timedelta(hours=int(hour), minutes=int(minute)), chore.name))
            else:
                self.daily.append((self._often(chore, scenario.start), chore.name))
        self._next: dict[str, datetime] = {}

    def _often(self, chore: Chore, day: date) -> timedelta:
        midnight = clock.start_of(day)
        found: datetime = chores.trigger(chore).get_next_fire_time(None, midnight + NOON)
        return found - midnight

    def _on(self, chore: Chore, day: date) -> timedelta | None:
        """Return when a chore of certain days runs on a day, if it does."""
        known = self._next.get(chore.name)
        if known is None or clock.day_of(known) < day:
            known = self._next[chore.name] = chores.trigger(chore).get_next_fire_time(
                None, clock.start_of(day)
            )
        return known - clock.start_of(day) if clock.day_of(known) == day else None

    def of(self, day: date) -> list[tuple[timedelta, str]]:
        """Return what runs on a day in the order of its times; nothing while the clock is out."""
        out = any(start <= day < until for start, until in self.outages)
        if out or not self.times or ((day - self.first).days % self.every and day != self.last):
            return []
        found = list(self.daily)
        found += [(at, chore.name) for chore in self.rarely if (at := self._on(chore, day)) is not None]
        if day == self.last:
            found += [(DONE, name) for name in sorted(AT_THE_END)]
        return sorted(found)


def live(world: World, timetable: Timetable, day: date) -> bool:
    """Live through one day; return whether anything could have happened."""
    slots = timetable.of(day)
    _run(day, [slot for slot in slots if slot[0] < OPENING], timetable.times)
    acted = world.sit(day)
    if acted:
        _drain(day, NOON - timedelta(minutes=1))
    _run(day, [slot for slot in slots if slot[0] >= OPENING], timetable.times)
    return acted or bool(slots)


def _run(day: date, slots: list[tuple[timedelta, str]], times: int) -> None:
    midnight = clock.start_of(day)
    for at, name in slots:
        with clock.stopped_at(midnight + at):
            for _ in range(times):
                chores.run(name)
    if slots:
        _drain(day, slots[-1][0] + timedelta(minutes=1))


def _drain(day: date, at: timedelta) -> None:
    open_now = db.session.execute(OPEN).first()
    let_go()
    if open_now is None:
        return
    with clock.stopped_at(clock.start_of(day) + at):
        outbox.drain("simulation")
