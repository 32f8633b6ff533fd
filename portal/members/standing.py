"""Membership standing and the rights that go with it: pure functions of facts, a day and a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal


class Standing(StrEnum):
    """What a holder is in a programme on one day: the rows of members.md 1.4."""

    EXPELLED = "expelled"
    SUSPENDED = "suspended"
    ACTIVE = "active"
    ACTIVE_UNPAID = "active_unpaid"
    AT_RISK = "at_risk"
    GRACE = "grace"
    PENDING = "pending"
    RESIGNED = "resigned"
    LAPSED = "lapsed"
    APPLICANT = "applicant"
    NONE = "none"


class EndingCause(StrEnum):
    """Why a term ended otherwise than by running out."""

    RESIGNED = "resigned"
    EXPELLED = "expelled"
    CANCELLED = "cancelled"
    TIER_CHANGE = "tier_change"
    ABSORBED = "absorbed"


class HoldCause(StrEnum):
    """Why a membership is suspended while its terms run on."""

    CONDUCT = "conduct"
    COMPLIANCE = "compliance"
    ARREARS = "arrears"


class Right(StrEnum):
    """What a standing may allow: the columns of members.md 1.5."""

    READ_PAPERS = "read_papers"
    EDIT_PROFILE = "edit_profile"
    APPLY = "apply"
    LISTED = "listed"
    SEATS = "seats"
    VOTE = "vote"
    MEMBER_PRICE = "member_price"
    NEW_CLAIMS = "new_claims"
    USE_BENEFITS = "use_benefits"


class Answer(StrEnum):
    """Yes, no, or keeps what it has but gets no more."""

    YES = "yes"
    KEEPS = "keeps"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermFact:
    """A term [start, end), without an end for lifetime.

    `covered` (settled, waived or settled elsewhere) is the state on the day asked about; `due`, the later of
    the due date and the day a payment was reversed, is read only where it is not covered and may be None
    where nothing is due yet; before `uncovered_from`, the day of a credit note, it was covered. Finance keeps an unpaid term from suspension before `extended_until`.
    """

    id: int
    start: date
    end: date | None
    tier: str
    covered: bool
    due: date | None
    recorded_at: datetime
    uncovered_from: date | None = None
    extended_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingFact:
    """A term ends: `on` is the first day without it. An expulsion bars before a day, or for good."""

    id: int
    term_id: int
    on: date
    cause: EndingCause
    barred_until: date | None = None
    bar_for_good: bool = False
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFact:
    """A suspension over [start, end), open where `end` is None."""

    id: int
    start: date
    end: date | None
    cause: HoldCause
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalFact:
    """An ending undone, as if it had never been said, or a hold lifted from a day on."""

    id: int
    undoes_kind: Literal["ending", "hold"]
    undoes_id: int
    from_day: date
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFact:
    """The days of one application; `closed` is when it was completed, rejected, withdrawn or closed."""

    submitted: date
    approved: date | None = None
    closed: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known of one holder in one programme, in any order."""

    terms: tuple[TermFact, ...] = ()
    endings: tuple[EndingFact, ...] = ()
    holds: tuple[HoldFact, ...] = ()
    reversals: tuple[ReversalFact, ...] = ()
    applications: tuple[ApplicationFact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Days of grace after a term has run out, and the day past due from which a debt suspends."""

    grace_days: int = 30
    suspend_after_days: int = 60


@dataclass(frozen=True, slots=True)
class _Span:
    """A term with the ending that counts, if any, and the first day without the term."""

    term: TermFact
    ending: EndingFact | None
    stop: date | None

    @property
    def ended_by(self) -> EndingCause | None:
        """The cause of the end, or None if the term runs out by itself."""
        return self.ending.cause if self.ending and self.ending.on == self.stop else None

    @property
    def held_a_day(self) -> bool:
        return self.stop is None or self.term.start < self.stop

    def covers(self, on: date) -> bool:
        return self.term.start <= on and (self.stop is None or on < self.stop)

    def lies_ahead(self, on: date) -> bool:
        return on < self.term.start and (self.stop is None or on < self.stop)


_BEST_DUES_FIRST = (Standing.ACTIVE, Standing.ACTIVE_UNPAID, Standing.AT_RISK, Standing.SUSPENDED)


def standing_of(facts: Facts, on: date, policy: Policy, *, known: datetime | None = None) -> Standing:
    """The one standing on a day, by the first row of members.md 1.4 that matches.

    `known` leaves out terms, endings, holds and reversals recorded after that instant. Applications, cover
    and dues carry no time of recording: the caller gathers them as they were known.
    """
    spans = _spans(facts, known)
    if _barred(spans, on):
        return Standing.EXPELLED
    if _held(facts, on, known):
        return Standing.SUSPENDED
    covering = {_dues_standing(s.term, on, policy) for s in spans if s.covers(on)}
    if covering:
        return next(standing for standing in _BEST_DUES_FIRST if standing in covering)
    return _uncovered(facts, spans, on, policy)


def in_force(facts: Facts, on: date, *, known: datetime | None = None) -> TermFact | None:
    """The term that covers a day, paid or not, held or not. Of several, a covered one, then the later start."""
    found = [s.term for s in _spans(facts, known) if s.covers(on)]
    return max(
        found, key=lambda t: (t.covered, t.due or date.max, t.start, t.recorded_at, t.id), default=None
    )


def member_since(facts: Facts, *, known: datetime | None = None) -> date | None:
    """The start of the first term that held at least a day, or None."""
    return min((s.term.start for s in _spans(facts, known) if s.held_a_day), default=None)


def continuous_since(facts: Facts, on: date, *, known: datetime | None = None) -> date | None:
    """The start of the chain of terms without a gap that reaches to a day, or None if no term covers it."""
    spans = [s for s in _spans(facts, known) if s.held_a_day]
    since = min((s.term.start for s in spans if s.covers(on)), default=None)
    while earlier := [s for s in spans if since and s.term.start < since <= (s.stop or since)]:
        since = min(s.term.start for s in earlier)
    return since


def stops(facts: Facts, *, known: datetime | None = None) -> dict[int, tuple[date | None, EndingFact | None]]:
    """The first day without each term (None: no end) by its id, with the ending that counts, if any."""
    return {s.term.id: (s.stop, s.ending) for s in _spans(facts, known)}


def answer(standing: Standing, right: Right, rights: Mapping[str, Mapping[str, str]]) -> Answer:
    """What the table `rights[standing][right]` says; a missing cell is no. ValueError for any other word."""
    return Answer(rights.get(standing, {}).get(right, Answer.NO))


def _uncovered(facts: Facts, spans: list[_Span], on: date, policy: Policy) -> Standing:
    """Rows 7 to 12: the standing on a day that no term covers."""
    last = _last_ended(spans, on)
    if last and last.stop and last.ended_by is None and (on - last.stop).days < policy.grace_days:
        return Standing.GRACE
    live = [a for a in facts.applications if a.submitted <= on and (a.closed is None or on < a.closed)]
    if any(a.approved and a.approved <= on for a in live) or any(s.lies_ahead(on) for s in spans):
        return Standing.PENDING
    if last:
        return Standing.RESIGNED if last.ended_by is EndingCause.RESIGNED else Standing.LAPSED
    return Standing.APPLICANT if live else Standing.NONE


def _dues_standing(term: TermFact, on: date, policy: Policy) -> Standing:
    """Rows 3 to 6: the standing that a term gives on a day it covers."""
    if term.covered or (term.uncovered_from is not None and on < term.uncovered_from):
        return Standing.ACTIVE
    late = (on - term.due).days if term.due else 0
    if late < 1:
        return Standing.ACTIVE_UNPAID
    extended = term.extended_until is not None and on < term.extended_until
    return Standing.AT_RISK if extended or late < policy.suspend_after_days else Standing.SUSPENDED


def _barred(spans: list[_Span], on: date) -> bool:
    """Whether the last ending up to a day is an expulsion whose bar runs."""
    said = [s.ending for s in spans if s.ending and s.ending.on <= on]
    last = max(said, key=lambda e: (e.on, e.recorded_at, e.id), default=None)
    if last is None or last.cause is not EndingCause.EXPELLED:
        return False
    return last.bar_for_good or (last.barred_until is not None and on < last.barred_until)


def _held(facts: Facts, on: date, known: datetime | None) -> bool:
    """Whether a hold runs on a day: begun, not over, and not lifted by then."""
    lifted = {
        r.undoes_id
        for r in facts.reversals
        if r.undoes_kind == "hold" and r.from_day <= on and _is_known(r, known)
    }
    return any(
        h.start <= on and (h.end is None or on < h.end) and h.id not in lifted and _is_known(h, known)
        for h in facts.holds
    )


def _last_ended(spans: list[_Span], on: date) -> _Span | None:
    """The term that stopped last, up to a day. A term ended at its own start follows the one it renewed."""
    ended = [s for s in spans if s.stop and s.stop <= on]
    return max(ended, key=lambda s: (s.stop or on, s.term.start, s.term.recorded_at, s.term.id), default=None)


def _spans(facts: Facts, known: datetime | None) -> list[_Span]:
    """The known terms, each with the ending that counts."""
    undone = {r.undoes_id for r in facts.reversals if r.undoes_kind == "ending" and _is_known(r, known)}
    said = [e for e in facts.endings if e.id not in undone and _is_known(e, known)]
    return [_span(t, [e for e in said if e.term_id == t.id]) for t in facts.terms if _is_known(t, known)]


def _span(term: TermFact, endings: Iterable[EndingFact]) -> _Span:
    """The term up to its earliest ending, on a tie the one recorded later, or else up to its end."""
    # Sorted first, because a datetime cannot be negated to put the later one first.
    latest_first = sorted(endings, key=lambda e: (e.recorded_at, e.id), reverse=True)
    ending = min(latest_first, key=lambda e: e.on, default=None)
    stops = [day for day in (term.end, ending.on if ending else None) if day is not None]
    return _Span(term, ending, min(stops, default=None))


def _is_known(fact: TermFact | EndingFact | HoldFact | ReversalFact, known: datetime | None) -> bool:
    return known is None or fact.recorded_at <= known
