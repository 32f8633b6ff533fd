"""Adaptation slots (services.md §5): the fair rule by example and by brute force, offers, passing, booking, releasing."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import clock
from portal.core.db import db, reading
from portal.core.errors import Refused
from portal.core.states import TABLES
from portal.services.slots import chores, fairness, giving, queueing, showing
from portal.services.slots.fairness import Quarter, Rule, Waiting
from portal.services.slots.kinds import SlotState, Why, WorkKind
from portal.services.slots.models import SlotQuarter, SlotRequest
from portal.services.slots.verify import verify_slots
from tests import place_scene as s
from tests.people import browser
from tests.test_races import run, soon
from tests.test_statement_pages import post, seen

S, K = SlotState, WorkKind
TODAY, Q3 = date(2026, 7, 6), date(2026, 7, 1)
RULE = Rule()


def test_the_worked_example() -> None:
    """Three slots, one for small: silver, platinum, gold; the chip vendor with three used waits and is told why."""
    vendor = Waiting(1, 1, TODAY, 12)  # platinum × 1.5, in halves
    gold, silver = Waiting(2, 2, TODAY, 4), Waiting(3, 3, TODAY, 2, small=True)
    platinum = Waiting(4, 4, TODAY, 8)
    quarter = Quarter(3, {}, 0, {1: 3, 3: 1})
    placed = fairness.line([vendor, gold, silver, platinum], quarter, RULE, TODAY)
    assert [(one.one.id, one.now, one.why) for one in placed] == [
        (3, True, Why.SMALL), (4, True, Why.RATIO), (2, True, Why.RATIO), (1, False, Why.RATIO),
    ]  # fmt: skip
    assert [showing.fraction(one) for one in placed] == ["2/1", "1/4", "1/2", "4/6"]


def test_the_rule_line_by_line() -> None:
    def turn(
        *waiting: Waiting, slots: int = 8, by_group: Any = None, small: int = 0
    ) -> tuple[int, Why] | None:
        found = fairness.turn(waiting, Quarter(slots, by_group or {}, small, by_group or {}), RULE, TODAY)
        return (found[0].id, found[1]) if found else None

    old, older = (
        Waiting(n, n, TODAY - timedelta(days=days), 2, member=False) for n, days in ((1, 181), (2, 200))
    )
    young = Waiting(3, 3, TODAY - timedelta(days=180), 8)
    assert turn(old, older, young) == (2, Why.LONG)
    assert turn(young, Waiting(4, 4, TODAY, 2, small=True)) == (4, Why.SMALL)
    assert turn(young, Waiting(4, 4, TODAY, 2, small=True), small=1) == (3, Why.RATIO)
    assert turn(young, Waiting(4, 4, TODAY - timedelta(days=90), 12, member=False)) == (3, Why.RATIO)
    assert turn(Waiting(4, 4, TODAY, 2, member=False)) == (4, Why.LEFT)
    assert turn(Waiting(5, 5, TODAY, 8), Waiting(6, 6, TODAY - timedelta(days=1), 8)) == (6, Why.RATIO)
    assert turn(Waiting(8, 8, TODAY, 8), Waiting(7, 7, TODAY, 8)) == (7, Why.RATIO)
    assert turn(young, by_group={3: 2}) is None  # 25 % of eight are two
    assert turn(young, slots=3, by_group={3: 1}) is None
    assert turn(young, slots=1) == (3, Why.RATIO)


WAITING = st.builds(
    lambda group, days, weight, small, member: (group, days, weight, small and member, member),
    st.integers(1, 6), st.integers(0, 260), st.sampled_from([2, 3, 4, 6, 8, 12]), st.booleans(), st.booleans(),
)  # fmt: skip


@settings(max_examples=200)
@given(
    st.lists(WAITING, max_size=14), st.integers(0, 12), st.dictionaries(st.integers(1, 6), st.integers(0, 5))
)
def test_v6_by_brute_force(asked: list[Any], slots: int, used: dict[int, int]) -> None:
    """Slots ≤ capacity, no group above its share, nobody over 180 days passed, and each grant the least by the rule's words."""
    waiting = [
        Waiting(n, g, TODAY - timedelta(days=d), w, sm, me) for n, (g, d, w, sm, me) in enumerate(asked, 1)
    ]
    placed = fairness.line(waiting, Quarter(slots, {}, 0, used), RULE, TODAY)
    assert sorted(one.one.id for one in placed) == [one.id for one in waiting]
    assert [one.place for one in placed] == list(range(1, len(waiting) + 1))
    granted = [one for one in placed if one.now]
    assert [one.now for one in placed] == [True] * len(granted) + [False] * (len(placed) - len(granted))
    most, mine, year, small = max(1, slots * 25 // 100), Counter[int](), Counter(used), 0
    left = {one.id: one for one in waiting}
    for one in granted:
        able = [other for other in left.values() if mine[other.group] < most]
        old = [other for other in able if (TODAY - other.asked).days > 180]

        def key(other: Waiting) -> tuple[Fraction, date, int]:
            return Fraction(2 * (year[other.group] + 1), other.weight), other.asked, other.id

        if old:
            best = sorted(old, key=lambda other: (other.asked, other.id))[0]
        else:
            members = [other for other in able if other.member]
            tiny = [other for other in members if other.small]
            best = sorted(tiny if tiny and not small else members or able, key=key)[0]
        assert one.one == best
        mine[best.group] += 1
        year[best.group] += 1
        small += best.small
        del left[best.id]
    assert sum(mine.values()) <= slots
    assert max(mine.values(), default=0) <= most
    if len(granted) < slots:
        assert not [other for other in left.values() if mine[other.group] < most]


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    with s.at(app, "2026-06-01T10:00"):
        giving.set_capacity(Q3, slots=4, person_days=120, by=s.staff("mana"))
        for n, name in enumerate(("omega", "alpha", "beta", "gamma", "delta")):
            with clock.stopped_at(s.china(f"2026-06-0{n + 1}T10:00")):
                giving.ask(s.org(name), kind=K.CHIP, wish=f"{name} on G2", by=s.who(name, "technical"))
    return app


def request(name: str) -> SlotRequest:
    rows = db.session.query(SlotRequest).filter_by(org_id=s.org(name).id).order_by(SlotRequest.id.desc())
    found = rows.first()
    assert found is not None
    return found


def offer(app: Flask, day: str) -> None:
    with app.app_context(), clock.stopped_at(s.china(f"{day}T09:00")):
        chores.offer_slots()


def states() -> dict[str, str]:
    return {name: request(name).state.value for name in s.FIRMS}


def test_slots_are_offered_by_the_rule_and_taken(house: Flask) -> None:
    for _again in range(3):
        offer(house, "2026-07-06")
    with house.app_context(), reading():
        assert states() == {
            "gamma": "offered", "alpha": "offered", "delta": "offered", "beta": "offered", "omega": "waiting",
        }  # fmt: skip
        assert (request("gamma").why, request("alpha").answer_by) == ("small", date(2026, 7, 13))
    with s.at(house, "2026-07-13T10:00"):
        giving.take(request("alpha"), by=s.who("alpha", "technical"))
        assert request("alpha").starts_on == date(2026, 7, 13)
        giving.pass_by(request("beta"), by=s.who("beta"))
        assert (request("beta").state, request("beta").passes, request("beta").asked_on) == (
            S.WAITING,
            1,
            date(2026, 6, 3),
        )
    offer(house, "2026-07-14")  # gamma and delta stayed silent; whoever passed waits for the next quarter
    with s.at(house, "2026-07-14T10:00"):
        assert states() == {
            "alpha": "booked", "beta": "waiting", "gamma": "waiting", "delta": "waiting", "omega": "offered",
        }  # fmt: skip
        giving.set_capacity(date(2026, 10, 1), slots=3, person_days=90, by=s.staff("mana"))
        giving.use(request("alpha"), by=s.staff("lead"))
    offer(house, "2026-07-15")
    with s.at(house, "2026-07-15T10:00"):
        rows = [request(name) for name in ("gamma", "delta", "beta")]
        assert [(one.state, one.quarter.code if one.quarter else "") for one in rows] == [
            (S.OFFERED, "2026Q4")
        ] * 3
        giving.pass_by(request("beta"), by=s.who("beta"))
        assert request("beta").state is S.PASSED  # the second time the place is not kept
        giving.withdraw(request("beta"), by=s.who("beta"))
        giving.take(request("delta"), by=s.who("delta"))
    with house.app_context(), reading():
        assert verify_slots() == (5, [])


def test_a_booked_slot_is_released_in_time_or_by_the_manager(house: Flask) -> None:
    offer(house, "2026-06-08")
    with s.at(house, "2026-06-09T10:00"):
        row = request("alpha")
        giving.take(row, by=s.who("alpha"))
        assert row.starts_on == Q3
        assert giving.last_release(row) == date(2026, 6, 2)
        with pytest.raises(Refused, match="ask the manager"):
            giving.release(row, by=s.who("alpha"), reason="late")
        giving.release(row, by=s.staff("mana"), reason="illness", manager=True)
        assert (row.state, row.reason) == (S.RELEASED, "illness")
    offer(house, "2026-06-10")
    with s.at(house, "2026-06-10T10:00"):
        assert request("omega").state is S.OFFERED  # what was free went to the next in line
        with pytest.raises(Refused, match="no longer possible"):
            giving.use(request("omega"), by=s.staff("lead"))


def test_an_offer_that_is_over_cannot_be_taken(house: Flask) -> None:
    offer(house, "2026-06-08")
    with s.at(house, "2026-06-16T10:00"), pytest.raises(Refused, match="The offer ended with 15 Jun 2026"):
        giving.take(request("alpha"), by=s.who("alpha"))


def test_what_is_refused(house: Flask) -> None:
    with s.at(house, "2026-06-08T10:00"):
        with pytest.raises(Refused, match="under way already"):
            giving.ask(s.org("alpha"), kind=K.CHIP, wish="again", by=s.who("alpha"))
        giving.ask(s.org("alpha"), kind=K.MIGRATION, wish="a model", by=s.who("alpha"))
        with pytest.raises(Refused, match="begins in January"):
            giving.set_capacity(date(2026, 8, 1), slots=1, person_days=1, by=s.staff("mana"))
        with pytest.raises(Refused, match="no number of slots"):
            giving.set_capacity(Q3, slots=-1, person_days=1, by=s.staff("mana"))
    offer(house, "2026-06-09")
    with s.at(house, "2026-06-09T10:00"), pytest.raises(Refused, match="slots are given already"):
        giving.set_capacity(Q3, slots=1, person_days=1, by=s.staff("mana"))
    with s.at(house, "2026-10-09T10:00"), pytest.raises(Refused, match="This quarter is over"):
        giving.offer(db.session.query(SlotQuarter).one(), by=s.staff("lead"))


def test_weights_and_the_fast_lane(house: Flask) -> None:
    with s.at(house, "2026-06-08T10:00"):
        found = {name: queueing.as_waiting(request(name)) for name in s.FIRMS}
        assert {name: one.weight for name, one in found.items()} == {
            "alpha": 12, "beta": 6, "gamma": 2, "delta": 8, "omega": 2,
        }  # fmt: skip
        assert [name for name, one in found.items() if one.small] == ["gamma"]
        assert [name for name, one in found.items() if not one.member] == ["omega"]
        assert queueing.weight("gold", "model", K.MIGRATION) == 6
        assert queueing.weight("gold", "model", K.CHIP) == 4


def test_every_state_is_reached_by_the_table() -> None:
    reached = {S.WAITING}
    for _n in S:
        reached |= {to for state in reached for to in TABLES[S][state]}
    assert reached == set(S)


def test_the_pages_and_the_command_tell_place_and_reason(house: Flask, tmp_path: Path) -> None:
    with clock.stopped_at(s.china("2026-06-08T10:00")):
        tech, mana = browser(house, "technical@alpha.example"), browser(house, "mana@house.example")
        page = seen(tech, "/slots/")
        assert "Place 2 of 5 for 2026Q3" in page
        assert "(slots of your group in 12 months + 1) ÷ weight is 1/6" in page
        assert "One corporate group has at most 25 %" in page
        assert "Place 5 of 5" in seen(browser(house, "owner@omega.example"), "/slots/")
        assert "under way already" in post(tech, "/slots/", 422, kind="chip", wish="x")
        post(tech, "/slots/", kind="scenario", wish="video")
        assert "A quarter reads 2026Q3" in post(
            mana, "/office/slots/", 422, quarter="Q9", slots="1", person_days="1"
        )
        post(mana, "/office/slots/", quarter="2026 Q4", slots="2", person_days="60")
        assert "video" not in seen(tech, "/office/slots/", 403)
        table = seen(mana, "/office/slots/?quarter=2026Q3")
        assert all(word in table for word in ("1/6", "Gamma Ltd", "The queue"))
        post(mana, "/office/slots/offers/2026Q3")
        post(mana, "/office/slots/offers/1999Q1", 404)
        with house.app_context(), reading():
            mine = {
                one.kind: one.uid for one in db.session.query(SlotRequest).filter_by(org_id=s.org("alpha").id)
            }
        post(browser(house, "owner@beta.example"), f"/slots/{mine[K.CHIP]}/booking", 404)
        post(tech, f"/slots/{mine[K.CHIP]}/booking")
        assert "ask the manager of services" in post(
            tech, f"/slots/{mine[K.CHIP]}/release", 409, reason="late"
        )
        post(mana, f"/office/slots/{mine[K.CHIP]}/release", reason="illness")
        post(tech, f"/slots/{mine[K.SCENARIO]}/withdrawal")
        assert "排期" in seen(browser(house, "technical@alpha.example", language="zh_Hans_CN"), "/slots/")
        with house.app_context(), reading():
            told = showing.table(db.session.query(SlotQuarter).order_by(SlotQuarter.start).first())  # type: ignore[arg-type]
            assert (told["quarter"], told["most_of_group"], len(told["given"])) == ("2026Q3", 1, 3)
            assert told["queue"][0]["organisation"] == "Omega Ltd"


GIVER = """
import sys, time
from portal.app import create_app
from portal.core.db import db, transaction
from portal.core.retry import patiently
from portal.services.slots import giving
from portal.services.slots.models import SlotQuarter
me, start = sys.argv[1:]
def offer():
    with transaction():
        return len(giving.offer(db.session.query(SlotQuarter).one(), by="offer_slots"))
with create_app().app_context():
    time.sleep(max(0.0, float(start) - time.time()))
    print(patiently(offer))
"""


@pytest.mark.race
def test_processes_that_offer_at_once_give_no_slot_twice(app: Flask, tmp_path: Path) -> None:
    today = clock.today()
    s.house(app, "alpha", "beta", "gamma", "delta", start=today)
    with app.app_context(), s.transaction():
        start = date(today.year + 1, 1, 1)
        giving.set_capacity(start, slots=2, person_days=60, by=s.staff("mana"))
        for name in ("alpha", "beta", "gamma", "delta"):
            giving.ask(s.org(name), kind=K.CHIP, wish="G2", by=s.who(name))
    begin = soon()
    said = run(app, tmp_path, GIVER, *((str(n), begin) for n in range(4)))
    assert sum(int(one) for one in said) == 2
    with app.app_context(), reading():
        assert db.session.query(SlotRequest).filter_by(state=S.OFFERED).count() == 2
        assert verify_slots()[1] == []
