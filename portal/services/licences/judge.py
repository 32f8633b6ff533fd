"""Whether a node may run, from the rows and the instant alone: no clock, no database, no catalogue.

Every period is half-open, so the answer changes exactly at the instant a row names. `judge` answers with the first
code that fits, in the order of `Code`; validation, claims, pages and mail all ask it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.services.licences.kinds import (
    BORROWED,
    KEEPS,
    VALID,
    ClosedWhy,
    Code,
    HoldReason,
    Policy,
    Stage,
    TermKind,
)

ENDED, REPLACED = frozenset({"revoked", "cancelled"}), "superseded"
NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Span:
    """A term: so many nodes from `start` until `end`, or until it was closed before that."""

    kind: TermKind
    nodes: int
    start: datetime
    end: datetime
    closed: datetime | None = None
    why: ClosedWhy | None = None
    grace_days: int = 0

    @property
    def until(self) -> datetime:
        """Return when it really ends."""
        return self.end if self.closed is None else min(self.closed, self.end)

    @property
    def grace(self) -> timedelta:
        """Return for how long nodes go on after it; a credit note leaves nothing to go on with."""
        return timedelta(days=0 if self.why is ClosedWhy.CREDIT_NOTE else self.grace_days)


@dataclass(frozen=True, slots=True)
class HoldSpan:
    """A reason for suspension from `start` until it was lifted."""

    reason: HoldReason
    start: datetime
    lifted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A tool that may run, its features, its highest version (empty: any)."""

    tool: str
    features: tuple[str, ...] = ()
    most_version: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """A live node: its place among the live ones (1 is the last to lose its seat), lease and file."""

    rank: int
    lease_until: datetime
    offline_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rows say of a licence, the key that was shown, and the node that asks."""

    state: str
    policy: Policy
    warn_days: int
    live: int
    key_ends: datetime | None = None
    terms: tuple[Span, ...] = ()
    holds: tuple[HoldSpan, ...] = ()
    tools: tuple[Entitlement, ...] = ()
    seat: Seat | None = None
    blocked: bool = False
    named: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked: by which node, for which tool, feature and version. An empty one is not asked."""

    fingerprint: str = ""
    tool: str = ""
    feature: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """The unbroken run of terms at an instant or last before it; `over` is the end of its grace."""

    start: datetime
    end: datetime
    over: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: its code, where the licence stands, its limit, and the reason of a suspension."""

    code: Code
    stage: Stage
    limit: int = 0
    ends_at: datetime | None = None
    over_at: datetime | None = None
    reason: HoldReason | None = None

    @property
    def valid(self) -> bool:
        """Whether the tool may run on the node."""
        return self.code in VALID


def judge(facts: Facts | None, ask: Ask, now: datetime) -> Verdict:
    """Return the first code that fits; `facts` is None for a key that nobody knows."""
    if facts is None or (facts.key_ends is not None and facts.key_ends <= now):
        return Verdict(Code.KEY_UNKNOWN, Stage.PENDING)
    period = period_at(facts.terms, now)
    where = _stage(facts.terms, period, now, facts.warn_days)
    most = _limit(facts.terms, period, now)
    code, reason = _of_licence(facts, period, now)
    code = code or _of_tool(facts.tools, ask) or _of_node(facts, ask, period, most, now)
    if period is None:
        return Verdict(code, where, reason=reason)
    return Verdict(code, where, most, period.end, period.over, reason)


def _of_licence(facts: Facts, period: Period | None, now: datetime) -> tuple[Code | None, HoldReason | None]:
    if facts.state in ENDED:
        return Code.REVOKED, None
    if facts.state == REPLACED:
        return Code.SUPERSEDED, None
    if not any(term.kind in KEEPS for term in facts.terms):
        return Code.PENDING, None
    for hold in facts.holds:
        if hold.start <= now and (hold.lifted is None or now < hold.lifted):
            return Code.SUSPENDED, hold.reason
    if period is None:
        return Code.NOT_STARTED, None
    return (Code.EXPIRED, None) if period.over <= now else (None, None)


def _of_tool(tools: Iterable[Entitlement], ask: Ask) -> Code | None:
    if not ask.tool:
        return None
    found = next((one for one in tools if one.tool == ask.tool), None)
    if found is None:
        return Code.TOOL_NOT_ENTITLED
    if ask.feature and ask.feature not in found.features:
        return Code.FEATURE_NOT_ENTITLED
    if ask.version and found.most_version and parts(ask.version) > parts(found.most_version):
        return Code.VERSION_NOT_ENTITLED
    return None


def _of_node(facts: Facts, ask: Ask, period: Period | None, most: int, now: datetime) -> Code:
    if not ask.fingerprint:
        return Code.NODE_REQUIRED
    if facts.blocked:
        return Code.NODE_BLOCKED
    if facts.policy is Policy.NODE_NAMED and not facts.named:
        return Code.NODE_NOT_NAMED
    seat = facts.seat
    if seat is None:
        return Code.NODE_UNKNOWN
    if facts.live > most and seat.rank > most:
        return Code.NODE_OVER_LIMIT
    lapsed = seat.lease_until <= now and (seat.offline_until is None or seat.offline_until <= now)
    if facts.policy is not Policy.NODE_LOCKED and lapsed:
        return Code.LEASE_LAPSED
    if period is not None and period.end <= now:
        return Code.VALID_GRACE
    lent = any(one.kind in BORROWED for one in facts.terms)
    lasting = limit_at(facts.terms, now, lasting=True) if lent else most
    return Code.VALID_OVERAGE if facts.live > lasting and seat.rank > lasting else Code.VALID


def parts(version: str) -> tuple[int, ...]:
    """Return a version's numbers without zeros at the end, to compare: `2.10` is above `2.9`."""
    found = [int(one) for one in NUMBERS.findall(version)]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def runs(terms: Iterable[Span]) -> list[tuple[datetime, datetime, timedelta]]:
    """Return the unbroken runs of the terms that keep a licence in force: start, end, grace after it."""
    found: list[tuple[datetime, datetime, timedelta]] = []
    keeping = [one for one in terms if one.kind in KEEPS and one.start < one.until]
    if len(keeping) == 1:  # most licences have one, and each validation asks
        return [(keeping[0].start, keeping[0].until, keeping[0].grace)]
    for one in sorted(keeping, key=lambda one: (one.start, one.until)):
        if found and one.start <= found[-1][1]:
            start, end, grace = found[-1]
            later = one.until > end
            same = one.until == end
            kept = one.grace if later else max(grace, one.grace) if same else grace
            found[-1] = (start, max(end, one.until), kept)
        else:
            found.append((one.start, one.until, one.grace))
    return found


