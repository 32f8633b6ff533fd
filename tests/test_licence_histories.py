"""Whole lives of a licence, invented by Hypothesis and lived on rows, against a plain reading of the specification."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences import facts, files, life, nodes, proofs, proving, quick
from portal.services.licences.denial import Denied
from portal.services.licences.kinds import ClosedWhy, HoldReason, TermKind
from portal.services.licences.models.licence import Hold, Licence, LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent
from portal.services.licences.verify import verify_licences
from tests.licences import claim, code_of, goodbye, licence
from tests.undone import part, undone

T0 = datetime(2027, 3, 1, tzinfo=UTC)
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
LEASE, GRACE, DAYS, LIMIT = HOUR, 15 * DAY, 60, 3
NAMES = ("n-0", "n-1", "n-2", "n-3", "n-4")
LATE = 60  # seconds after which a lapsed seat is given on
BARRED = HOUR

steps = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(NAMES)), st.tuples(st.just("put"), st.sampled_from(NAMES)),
    st.tuples(st.just("drop"), st.sampled_from(NAMES)), st.tuples(st.just("wait"), st.sampled_from((1, 30, 61, 62, 240, 2000, 12000, 40000))),
    st.tuples(st.just("sign"), st.sampled_from(NAMES)), st.tuples(st.just("release"), st.sampled_from(NAMES)),
    st.tuples(st.just("block"), st.sampled_from(NAMES)), st.tuples(st.just("unblock"), st.sampled_from(NAMES)),
    st.tuples(st.just("keep"), st.sampled_from(NAMES)), st.tuples(st.just("hold"), st.sampled_from(("a", "b", "c"))),
    st.tuples(st.just("lift"), st.sampled_from(("a", "b", "c"))), st.tuples(st.just("more"), st.integers(1, 2)),
    st.tuples(st.just("less"), st.just(0)),
)  # fmt: skip
Step = tuple[str, Any]


@dataclass
class Stay:
    """What is expected of a live node."""

    name: str
    since: datetime
    lease: datetime
    offline: datetime | None = None
    kept: bool = False

    def held(self, now: datetime) -> bool:
        """Whether a file holds its seat."""
        return self.offline is not None and self.offline > now


@dataclass
class Expected:
    """A licence as the specification tells it, without a database."""

    end: datetime
    stays: list[Stay] = field(default_factory=list)
    holds: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    barred: dict[str, datetime] = field(default_factory=dict)
    more: list[tuple[int, datetime]] = field(default_factory=list)

    def limit(self, now: datetime) -> int:
        """Return the sum of what is in force; in grace, what it was at the end."""
        if now >= self.end + GRACE:
            return 0
        at = min(now, self.end - timedelta(microseconds=1))
        return LIMIT + sum(nodes for nodes, until in self.more if at < until)

    def live(self, name: str) -> Stay | None:
        """Return the live stay of a name."""
        return next((one for one in self.stays if one.name == name), None)

    def ranked(self, now: datetime) -> list[Stay]:
        """Return the stays, the last to lose its seat first."""
        return sorted(
            self.stays, key=lambda one: (not one.held(now), not one.kept, one.since, self.stays.index(one))
        )

    def code(self, name: str, now: datetime) -> str:
        """Return what validation must answer."""
        stay = self.live(name)
        if self.holds:
            return "SUSPENDED"
        if now >= self.end + GRACE:
            return "EXPIRED"
        if name in self.blocked:
            return "NODE_BLOCKED"
        if stay is None:
            return "NODE_UNKNOWN"
        if self.ranked(now).index(stay) >= self.limit(now):
            return "NODE_OVER_LIMIT"
        if stay.lease <= now and not stay.held(now):
            return "LEASE_LAPSED"
        return "VALID_GRACE" if now >= self.end else "VALID"

    def room(self, now: datetime, want: int) -> list[Stay] | None:
        """Return whose seats are given on, the longest silent first; None if there is no room."""
        short = len(self.stays) + want - self.limit(now)
        silent = [
            one
            for one in sorted(self.stays, key=lambda one: one.lease)
            if one.lease < now - timedelta(seconds=LATE) and not one.held(now)
        ]
        return silent[: max(0, short)] if short <= len(silent) else None

    def put(self, name: str, now: datetime) -> str:
        """Claim or renew; return the code."""
        code = self.code(name, now)
        until = min(now + LEASE, self.end + GRACE)
        if code in ("VALID", "VALID_GRACE", "LEASE_LAPSED"):
            stay = self.live(name)
            assert stay is not None
            stay.lease = max(stay.lease, until)
            return "VALID_GRACE" if now >= self.end else "VALID"
        if code != "NODE_UNKNOWN":
            return code
        if self.barred.get(name, now) > now:
            return "NODE_RELEASED"
        if now >= self.end:
            return "GRACE_NO_NEW_NODES"
        gone = self.room(now, 1)
        if gone is None:
            return "NODE_LIMIT_REACHED"
        self.stays = [one for one in self.stays if one not in gone]
        self.stays.append(Stay(name, now, until))
        return "VALID"

    def gone(self, name: str, now: datetime, *, bar: bool = False) -> str:
        """Release a node; return the code of the refusal or nothing."""
        stay = self.live(name)
        if stay is None:
            return ""
        if stay.held(now):
            return "SEAT_BORROWED"
        self.stays.remove(stay)
        if bar:
            self.barred[name] = now + BARRED
        return ""

    def sign(self, name: str, now: datetime) -> str:
        """Let a file hold a node's seat for a day."""
        code = self.code(name, now)
        if code == "NODE_UNKNOWN" and now >= self.end:
            return "GRACE_NO_NEW_NODES"
        if code not in ("VALID", "VALID_GRACE", "LEASE_LAPSED", "NODE_UNKNOWN"):
            return code
        end = min(now + DAY, self.end + GRACE).replace(microsecond=0)
        if end <= now:
            return "EXPIRED"
        if self.live(name) is None:
            gone = self.room(now, 1)
            if gone is None:
                return "NODE_LIMIT_REACHED"
            self.stays = [one for one in self.stays if one not in gone]
            self.stays.append(Stay(name, now, min(now + LEASE, self.end + GRACE)))
        stay = self.live(name)
        assert stay is not None
        stay.offline = max(end, stay.offline or end)
        return ""


