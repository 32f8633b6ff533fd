"""The clocks of a ticket as functions of its history: nothing is stored, so nothing goes stale. No database, no clock.

First answer: from the receipt to the first public words of a human. Next answer: from the earliest customer message that
is not answered. Workaround: the time in `new` and `open`. A clock runs one or several *runners*: what was promised at the
start, and what a raised severity or a better level promised later; the one that ends first decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from portal.services.support.calendars import NOTHING, Calendar

STEPS = (50, 80, 100, 150)


class ClockKind(StrEnum):
    """What a customer waits for."""

    FIRST = "first"
    NEXT = "next"
    WORKAROUND = "workaround"


class Severity(StrEnum):
    """How much stands still, the worst first."""

    S1 = "s1"
    S2 = "s2"
    S3 = "s3"


WORST_FIRST = tuple(Severity)


class FactKind(StrEnum):
    """What a history consists of, as far as clocks look at it."""

    RECEIVED = "received"
    ASKED = "asked"
    ANSWERED = "answered"
    WORKAROUND = "workaround"
    STATE = "state"
    SEVERITY = "severity"
    LEVEL = "level"
    EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a level promises: hours by clock, and the time for each clock and severity (none: nothing promised)."""

    calendars: Mapping[ClockKind, Calendar]
    times: Mapping[tuple[ClockKind, Severity], timedelta]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the history: `value` is a state or severity; `promise` what a level promises from here on.

    Of `EARLIER`, `since` is when a ticket that was merged into this one had come in.
    """

    at: datetime
    kind: FactKind
    value: str = ""
    promise: Promise | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Runner:
    """A promised time, counted by a calendar from an instant on."""

    calendar: Calendar
    length: timedelta
    since: datetime


@dataclass(slots=True)
class Clock:
    """One run of a clock: when it counted, by which runners, and when it was met (or ended without need)."""

    kind: ClockKind
    start: datetime
    runners: list[Runner] = field(default_factory=list)
    counted: list[tuple[datetime, datetime]] = field(default_factory=list)
    counting: datetime | None = None
    met: datetime | None = None
    moot: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is waited for any more."""
        return self.met is not None or self.moot is not None

    def _stretches(self, until: datetime | None) -> list[tuple[datetime, datetime | None]]:
        now: list[tuple[datetime, datetime | None]] = (
            [(self.counting, until)] if self.counting is not None else []
        )
        return [*self.counted, *now]

    def spent(self, runner: Runner, at: datetime) -> timedelta:
        """Return how much of a promised time is used up at an instant."""
        stretches = ((max(begin, runner.since), min(end or at, at)) for begin, end in self._stretches(at))
        return sum((runner.calendar.between(a, b) for a, b in stretches if a < b), NOTHING)

    def reaches(self, percent: int = 100) -> datetime | None:
        """Return when so much of the promised time is used up, if all goes on as now; None while it stands still."""
        found = [one for runner in self.runners if (one := self._reaches(runner, percent)) is not None]
        return min(found, default=None)

    def _reaches(self, runner: Runner, percent: int) -> datetime | None:
        left = runner.length * percent // 100
        for begin, end in self._stretches(None):
            start = max(begin, runner.since)
            if end is None:
                return runner.calendar.after(start, left)
            if start < end:
                spent = runner.calendar.between(start, end)
                if spent >= left:
                    return runner.calendar.after(start, left)
                left -= spent
        return None

    @property
    def due(self) -> datetime | None:
        """Return until when it is to be met; None if nothing is promised, or while it stands still within its time."""
        return self.reaches(100)

    def late(self, at: datetime) -> bool:
        """Whether the promise is broken at an instant: not met in time."""
        due, end = self.due, self.met or self.moot or at
        return due is not None and end > due

    def left(self, at: datetime) -> timedelta | None:
        """Return the promised time that is left, nothing if it is used up; None if nothing is promised."""
        return min((max(NOTHING, one.length - self.spent(one, at)) for one in self.runners), default=None)

    def share(self, at: datetime) -> int | None:
        """Return how many whole per cent of the promised time are used up."""
        return max((self.spent(one, at) * 100 // one.length for one in self.runners), default=None)


@dataclass(slots=True)
class _Reader:
    """Reads a history line by line and keeps the runs of one clock."""

    kind: ClockKind
    severity: Severity = Severity.S3
    promise: Promise | None = None
    state: str = "new"
    answered: bool = False
    runs: list[Clock] = field(default_factory=list)

    def read(self, fact: Fact) -> None:
        if fact.kind is FactKind.RECEIVED:
            self.severity, self.promise = Severity(fact.value), fact.promise
            if self.kind is not ClockKind.NEXT:
                self._begin(fact.at)
        elif fact.kind is FactKind.ASKED:
            if self.kind is ClockKind.NEXT and self.answered and (not self.runs or self.runs[-1].over):
                self._begin(fact.at)
        elif fact.kind is FactKind.ANSWERED:
            self.answered = True
            if self.kind is not ClockKind.WORKAROUND:
                self._meet(fact.at)
        elif fact.kind is FactKind.WORKAROUND:
            if self.kind is ClockKind.WORKAROUND:
                self._meet(fact.at)
        elif fact.kind is FactKind.STATE:
            self._turn(fact)
        elif fact.kind is FactKind.EARLIER:
            self._earlier(fact)
        else:
            self._promised(fact)

    def _begin(self, at: datetime) -> None:
        made = Clock(self.kind, at, counting=at)
        self.runs.append(made)
        self._runner(made, at)

    def _runner(self, clock: Clock, at: datetime) -> None:
        time = self.promise.times.get((self.kind, self.severity)) if self.promise is not None else None
        if self.promise is not None and time is not None:
            clock.runners.append(Runner(self.promise.calendars[self.kind], time, at))

    @property
    def _live(self) -> Clock | None:
        return self.runs[-1] if self.runs and not self.runs[-1].over else None

    def _meet(self, at: datetime) -> None:
        clock = self._live
        if clock is not None:
            _rest(clock, at)
            clock.met = at

    def _turn(self, fact: Fact) -> None:
        """Take a change of state: a workaround's time counts in `new` and `open` alone, and goes on when reopened."""
        before, self.state = self.state, fact.value
        clock = self.runs[-1] if self.runs else None
        if clock is None:
            return
        ended = fact.value in ("solved", "closed", "merged", "rejected")
        if self.kind is not ClockKind.WORKAROUND:
            if ended and not clock.over:
                _rest(clock, fact.at)
                clock.moot = fact.at
            elif before in ("solved", "merged", "rejected") and not ended and clock.moot is not None:
                clock.moot, clock.counting = None, fact.at
            return
        if before in ("solved", "merged", "rejected") and not ended:
            clock.met = clock.moot = None
        counts = fact.value in ("new", "open") and not clock.over
        if counts and clock.counting is None:
            clock.counting = fact.at
        elif not counts:
            _rest(clock, fact.at)
        if ended and not clock.over:
            clock.met, clock.moot = (fact.at, None) if fact.value == "solved" else (None, fact.at)

    def _earlier(self, fact: Fact) -> None:
        """Let the first answer count from the receipt of an earlier ticket that was merged into this one."""
        clock = self.runs[0] if self.runs else None
        if (
            self.kind is ClockKind.FIRST
            and clock is not None
            and fact.since is not None
            and fact.since < clock.start
        ):
            clock.counted = [(fact.since, clock.start), *clock.counted]
            clock.runners = [Runner(one.calendar, one.length, fact.since if one.since == clock.start else one.since) for one in clock.runners]  # fmt: skip
            clock.start = fact.since

    def _promised(self, fact: Fact) -> None:
        """Take another severity or level: raised, it never ends later; lowered, its time runs from now; late stays late."""
        lowered = False
        if fact.kind is FactKind.SEVERITY:
            now = Severity(fact.value)
            lowered = WORST_FIRST.index(now) > WORST_FIRST.index(self.severity)
            self.severity = now
        else:
            self.promise = fact.promise
        clock = self._live
        if clock is None or clock.late(fact.at):
            return
        if lowered:
            clock.runners = []
        self._runner(clock, fact.at)


def _rest(clock: Clock, at: datetime) -> None:
    if clock.counting is not None:
        if clock.counting < at:
            clock.counted.append((clock.counting, at))
        clock.counting = None


def runs(facts: Iterable[Fact], kind: ClockKind, at: datetime) -> list[Clock]:
    """Return every run of a clock by what had happened at an instant, the oldest first."""
    reader = _Reader(kind)
    for fact in facts:
        if fact.at > at:
            break
        reader.read(fact)
    return reader.runs


def clock(facts: Iterable[Fact], kind: ClockKind, at: datetime) -> Clock | None:
    """Return the present run of a clock, or the last one; None if it never began."""
    found = runs(facts, kind, at)
    return found[-1] if found else None


def next_due(facts: Sequence[Fact], at: datetime) -> datetime | None:
    """Return the instant at which the next promise falls due; None if none runs."""
    live = (clock(facts, kind, at) for kind in ClockKind)
    found = [one.due for one in live if one is not None and not one.over]
    return min((due for due in found if due is not None), default=None)
