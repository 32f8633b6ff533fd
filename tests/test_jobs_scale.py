"""The board and the pool when they are large: shortcuts give what the long way gives, and pages cost the same however many there are."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from defusedxml import ElementTree as Xml
from flask import Flask
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.accounts.privacy_models import Channel
from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing
from portal.core.money import Money
from portal.jobs import consents, matching, pool, posts, profiles, quotas, searching, sitemap
from portal.jobs.matching import Wanted
from portal.jobs.people_models import Profile
from portal.jobs.stages import IN_POOL, Purpose
from portal.members import terms
from portal.members.belonging import Ending, Hold, Term, TermKind
from portal.members.standing import EndingCause, HoldCause
from tests import job_people_world as w
from tests import membership as m
from tests.counting import counted
from tests.people import browser, make_org

HR = "hr@galaxy.example"
SIZES = [(0, 0), (0, 10_000), (10_000, 0)]  # walked; from the holders of each level; all looked at


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    """Two employers with a post each, the clock at noon."""
    w.house(app)
    with clock.stopped_at(w.DAY):
        yield app


def crowd(count: int, dice: random.Random) -> None:
    """Add candidates of every kind: with and without certificates, in the pool, out of it, shutting an employer out."""
    org = db.session.scalars(select(Organisation).where(Organisation.legal_name == "Galaxy Ltd")).one()
    for n in range(count):
        skills = dice.sample(["Triton", "CUDA", "算子开发", "量化", "RDMA"], 2)
        who = w.candidate(
            f"c{n}", dice.choice(["", "", *w.LEVELS]), city=dice.choice(["beijing", "shanghai"]), skills=skills,
            kinds=dice.choice([["full_time"], ["intern", "part_time"]]), languages=dice.choice([["zh"], ["zh", "en"]]),
        )  # fmt: skip
        for given in dice.choice([[True], [True], [True, False], [True, False, True], []]):
            consents.enter_pool(who, given)
        if dice.random() < 0.1:
            profiles.shut_out(who, org)
        if dice.random() < 0.1:
            who.disabled_at = clock.now()
        if dice.random() < 0.1:
            w.certified(who, "ARCH", end=w.DAY - timedelta(days=1))
    db.session.flush()


def longhand(org: Organisation, wanted: Wanted) -> list[tuple[str, int]]:
    """Return (uid, rank) of whom a search must find, one person after the other, by the gate itself."""
    from portal.jobs import credits, terms

    out = []
    for row in db.session.scalars(select(Profile).order_by(Profile.uid)):
        best = credits.highest(credits.of([row.person])[row.person_id])
        rank = best.rank if best else 0
        fits = (
            all(consents.allowed(row.person, Purpose.POOL, consents.MEMBERS, one) for one in IN_POOL)
            and row.person.disabled_at is None
            and org.id not in {one.org_id for one in profiles.shut_outs(row.person)}
            and rank >= wanted.level
            and (not wanted.city or row.city == wanted.city)
            and (not wanted.kind or wanted.kind in row.kinds)
            and (not wanted.language or wanted.language in row.languages)
            and set(terms.asked(wanted.skills)) <= terms.terms_of(row.skills)
        )
        if fits:
            out.append((row.uid, rank))
    return sorted(out, key=lambda one: (-one[1], one[0]))


ASKED = (
    Wanted(), Wanted(level=2), Wanted(skills="Triton"), Wanted(skills="cuda 算子", city="shanghai"),
    Wanted(level=1, city="beijing", skills="triton", kind="full_time", language="en"), Wanted(skills="fortran"),
)  # fmt: skip


def test_however_the_pool_is_read_it_finds_whom_the_gate_lets_be_found_in_the_same_order(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.app_context():
        with transaction():
            crowd(40, random.Random(3))
        org, hr = w.post_of("galaxy").org, w.person(HR)
        rows = []
        for wanted in ASKED:
            with transaction():
                rows.append(pool.search(org, wanted, by=hr))
        with reading():
            for wanted, row in zip(ASKED, rows, strict=True):
                expected = longhand(org, wanted)
                for few, held in SIZES:
                    monkeypatch.setattr(matching, "FEW", few)
                    monkeypatch.setattr(matching, "FEW_HOLD", held)
                    keys = matching.first(row, 500)
                    uids = [db.session.get_one(Profile, number).uid for number, _rank in keys]
                    assert [(uid, rank) for uid, (_n, rank) in zip(uids, keys, strict=True)] == expected
                    assert matching.first(row, 7) == keys[:7]
                if len(expected) >= 5:
                    least = [pool.part(row, at, 3) for at in range(1, 40)]
                    turned = [
                        profile.uid
                        for part in least[: -(-len(expected) // 3)]
                        for profile, _rank in part.people
                    ]
                    assert turned == [uid for uid, _rank in expected]
                    assert least[-1] == least[-(-len(expected) // 3) - 1]
                else:
                    assert pool.part(row, 1, 3) == pool.Part([])


def test_a_handle_opens_for_its_employer_alone_and_only_while_the_gate_is_open(house: Flask) -> None:
    with house.app_context():
        with transaction():
            people = [w.candidate(f"h{n}") for n in range(6)]
            w.pooled(*people)
        ours, theirs = w.post_of("galaxy").org, w.post_of("alder").org
        with transaction():
            mine = pool.search(ours, Wanted(), by=w.person(HR))
            other = pool.search(theirs, Wanted(), by=w.person("hr@alder.example"))
        profile, _rank = pool.results(mine)[2]
        named = pool.handle(ours, profile)
        assert pool.one(mine, named) == (profile, 0)
        assert named != pool.handle(theirs, profile) != profile.uid
        for row, handle in ((other, named), (mine, profile.uid), (mine, "x"), (mine, named.upper() + "0")):
            with pytest.raises(Missing):
                pool.one(row, handle)
        with transaction():
            consents.enter_pool(profile.person, False, channel=Channel.ACCOUNT)
        with pytest.raises(Missing):
            pool.one(mine, named)
        assert len(pool.results(mine)) == 5
        with transaction():
            consents.enter_pool(people[0] if people[0].id != profile.person_id else people[1], False)
        with reading():
            rest = next(
                one for one in people if consents.allowed(one, Purpose.POOL, consents.MEMBERS, "city")
            )
            handle = pool.handle(ours, profiles.of(rest) or profile)
        with pytest.raises(Missing):  # four are too few to show one of them
            pool.one(mine, handle)


def statements(client: Any, path: str) -> int:
    with counted(client.application) as sent:
        answer = client.get(path)
    assert answer.status_code == 200, path
    return len(sent)


def test_pages_take_the_same_statements_with_more_posts_and_more_people(house: Flask) -> None:
    """Whoever is counted, listed or searched: twice as many cost not one statement more."""
    with house.app_context():
        with transaction():
            w.pooled(*[w.candidate(f"s{n}", w.LEVELS[n % 3]) for n in range(11)])
        with transaction():
            row = pool.search(w.post_of("galaxy").org, Wanted(), by=w.person(HR))
        path = f"/jobs/hiring/pool/{row.uid}"
    client = browser(house, HR)
    pages = (
        "/jobs/?",
        "/jobs/?q=kernel&",
        "/jobs/feed.json?",
        "/jobs/sitemap.xml?",
        "/api/v1/jobs?q=",
        f"{path}?",
    )
    found = []
    for turn in range(2):
        if turn:
            with house.app_context(), transaction():
                for n in range(8):
                    w.post(w.employer(f"more{n}"), "Kernel engineer")
                w.pooled(*[w.candidate(f"t{n}", w.LEVELS[n % 3]) for n in range(11)])
        # Outside that context: within it a request would share its session, and find there what nobody has let go yet.
        for page in pages:  # the statements of what lies in memory are not asked again
            client.get(page if page.endswith("=") else f"{page}warm={turn}")
        found.append(
            [statements(client, page if page.endswith("=") else f"{page}turn={turn}") for page in pages]
        )
    assert found[0] == found[1]


def test_a_long_board_is_counted_no_further_than_it_is_listed(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.app_context(), transaction():
        for n in range(52):
            w.post(w.post_of("galaxy").org, f"Post number {n}")
    client = house.test_client()
    assert "54 posts" in client.get("/jobs/?size=25", headers={"Accept-Language": "en"}).text
    monkeypatch.setattr(searching, "MOST_COUNTED", 50)
    first, last = (
        client.get(f"/jobs/?page={n}&y=1", headers={"Accept-Language": "en"}).text for n in (1, 99)
    )
    assert "More than 50 posts" in first
    assert "The first 50 rows" in first
    numbers = [n for n in range(52) if f"Post number {n}<" in first or f"Post number {n}<" in last]
    assert numbers == list(range(2, 52))


def test_the_sitemap_of_a_long_board_is_an_index_of_parts_that_hold_every_visible_post_once(
    house: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = house.test_client()
    with house.app_context():
        with transaction():
            made = [w.post(w.post_of("galaxy").org, f"Post number {n}").uid for n in range(7)]
        with reading():
            every = {row.uid for row in db.session.scalars(posts.visible())}
    assert every >= set(made)
    short = Xml.fromstring(client.get("/jobs/sitemap.xml").data)
    assert short.tag.endswith("urlset")
    monkeypatch.setattr(sitemap, "PART", 3)
    index = Xml.fromstring(client.get("/jobs/sitemap.xml").data)
    assert index.tag.endswith("sitemapindex")
    found: list[str] = []
    for one in index:
        loc, changed = one[0].text or "", one[1].text or ""
        assert changed.startswith("2026-06-15T")
        part = Xml.fromstring(client.get("/" + loc.split("/", 3)[3]).data)
        found += [(url[0].text or "").split("/")[-1].split("?")[0] for url in part]
    assert sorted(found) == sorted(every)
    for number in ("99", "9" * 30, "-1"):
        assert client.get(f"/jobs/sitemap-{number}.xml").status_code == 404


def test_who_is_passed_over_as_plainly_active_is_active_by_the_facts(house: Flask) -> None:
    """Memberships of all kinds, invented: the shortcut names nobody whose facts say no."""
    dice, day = random.Random(11), w.DAY

    def somewhere() -> date:
        return day + timedelta(days=dice.choice([-400, -200, -31, -30, -1, 0, 1, 100]))

    with house.app_context():
        with transaction():
            for n in range(40):
                org = make_org(f"Maybe {n}")
                if dice.random() < 0.2:
                    m.member(
                        org, start=day - timedelta(days=dice.choice([10, 100, 400])), paid=dice.random() < 0.5
                    )
                elif dice.random() < 0.9:
                    row = terms.found_membership(org)
                    for k in range(dice.choice([1, 2])):
                        start = somewhere()
                        term = Term(
                            membership=row, kind=TermKind.NEW, tier="gold", category="software", start=start,
                            end=dice.choice([None, start + timedelta(days=365), start + timedelta(days=1)]), anchor=start,
                            k=k, period_price=Money(1), charged=Money(1), cover=dice.choice(["settled", "invoice"]), by_name="t",
                        )  # fmt: skip
                        db.session.add(term)
                        if dice.random() < 0.2:
                            db.session.add(
                                Ending(term=term, on=somewhere(), cause=dice.choice(list(EndingCause)), reason="", by_name="t", bar_for_good=True)
                            )  # fmt: skip
                    if dice.random() < 0.2:
                        db.session.add(
                            Hold(membership=row, start=somewhere(), cause=HoldCause.CONDUCT, reason="", by_name="t", end=dice.choice([None, somewhere()]))
                        )  # fmt: skip
                db.session.flush()
        with reading():
            every = set(db.session.scalars(select(Organisation.id).order_by(Organisation.id)))
            for on in (day, day + timedelta(days=200)):
                asked = select(Organisation.id).where(quotas.doubtful(Organisation.id, on=on))
                doubtful = set(db.session.scalars(asked.order_by(Organisation.id)))
                fallen = quotas.fallen(every, on=on)
                assert fallen <= doubtful < every
                assert fallen < doubtful | fallen
