"""A past membership taken in: each event becomes the facts its verb would have written, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select

from portal.accounts.merging import kept_for
from portal.accounts.organisations import FormerName, Organisation
from portal.core import audit
from portal.core.db import db
from portal.core.money import Money
from portal.core.paging import folded
from portal.members import fresh_names, histories, landscape, names, terms
from portal.members.belonging import Ending, Membership, Term, TermKind
from portal.members.history_file import ENTERS, MOVES, Event, parse
from portal.members.landscape_file import LandscapeFile
from portal.members.past_models import HistoryEvent
from portal.members.standing import EndingCause

SOURCE = histories.HISTORY
TOGETHER = 500
REASON = "imported history"


@dataclass(slots=True)
class Outcome:
    """What an import did: new and known events, new organisations, and what is worth telling."""

    new: int = 0
    same: int = 0
    organisations: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Holder:
    """One organisation of the source as it stands after the events so far."""

    org: Organisation
    membership: Membership
    term: Term | None = None
    stopped: date | None = None
    last: date | None = None
    joined: bool = False
    touched: bool = False
    fresh: bool = False
    former: list[str] = field(default_factory=list)


def bring_in(text: str, *, by: str = "import", step: Callable[[], Any] = lambda: None) -> Outcome:
    """Bring a history in, in the present transaction; what is there stays, and the same event with other content is `Refused`."""
    events = parse(text)
    past = Past(events, by=by)
    for one in events:
        past.take(one)
        step()
    past.finish()
    return past.outcome


class Past:
    """A run of the import: the source's organisations, and the codes of its tiers."""

    def __init__(self, events: list[Event], *, by: str) -> None:
        self.by, self.outcome = by, Outcome()
        self.tiers = LandscapeFile()
        self.known = _known({one.key for one in events})
        self.holders = _holders({one.org_id for one in events})

    def take(self, one: Event) -> None:
        """Take one event, or find that it is there."""
        there = self.known.get(one.key)
        if there is not None:
            if there != one.body():
                field = next(name for name, value in one.body().items() if there.get(name) != value)
                raise one.no(field, f"is on record with other content: {there.get(field)!r}")
            self.outcome.same += 1
            return
        holder = self._holder(one)
        if holder.last is not None and one.month < holder.last:
            raise one.no("month", f"{one.org_id} has an event of {holder.last:%Y-%m} on record")
        said = HistoryEvent(key=one.key, org=holder.org, month=one.month, body=one.body())
        self._act(holder, one, said)
        db.session.add(said)
        holder.last, holder.touched = one.month, True
        self.outcome.new += 1

    def _holder(self, one: Event) -> Holder:
        found = self.holders.get(one.org_id)
        if found is None:
            if one.event != "join":
                raise one.no("event", f"{one.org_id} has not joined before")
            org = Organisation(legal_name=one.name, source_key=f"{SOURCE}{one.org_id}", unclaimed=True)
            found = self.holders[one.org_id] = Holder(org, Membership(org=org), fresh=True)
            db.session.add_all([org, found.membership])
            self.outcome.organisations += 1
        return found

    def _act(self, holder: Holder, one: Event, said: HistoryEvent) -> None:
        if one.event == "rename" or (one.name and folded(one.name) != folded(holder.org.legal_name)):
            self._rename(holder, one)
        if one.event in ENTERS:
            self._enter(holder, one, said)
        elif one.event != "rename":
            self._leave(holder, one, said)
            if one.event in MOVES:
                self._open(holder, one, said)

    def _rename(self, holder: Holder, one: Event) -> None:
        old = holder.org.legal_name
        if old == one.name:
            raise one.no("name", f"{one.org_id} is called that already")
        db.session.add(FormerName(org=holder.org, name=old, until=one.month))
        holder.former.append(old)
        holder.org.legal_name = one.name

    def _enter(self, holder: Holder, one: Event, said: HistoryEvent) -> None:
        if holder.term is not None:
            raise one.no("event", f"{one.org_id} is a member already, at {holder.term.tier}")
        if one.event == "join" and holder.joined:
            raise one.no("event", f"{one.org_id} has joined before: this is a rejoin")
        if holder.stopped is not None and one.month < holder.stopped:
            raise one.no("month", f"a term of {one.org_id} covers this month")
        self._open(holder, one, said)

    def _leave(self, holder: Holder, one: Event, said: HistoryEvent) -> None:
        """End the running term: because the member left, or because the tier changes."""
        if holder.term is None:
            raise one.no("event", f"{one.org_id} is no member then")
        if one.from_tier and self._tier(one, "from_tier") != holder.term.tier:
            raise one.no("from_tier", f"{one.org_id} is at {holder.term.tier} then, not at {one.from_tier}")
        if one.month < holder.term.start:
            raise one.no("month", f"the term of {one.org_id} began later")
        if one.event in MOVES and self._tier(one, "to_tier") == holder.term.tier:
            raise one.no("to_tier", f"{one.org_id} is at {one.to_tier} already")
        cause = EndingCause.TIER_CHANGE if one.event in MOVES else EndingCause.RESIGNED
        said.ending = Ending(term=holder.term, on=one.month, cause=cause, reason=REASON, by_name=self.by)
        db.session.add(said.ending)
        holder.term, holder.stopped = None, one.month

    def _open(self, holder: Holder, one: Event, said: HistoryEvent) -> None:
        said.term = holder.term = Term(
            membership=holder.membership, kind=TermKind.IMPORTED, tier=self._tier(one, "to_tier"),
            category=holder.org.category, start=one.month, end=None, anchor=one.month, k=0, period_price=Money(0),
            charged=Money(0), cover="elsewhere", by_name=self.by, source_key=f"{SOURCE}{one.key}",
        )  # fmt: skip
        db.session.add(said.term)
        holder.joined = True
        if one.joined and holder.membership.stated_joined is None:
            holder.membership.stated_joined = one.joined

    def _tier(self, one: Event, field: str) -> str:
        """Return the code of a tier that a row names."""
        word: str = getattr(one, field)
        code = self.tiers.tier(word)
        if not code:
            raise one.no(field, f"{word!r} is no name of a tier")
        return code

    def finish(self) -> None:
        """Write what is derived from the facts: names for the search, pairs that look alike, standings, the audit."""
        db.session.flush()
        self.outcome.notes += landscape.name_tiers(self.tiers.tiers)
        touched = [one for one in self.holders.values() if one.touched]
        fresh, known = [one for one in touched if one.fresh], [one for one in touched if not one.fresh]
        fresh_names.index({one.org: one.former for one in fresh})
        for one in known:
            names.index(one.org)
        fresh_names.pair([one.org for one in fresh])
        for one in known:
            names.find_pairs(one.org)
        for at in range(0, len(touched), TOGETHER):
            terms.refresh([one.membership for one in touched[at : at + TOGETHER]])
        if self.outcome.new:
            audit.record("history.imported", "history:0", by=self.by, new=self.outcome.new)


