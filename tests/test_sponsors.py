"""Places of sponsors (services.md §6): holds, exclusivity by corporate group, first refusal, promises proved, leaving, income by day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts import groups
from portal.billing import recognising
from portal.billing.issuing import owed
from portal.billing.recognition import posted_by_month
from portal.billing.verify import verify_books
from portal.core import clock
from portal.core.db import db, reading
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.states import TABLES
from portal.services.sponsors import chores, editions, exclusion, fulfilling, leaving, taking
from portal.services.sponsors.exclusion import Taker
from portal.services.sponsors.kinds import PlaceState, PromiseKind, PromiseState, Scope
from portal.services.sponsors.models import SponsorEdition, SponsorPackage, SponsorPlace
from portal.services.sponsors.verify import verify_places
from tests import place_scene as s
from tests.test_races import run

P = PlaceState
FIRST, LAST = date(2026, 9, 10), date(2026, 10, 19)  # forty days


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app, "alpha", "beta", "gamma")
    with s.at(app, "2026-05-04T10:00"):
        make_edition()
    return app


def make_edition(
    year: int = 2026, *, first: date = FIRST, last: date = LAST, until: date | None = None
) -> None:
    """Announce an edition with a title, an exclusive and an open package; call inside a transaction."""
    lead = s.staff("lead")
    edition = editions.announce(
        event="summit", year=year, names={"zh": "峰会", "en": "Summit"}, city="Beijing", first_day=first, last_day=last,
        refusal_until=until, by=lead,
    )  # fmt: skip
    for name, product, price, quantity, scope in (
        ("Title", "sponsorship", "600000.00", 1, Scope.NONE),
        ("Chips", "sponsorship.partner", "300000.00", 2, Scope.CATEGORY),
        ("Booth", "sponsorship.partner", "50000.00", 3, Scope.NONE),
    ):
        package = editions.offer(
            edition, names={"zh": name, "en": name}, product=product, price=s.yuan(price), quantity=quantity,
            scope=scope, title=name == "Title", by=lead,
        )  # fmt: skip
        editions.promise(
            package, kind=PromiseKind.ASSET, words={"zh": "标志", "en": "Logo"}, days=-30, by=lead
        )
        editions.promise(
            package, kind=PromiseKind.BENEFIT, words={"zh": "演讲", "en": "Talk"}, days=1, by=lead
        )


def package(name: str, year: int = 2026) -> SponsorPackage:
    rows = db.session.scalars(
        select(SponsorPackage)
        .join(SponsorEdition)
        .where(SponsorEdition.year == year)
        .order_by(SponsorPackage.id)
    )
    return next(one for one in rows if one.names["en"] == name)


def place(n: int = 1) -> SponsorPlace:
    """Return the n-th place that somebody ever took."""
    rows = select(SponsorPlace).where(SponsorPlace.org_id.is_not(None)).order_by(SponsorPlace.id)
    return list(db.session.scalars(rows))[n - 1]


def hold(name: str, org: str, year: int = 2026) -> SponsorPlace:
    return taking.hold(package(name, year), s.org(org), by=s.staff("lead"))


def free(app: Flask, day: str) -> None:
    with app.app_context(), clock.stopped_at(s.china(day)):
        chores.release_holds()


def test_a_place_is_held_signed_used_and_fulfilled(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        row = hold("Booth", "gamma")
        assert (row.state, row.held_until) == (P.HELD, s.china("2026-05-11T10:00"))
    with s.at(house, "2026-05-05T10:00"):
        taking.sign(place(), contract="SP-7", by=s.staff("lead"))
        row = place()
        assert row.invoice is not None
        assert (row.state, row.invoice.gross, row.invoice.lines[0].words["en"]) == (
            P.SIGNED, s.yuan("50000.00"), "Summit · Booth",
        )  # fmt: skip
        assert [(one.words["en"], one.due_on) for one in fulfilling.items(row)] == [
            ("Logo", date(2026, 8, 11)), ("Talk", date(2026, 9, 11)),
        ]  # fmt: skip
        s.pay(row.invoice)
    free(house, "2026-09-09T23:59")
    with house.app_context(), reading():
        assert place().state is P.SIGNED
    for _again in range(3):
        free(house, "2026-09-10T00:10")
    with s.at(house, "2026-09-10T10:00"):
        row = place()
        assert row.state is P.RUNNING
        logo, talk = fulfilling.items(row)
        with pytest.raises(Refused, match="not handed this in"):
            fulfilling.prove(logo, by=s.staff("lead"), proof="on the wall")
        fulfilling.hand_in(logo, by=s.who("gamma", "marketing"), words="see our site")
        fulfilling.send_back(logo, by=s.staff("lead"), reason="too small")
        fulfilling.hand_in(logo, by=s.who("gamma", "marketing"), words="larger")
        fulfilling.prove(logo, by=s.staff("lead"), proof="on the wall")
        with pytest.raises(Refused, match="1 of the promises"):
            fulfilling.fulfil(place(), by=s.staff("mana"))
        fulfilling.prove(talk, by=s.staff("lead"), proof="https://video.example")
        fulfilling.fulfil(place(), by=s.staff("mana"))
        assert place().state is P.FULFILLED
    with house.app_context(), clock.stopped_at(s.china("2026-11-01T00:30")):
        recognising.recognise()
    with house.app_context(), reading():
        row = place()
        assert row.order is not None
        net = row.order.lines[0].net.minor  # 21 of 40 days in September
        months = posted_by_month(row.order.lines[0])
        assert months == {
            date(2026, 9, 1): s.half_up(net * 21, 40), date(2026, 10, 1): net - s.half_up(net * 21, 40),
        }  # fmt: skip
        assert verify_places()[1] == []
        assert verify_books()[1] == []


def test_a_hold_ends_by_itself(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        hold("Title", "alpha")
        with pytest.raises(Refused, match="No place of this package is free"):
            hold("Title", "gamma")
    free(house, "2026-05-11T09:59")
    with s.at(house, "2026-05-11T09:59"):
        assert place().state is P.HELD
    with s.at(house, "2026-05-11T10:00"), pytest.raises(Refused, match="The hold is over"):
        taking.sign(place(), contract="SP", by=s.staff("lead"))
    with s.at(house, "2026-05-11T10:00"):  # the chore has not run: the next one takes it all the same
        assert hold("Title", "gamma").org == s.org("gamma")
    with house.app_context(), reading():
        titles = [
            one.title
            for one in db.session.query(MailMessage)
            .filter_by(address="owner@alpha.example")
            .order_by(MailMessage.id)
        ]
        assert titles[-2:] == ["Held for you: Summit · Title", "No longer held: Summit · Title"]


def test_vendor_a_shuts_out_vendor_b_but_not_its_own_subsidiary(house: Flask) -> None:
    """The worked example of services.md §10."""
    with s.at(house, "2026-05-04T10:00"):
        for name in ("sub", "minor"):
            s.firm(name, "", "chip", start=date(2026, 5, 4))
        groups.record(s.org("alpha"), s.org("sub"), Decimal(60), evidence="register", by=s.staff("lead"))
        groups.record(s.org("alpha"), s.org("minor"), Decimal(50), evidence="register", by=s.staff("lead"))
        until = s.china("2026-05-04T18:00")
        taking.hold(package("Chips"), s.org("alpha"), by=s.staff("lead"), until=until)
    with s.at(house, "2026-05-04T17:59"):
        for org in ("beta", "minor"):
            with pytest.raises(Refused, match="excludes this one, until 4 May 2026, 18:00"):
                hold("Booth", org)  # also a place that excludes nobody
        assert hold("Chips", "sub").state is P.HELD
        assert hold("Booth", "gamma").state is P.HELD
        taking.let_go(place(2), by=s.staff("lead"))
    with s.at(house, "2026-05-04T18:00"):
        assert hold("Chips", "beta").state is P.HELD
        with pytest.raises(Refused, match="excludes this one"):
            hold("Booth", "alpha")
    with house.app_context(), reading(), clock.stopped_at(s.china("2026-05-04T18:00")):
        assert verify_places()[1] == []


def test_whoever_wants_to_be_alone_must_not_meet_a_rival(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        hold("Booth", "beta")
        with pytest.raises(Refused, match="Beta Ltd holds a place"):
            hold("Chips", "alpha")
        hold("Chips", "gamma")


def test_last_years_title_sponsor_has_first_refusal(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        hold("Title", "alpha")
        taking.sign(place(), contract="SP", by=s.staff("lead"))
    with s.at(house, "2027-01-04T10:00"):
        make_edition(2027, first=date(2027, 9, 1), last=date(2027, 9, 5), until=date(2027, 3, 31))
        with pytest.raises(Refused, match="Alpha Ltd, which had the title last year, has first refusal"):
            hold("Title", "gamma", 2027)
        assert hold("Booth", "gamma", 2027).state is P.HELD
    with s.at(house, "2027-04-01T10:00"):
        assert hold("Title", "gamma", 2027).state is P.HELD


LEAVING = [
    ("2026-06-12", 0, "0.00"), ("2026-06-13", 25, "12500.00"), ("2026-08-01", 50, "25000.00"),
    ("2026-09-01", 100, "50000.00"),
]  # fmt: skip


def test_leaving_costs_by_days_and_takes_two(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        hold("Booth", "gamma")
        with pytest.raises(Refused, match="Only a signed place"):
            leaving.propose(place(), by=s.staff("mana"), reason="budget")
    for n, (day, percent, due) in enumerate(LEAVING, 1):
        with s.at(house, "2026-05-04T10:00"):
            row = place(n) if n == 1 else hold("Booth", "gamma")
            taking.sign(row, contract="SP", by=s.staff("lead"))
            number = row.id
        with s.at(house, f"{day}T10:00"):
            row = db.session.get_one(SponsorPlace, number)
            with pytest.raises(Refused, match="Nobody proposes"):
                leaving.cancel(row, by=s.staff("fang"))
            leaving.propose(row, by=s.staff("mana"), reason="budget")
            with pytest.raises(Refused, match="proposed to cancel this place already"):
                leaving.propose(row, by=s.staff("mana"), reason="again")
            with pytest.raises(Forbidden, match="yourself"):
                leaving.cancel(row, by=s.staff("mana"))
            assert row.leaving_percent == percent
            leaving.cancel(row, by=s.staff("fang"))
            assert row.state is P.CANCELLED
            assert row.invoice is not None
            assert abs((owed(row.invoice) - s.yuan(due)).minor) <= 1  # net and tax are rounded apart
            assert len(editions.places(row.package.edition, P.OPEN)) == 6  # for sale again
    with house.app_context(), reading():
        assert verify_places()[1] == []
        assert verify_books()[1] == []


def test_a_cancellation_that_is_not_confirmed_changes_nothing(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        hold("Title", "alpha")
        taking.sign(place(), contract="SP", by=s.staff("lead"))
        leaving.propose(place(), by=s.staff("mana"), reason="budget")
        leaving.keep(place(), by=s.staff("fang"))
        assert (place().state, place().leaving_by) == (P.SIGNED, None)


def test_what_cannot_be_offered(house: Flask) -> None:
    with s.at(house, "2026-05-04T10:00"):
        edition, lead = db.session.query(SponsorEdition).one(), s.staff("lead")
        given: Any = {"names": {"zh": "x", "en": "x"}, "scope": Scope.NONE, "title": False, "by": lead}
        for price, quantity, why in (
            ("499999.99", 1, "The price lies between"),
            ("600000.00", 0, "1 to 50 places"),
        ):
            with pytest.raises(Refused, match=why):
                editions.offer(
                    edition, product="sponsorship", price=s.yuan(price), quantity=quantity, **given
                )
        with pytest.raises(Refused, match="has an edition of that year"):
            make_edition()
    with s.at(house, "2026-10-20T10:00"), pytest.raises(Refused, match="This edition is over"):
        hold("Booth", "gamma")


def test_every_state_is_reached_by_the_tables() -> None:
    for kind, first in ((PlaceState, P.OPEN), (PromiseState, PromiseState.DUE)):
        reached = {first}
        for _n in kind:
            reached |= {to for state in reached for to in TABLES[kind][state]}
        assert reached == set(kind)


TAKERS = st.builds(
    lambda org, tie, category, package, scope: Taker(org, frozenset({org, org ^ 1} if tie else {org}), category, package, scope),
    st.integers(0, 5), st.booleans(), st.sampled_from(["chip", "cloud", ""]), st.integers(1, 3), st.sampled_from(list(Scope)),
)  # fmt: skip


@given(st.lists(TAKERS, max_size=12))
def test_however_places_are_taken_no_two_exclude_each_other(asking: list[Taker]) -> None:
    """V7 by brute force: whoever is let in one after the other, every pair agrees; who is refused meets somebody in the way."""
    inside: list[Taker] = []
    for one in asking:
        other = exclusion.in_the_way(one, inside)
        if other is None:
            inside.append(one)
        else:
            assert exclusion.conflict(one, other)
    for one, other in combinations(inside, 2):
        assert not exclusion.excludes(one, other)
        assert not exclusion.excludes(other, one)


@given(st.integers(-5, 200))
def test_the_scale_never_falls_as_the_day_comes_near(days: int) -> None:
    scale, start = [(90, 0), (60, 25), (30, 50)], date(2026, 9, 10)
    today = exclusion.percent_due(scale, start, date.fromordinal(start.toordinal() - days))
    later = exclusion.percent_due(scale, start, date.fromordinal(start.toordinal() - days + 1))
    assert today <= later


HOLDER = """
import sys, time
from portal.app import create_app
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.retry import patiently
from portal.services.sponsors import taking
from portal.services.sponsors.models import SponsorPackage
me, start, package, *orgs = sys.argv[1:]
def hold(org):
    with transaction():
        taking.hold(db.session.get(SponsorPackage, int(package)), db.session.get(Organisation, int(org)), by=db.session.get(Person, 1))
