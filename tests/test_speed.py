"""How much pages ask of the database, and that what is kept for speed says the same as what it is kept of."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from benchmarks.crowd import crowd
from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.billing.models import Invoice, Order, Party
from portal.core import i18n
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.core.paging import folded
from portal.members import grams, names, wall
from portal.members.belonging import Membership, Term, TermKind
from portal.members.models import NameGram
from tests.counting import counted
from tests.people import browser, make_org, make_person

MOST, MEMBER = 8, 9
LISTS = (
    "/office/members/", "/office/members/?page=3", "/office/members/?page=2&sort=-since", "/office/members/?q=beacon+cl",
    "/office/members/?tier=gold&sort=tier", "/office/money/invoices", "/office/money/invoices?page=3&sort=sum",
    "/office/money/invoices?q=INV", "/office/money/receipts", "/office/applications/", "/members", "/members?q=系统",
)  # fmt: skip


@pytest.fixture
def filled(app: Flask) -> Flask:
    """The application with sixty members and somebody who may read all of them."""
    with app.app_context():
        crowd(60)
        with transaction():
            make_person("all@house.example", staff=(StaffRole.REVIEWER, StaffRole.FINANCE))
    return app


def test_lists_take_at_most_eight_statements(filled: Flask) -> None:
    client = browser(filled, "all@house.example")
    client.get("/office/members/")
    for path in LISTS:
        with counted(filled) as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= MOST, (path, seen)


def test_a_members_page_takes_no_more_with_more_terms_and_invoices(filled: Flask) -> None:
    client = browser(filled, "all@house.example")
    with filled.app_context():
        uid = db.session.scalars(select(Organisation.uid).order_by(Organisation.id)).first()
        db.session.rollback()

    def asked() -> int:
        with counted(filled) as seen:
            assert client.get(f"/office/members/{uid}").status_code == 200
        return len(seen)

    asked()
    before = asked()
    with filled.app_context(), transaction():
        row = db.session.scalars(select(Membership).join(Organisation).where(Organisation.uid == uid)).one()
        party = db.session.scalars(select(Party).where(Party.org_id == row.org_id)).one()
        for year in range(1, 6):
            order = Order(party=party, ordered_subject=f"more:{year}")
            db.session.add(Invoice(party=party, order=order, billed_subject=f"more:{year}", language="en"))
            start = date(2010 + year, 1, 1)
            db.session.add(
                Term(
                    membership=row, kind=TermKind.RENEWAL, tier=row.tier, category="chip", start=start,
                    end=start + timedelta(days=365), anchor=start, k=0, period_price=Money(1), charged=Money(1),
                    cover="invoice", by_name="test",
                )
            )  # fmt: skip
    assert asked() == before == MEMBER


@pytest.mark.parametrize("path", ["/office/members/?sort={}", "/office/members/?q=有限公司&sort={}"])
def test_pages_read_from_the_end_are_those_read_from_the_start(filled: Flask, path: str) -> None:
    client = browser(filled, "all@house.example")
    for sort in ("name", "-name", "since", "-tier"):
        found: list[str] = []
        for page in (1, 2, 3):
            text = client.get(path.format(sort) + f"&page={page}").text
            found += [part.split('"')[0] for part in text.split('<th scope="row"><a href="')[1:]]
        whole = client.get(path.format(sort) + "&size=100").text
        assert found == [part.split('"')[0] for part in whole.split('<th scope="row"><a href="')[1:]]
        assert len(found) == len(set(found)) > 50


def test_the_name_in_a_list_is_the_name_of_the_organisation(app: Flask) -> None:
    with app.app_context(), transaction():
        for n in range(16):
            org = make_org(f"法定{n}")
            org.display_name_zh, org.display_name_en = "中" * (n & 1), "E" * (n >> 1 & 1)
            org.legal_name_en = "L" * (n >> 2 & 1)
    for code in i18n.LANGUAGES:
        with app.test_request_context(), app.app_context(), force_locale(code):
            rows = db.session.execute(select(Organisation, wall.shown_name())).all()
            assert len(rows) == 16
            assert [org.name for org, _name in rows] == [name for _org, name in rows]


LETTERS = st.text(st.sampled_from("abcABCéßＡｂ１2 .-&％%_/\\系統系统星河芯片ﬁ½"), min_size=1, max_size=12)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(known=st.lists(LETTERS, min_size=1, max_size=6), asked=st.lists(LETTERS, min_size=1, max_size=6))
def test_search_finds_what_like_over_all_names_finds(app: Flask, known: list[str], asked: list[str]) -> None:
    with app.app_context():
        ids = []
        try:
            for name in known:
                org = make_org(name + "有限公司")
                org.display_name_en = name[::-1]
                names.index(org)
                ids.append(org.id)
            for words in [*asked, known[0], known[0][1:4], known[-1][-2:].upper()]:
                plain = select(Organisation.id).where(
                    Organisation.search_text.contains(folded(words), autoescape=True)
                )
                found = select(Organisation.id).where(grams.holding(words))
                assert set(db.session.scalars(found)) == set(db.session.scalars(plain))
            assert set(ids) >= set(db.session.scalars(select(Organisation.id).where(grams.holding(known[0]))))
        finally:
            db.session.rollback()


def test_words_that_no_name_can_hold_find_nothing_and_harm_nothing(filled: Flask) -> None:
    client = browser(filled, "all@house.example")
    for words in ("%00abc", "x" * 3000, "%25%25%25", "___", "%5C%5C%5C"):
        answer = client.get(f"/office/members/?q={words}")
        assert answer.status_code == 200
        assert "<tbody>" not in answer.text


def test_names_are_indexed_anew_by_a_command_without_a_change(filled: Flask) -> None:
    def all_grams() -> list[Any]:
        return [tuple(row) for row in db.session.execute(select(NameGram.gram, NameGram.org_id))]

    with filled.app_context():
        before = sorted(all_grams())
        with transaction():
            assert names.rebuild() == 60
        assert sorted(all_grams()) == before != []


def test_a_template_says_its_words_in_the_language_it_is_rendered_in(app: Flask) -> None:
    with app.test_request_context():
        for code, said in (("en", "Sign in"), ("zh_Hans_CN", "登录"), ("en", "Sign in")):
            with force_locale(code):
                assert render_template_string("{{ _('Sign in') }}") == said