def _known(keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the rows that are on record, by key."""
    asked = sorted(keys)
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(asked), TOGETHER):
        some = asked[at : at + TOGETHER]
        rows = db.session.execute(
            select(HistoryEvent.key, HistoryEvent.body).where(HistoryEvent.key.in_(some))
        )
        found |= {str(key): dict(body) for key, body in rows}
    return found


def _holders(sources: Iterable[str]) -> dict[str, Holder]:
    """Return the organisations that came from these keys of the source before, as they stand by their facts."""
    asked = sorted(f"{SOURCE}{one}" for one in sources)
    found: dict[str, Holder] = {}
    rows: dict[int, Holder] = {}
    orgs: dict[int, Holder] = {}
    for at in range(0, len(asked), TOGETHER):
        listed = select(Membership, Organisation).join(Organisation, Organisation.id == Membership.org_id)
        for membership, org in db.session.execute(
            listed.where(Organisation.source_key.in_(asked[at : at + TOGETHER]))
        ):
            kept = kept_for(org)  # what came for the signpost of a merge goes on with the entry that stays
            own = membership if kept is org else terms.found_membership(kept)
            holder = rows.setdefault(own.id, Holder(kept, own))
            found[str(org.source_key).removeprefix(SOURCE)] = orgs[org.id] = orgs[kept.id] = holder
    _placed(rows)
    _told(orgs)
    return found


def _placed(holders: dict[int, Holder]) -> None:
    """Say of each holder which imported term still runs, when the last one stopped, and what was told last."""
    ids = sorted(holders)
    for at in range(0, len(ids), TOGETHER):
        some = ids[at : at + TOGETHER]
        for membership, spans in histories.spans(memberships=some).items():
            holder = holders[membership]
            holder.joined = True
            stops = [one.stop for one in spans if one.stop is not None]
            holder.stopped = max(stops, default=None)
            running = [one.term for one in spans if one.stop is None]
            holder.term = db.session.get_one(Term, running[-1]) if running else None


def _told(orgs: dict[int, Holder]) -> None:
    """Say of each holder what month was told last."""
    ids = sorted(orgs)
    for at in range(0, len(ids), TOGETHER):
        told = select(HistoryEvent.org_id, HistoryEvent.month).where(
            HistoryEvent.org_id.in_(ids[at : at + TOGETHER])
        )
        for org, month in db.session.execute(told.order_by(HistoryEvent.month)):
            orgs[org].last = max(month, orgs[org].last or month)