class Lived:
    """The same licence on rows."""

    def __init__(self) -> None:
        with transaction():
            row, self.key = licence(LIMIT, days=DAYS, began=1)
            self.id = row.id
            self.end = db.session.scalars(select(LicenceTerm.ends_at)).one()

    def did(self, step: Step, expected: Expected) -> str:
        """Do one step; return the code of what came of it."""
        verb, what = step
        try:
            if verb == "put":
                return claim(self.key, what).code.value
            if verb == "drop":
                goodbye(self.key, what)
            else:
                with transaction():
                    self._by_people(verb, what, expected)
        except Denied as denied:
            return denied.code.value
        return ""

    def _by_people(self, verb: str, what: Any, expected: Expected) -> None:
        row = db.session.get_one(Licence, self.id)
        node = db.session.scalars(
            select(Node).where(Node.fingerprint == str(what), Node.released_at.is_(None))
        ).first()
        if verb == "sign":
            files.issue(row.id, [what], 1, by="test")
        elif verb == "release" and node is not None:
            nodes.release(node, by="test")
        elif verb == "keep" and node is not None:
            nodes.keep(node, True, by="test")
        elif verb == "block":
            nodes.block(row, what, reason="x", by="test")
        elif verb == "unblock":
            nodes.unblock(row, what, by="test")
        elif verb == "hold":
            life.suspend(row.id, HoldReason.ABUSE, words=("a", "b"), source=what, by="test")
        elif verb == "lift":
            held = db.session.scalars(
                select(Hold).where(Hold.source == what, Hold.lifted_at.is_(None))
            ).first()
            if held is not None:
                life.lift(held, by="test")
        elif verb == "more":
            now = clock.now()
            name = f"more:{len(expected.more)}"
            life.add_term(row.id, TermKind.INCREASE, what, start=now, end=self.end, source=name, by="test")
        elif verb == "less":
            terms = select(LicenceTerm).where(
                LicenceTerm.kind == TermKind.INCREASE, LicenceTerm.closed_at.is_(None)
            )
            term = db.session.scalars(terms.order_by(LicenceTerm.id)).first()
            if term is not None:
                life.close_term(term, clock.now(), ClosedWhy.TIER, by="test")


def follow(expected: Expected, step: Step, now: datetime) -> str:
    """Let the same happen to what is expected; return the code."""
    verb, what = step
    if verb == "put":
        return expected.put(what, now)
    if verb in ("drop", "release"):
        return expected.gone(what, now, bar=verb == "release")
    if verb == "sign":
        return expected.sign(what, now)
    if verb == "block":
        if what not in expected.blocked:
            expected.gone(what, now)
        expected.blocked.add(what)
    elif verb == "unblock":
        expected.blocked.discard(what)
    elif verb == "keep" and (stay := expected.live(what)):
        stay.kept = True
    elif verb == "hold":
        expected.holds.add(what)
    elif verb == "lift":
        expected.holds.discard(what)
    elif verb == "more":
        expected.more.append((what, expected.end))
    elif verb == "less":
        first = next((n for n, (_, until) in enumerate(expected.more) if until == expected.end), None)
        if first is not None:
            expected.more[first] = (expected.more[first][0], now)
    return ""