with create_app().app_context():
    time.sleep(max(0.0, float(start) - time.time()))
    for org in orgs:
        try:
            patiently(lambda: hold(org))
            print("held", org)
        except Refused as refusal:
            print("refused", refusal)
"""


@pytest.mark.race
@pytest.mark.parametrize(("name", "most"), [("Title", 1), ("Booth", 3), ("Chips", 1)])
def test_the_last_place_and_an_excluding_one_go_once(
    app: Flask, tmp_path: Path, name: str, most: int
) -> None:
    """Four real processes ask at once for the same package: as many are held as there are, rivals never both (V7)."""
    from tests.test_races import soon

    today = clock.today()
    s.house(app, "alpha", "beta", "gamma", "omega", start=today)
    with app.app_context(), s.transaction():
        year = today.year + 1
        make_edition(year, first=date(year, 9, 1), last=date(year, 9, 5))
        for org in ("gamma", "omega"):
            s.org(org).category = "chip"
        number, ids = (
            package(name, year).id,
            [str(s.org(one).id) for one in ("alpha", "beta", "gamma", "omega")],
        )
    start = soon()
    said = run(app, tmp_path, HOLDER, *((str(n), start, str(number), ids[n]) for n in range(4)))
    assert sum(one.startswith("held") for one in said) == most
    with app.app_context(), reading():
        held = db.session.query(SponsorPlace).filter_by(state=P.HELD).count()
        assert held == most
        assert verify_places()[1] == []