def period_at(terms: Iterable[Span], now: datetime) -> Period | None:
    """Return the run in force, or the last before; None if all lies ahead."""
    begun = [one for one in runs(terms) if one[0] <= now]
    if not begun:
        return None
    start, end, grace = begun[-1]
    return Period(start, end, end + grace)


def limit_at(terms: Iterable[Span], now: datetime, *, lasting: bool = False) -> int:
    """Return how many nodes may live: the sum of the terms in force, in grace what it was just before the end.

    `lasting` leaves out what was lent (overage, courtesy).
    """
    found = [one for one in terms if not (lasting and one.kind in BORROWED)]
    return _limit(found, period_at(found, now), now)


def _limit(found: Sequence[Span], period: Period | None, now: datetime) -> int:
    if period is None or period.over <= now:
        return 0
    if now < period.end:
        return sum(one.nodes for one in found if one.start <= now < one.until)
    return sum(one.nodes for one in found if one.start < period.end <= one.until)


def stage(terms: Sequence[Span], now: datetime, warn_days: int) -> Stage:
    """Return where a licence stands within its terms."""
    return _stage(terms, period_at(terms, now), now, warn_days)


def _stage(terms: Sequence[Span], period: Period | None, now: datetime, warn_days: int) -> Stage:
    if not any(one.kind in KEEPS for one in terms):
        return Stage.PENDING
    if period is None:
        return Stage.NOT_STARTED
    if now >= period.end:
        return Stage.GRACE if now < period.over else Stage.EXPIRED
    return Stage.EXPIRING if now >= period.end - timedelta(days=warn_days) else Stage.IN_FORCE