def rows() -> list[tuple[Any, ...]]:
    """Return everything that a refusal must leave as it is."""
    with reading():
        return [
            *db.session.execute(select(Licence.rev, Licence.sequence, Licence.live_nodes, Licence.fuse_count)),
            *db.session.execute(select(Node.id, Node.released_at, Node.lease_until, Node.offline_until).order_by(Node.id)),
            *db.session.execute(select(LicenceEvent.id, LicenceEvent.kind).order_by(LicenceEvent.id)),
        ]  # fmt: skip


def lives(history: list[Step]) -> None:
    """Live one history on rows and in the mind; every code and every live node must be the same."""
    now = T0
    with clock.stopped_at(now):
        with transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
        lived = Lived()
        expected = Expected(lived.end)
    for step in history:
        if step[0] == "wait":
            now += step[1] * MINUTE
            continue
        now += timedelta(seconds=1)
        if step[0] == "more" and now >= lived.end:
            continue
        with clock.stopped_at(now):
            before = rows()
            said, wanted = lived.did(step, expected), follow(expected, step, now)
            assert said == wanted, (step, now)
            if wanted and not wanted.startswith("VALID"):
                assert rows() == before, "a refusal changed something"
            same(lived, expected, now)
    with clock.stopped_at(now), reading():
        assert verify_licences()[1] == []


def same(lived: Lived, expected: Expected, now: datetime) -> None:
    """Compare seats and codes; nobody has more seats than there are unless a term ended meanwhile."""
    with reading():
        live = db.session.execute(
            select(Node.fingerprint, Node.lease_until, Node.offline_until)
            .where(Node.released_at.is_(None))
            .order_by(Node.id)
        )
        assert [tuple(one) for one in live] == [(one.name, one.lease, one.offline) for one in expected.stays]
    codes = {name: code_of(lived.key, name, at=now) for name in NAMES}
    assert codes == {name: expected.code(name, now) for name in NAMES}
    if not expected.holds and now < expected.end + GRACE and not expected.blocked:
        over = [one for one in codes.values() if one == "NODE_OVER_LIMIT"]
        assert len(over) == max(0, len(expected.stays) - expected.limit(now))


@pytest.mark.slow
def test_any_history_gives_the_codes_and_seats_of_the_specification(app: Flask) -> None:
    """Invariants 1, 4, 5, 6, 7, 9, 10 and 11: no chore runs, and every answer is what the rows and the instant say."""

    @settings(max_examples=part(app, one_in=4), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(steps, min_size=4, max_size=40))
    def lived(history: list[Step]) -> None:
        # The connection that validations keep would see nothing of what is taken back: the same statement, asked here.
        with undone(app), mock.patch.object(quick, "look", facts.within):
            lives(history)

    with app.app_context():
        lived()


def test_no_proof_ends_later_than_the_grace_and_after_a_credit_note_the_next_is_shorter(app: Flask) -> None:
    """Invariant 14, with a lease of a day that was promised before the note came."""
    with app.app_context():
        with clock.stopped_at(T0):
            with transaction():
                signing.create(KeyUse.LICENCE, by="One", second="Other")
                key = licence(1, days=DAYS, lease_seconds=86_400)[1]
            first = claim(key, "n-0")
        with clock.stopped_at(T0 + MINUTE), transaction():
            term = db.session.scalars(select(LicenceTerm)).one()
            life.close_term(term, T0 + HOUR, ClosedWhy.CREDIT_NOTE, by="test")
        with clock.stopped_at(T0 + 2 * MINUTE):
            again = claim(key, "n-0")
            ends = []
            for seated in (first, again):
                token = proving.lease(seated)
                assert token is not None
                with reading():
                    ends.append(proofs.opened(token, proving.public_set())["exp"])
            assert first.lease_until == T0 + DAY
            assert again.lease_until == T0 + HOUR
            assert ends == [(T0 + HOUR).timestamp()] * 2  # even for who claimed before: it is signed now
        with clock.stopped_at(T0 + HOUR):
            assert proving.lease(again) is None
            assert code_of(key, "n-0") == "EXPIRED"
