"""The knowledge base: out of an answer without names, published by a second person, found while a question is typed."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from portal.core import clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.rich import shown
from portal.services.support import answering, blacking, knowledge
from portal.services.support.knowledge_models import Article, ArticleState
from tests import support_scene as s
from tests.people import browser
from tests.people import post as send

NOW = "2026-03-02T10:00"
TEXTS = {
    "title_en": "The kernel stops at step 7", "title_zh": "内核在第 7 步停止运行",
    "body_en": "Use **2.2**, see [notes](https://flagos.example/notes).", "body_zh": "请升级到 **2.2** 版本。",
}  # fmt: skip


@pytest.fixture
def house(app: Flask) -> Any:
    s.house(app)
    with clock.stopped_at(s.china(NOW)):
        yield app


def solved(app: Flask, answer: str = "Dear Tao, use 2.2 at 10.1.2.3 (Galaxy Ltd, tao@galaxy.example)") -> str:
    with app.app_context(), transaction():
        row = s.ask()
        answering.take(row, by=s.person("an"))
        answering.solve(row, by=s.person("an"), body=answer, cause="A bug")
        return row.uid


def test_names_of_a_customer_never_come_along(house: Flask) -> None:
    solved(house)
    with s.at(house, NOW):
        begun = knowledge.proposed(s.ticket())
        assert begun["body_en"] == "Dear […], use 2.2 at […] ([…], […])"
        with pytest.raises(Refused, match="tells of somebody: Galaxy Ltd"):
            knowledge.write(
                None, TEXTS | {"body_en": "At galaxy ltd it helped"}, by=s.person("an"), ticket=s.ticket()
            )
        with pytest.raises(Refused, match=r"10\.1\.2\.3"):
            knowledge.write(None, TEXTS | {"body_zh": "地址 10.1.2.3"}, by=s.person("an"), ticket=s.ticket())
        assert db.session.query(Article).count() == 0
        fresh = s.ask()
        with pytest.raises(Refused, match="still in work"):
            knowledge.write(None, TEXTS, by=s.person("an"), ticket=fresh)


def test_one_writes_another_publishes_and_what_is_public_stays(house: Flask) -> None:
    solved(house)
    with s.at(house, NOW):
        an, ao = s.person("an"), s.person("ao")
        row = knowledge.write(None, TEXTS | {"body_zh": ""}, by=an, ticket=s.ticket())
        with pytest.raises(Refused, match="Somebody else"):
            knowledge.publish(row, by=an)
        with pytest.raises(Refused, match="both languages"):
            knowledge.publish(row, by=ao)
        knowledge.write(row, TEXTS, by=an)
        assert [one.n for one in row.versions] == [1]
        knowledge.publish(row, by=ao)
        with pytest.raises(Refused, match="public already"):
            knowledge.publish(row, by=ao)
        knowledge.write(row, TEXTS | {"body_en": "Use 2.3"}, by=ao)
        assert row.shown is not None
        assert (row.shown.n, row.latest.n, row.state) == (1, 2, ArticleState.PUBLISHED)
        knowledge.publish(row, by=an)
        assert row.shown.body_en == "Use 2.3"
        knowledge.withdraw(row, by=an, reason="Out of date")
        assert knowledge.like("kernel stops") == []
        knowledge.publish(row, by=ao)
        assert row.state is ArticleState.PUBLISHED
    with house.app_context(), pytest.raises(DatabaseError, match="cannot change"), transaction():
        db.session.execute(text("UPDATE knowledge_version SET body_en = 'x' WHERE n = 1"))


def test_who_asks_finds_it_in_both_languages(house: Flask) -> None:
    solved(house)
    with s.at(house, NOW):
        row = knowledge.write(None, TEXTS, by=s.person("an"), ticket=s.ticket())
        assert knowledge.like("my kernel stops") == []
        knowledge.publish(row, by=s.person("ao"))
        for question in ("my KERNEL stops often", "内核停止了怎么办", "２.２ step"):
            assert knowledge.like(question) == [row], question
        assert knowledge.like("kernel") == [row]
        assert knowledge.like("an invoice is wrong") == knowledge.like("?!") == []
        assert list(db.session.scalars(knowledge.public("STEP 内核"))) == [row]
        assert list(db.session.scalars(knowledge.public("100%"))) == []


def test_the_pages_of_it(house: Flask) -> None:
    ticket = solved(house)
    an, ao, nobody = (
        browser(house, "an@house.example"),
        browser(house, "ao@house.example"),
        house.test_client(),
    )
    assert "No article yet" in an.get("/office/support/articles").text
    assert "Make an article of it" in an.get(f"/office/support/tickets/{ticket}").text
    en = {"Accept-Language": "en"}
    begun = an.get(f"/office/support/articles/new?ticket={ticket}").text
    assert "[…], use 2.2" in begun
    bad = send(an, f"/office/support/articles/new?ticket={ticket}", **TEXTS | {"body_en": "Ask Tao <b>"})
    assert (
        bad.status_code,
        "This still tells of somebody: Tao" in bad.text,
        "Ask Tao &lt;b&gt;" in bad.text,
    ) == (422, True, True)
    good = send(an, f"/office/support/articles/new?ticket={ticket}", **TEXTS)
    assert good.status_code == 303, good.text
    uid = good.location.rsplit("/", 1)[-1]
    assert nobody.get(f"/knowledge/{uid}").status_code == 404
    assert "Somebody else publishes" in send(an, f"{good.location}/publication").text
    assert "Article: The kernel stops" in ao.get("/office/").text
    assert send(ao, f"{good.location}/publication").status_code == 303
    page = nobody.get(f"/knowledge/{uid}", headers=en).text
    assert '<a href="https://flagos.example/notes" rel="nofollow noopener">notes</a>' in page
    assert "<strong>2.2</strong>" in page
    assert "The kernel stops" in nobody.get("/knowledge/?q=step", headers=en).text
    assert "No answer has these words" in nobody.get("/knowledge/?q=invoice", headers=en).text
    assert f"/knowledge/{uid}" in nobody.get("/knowledge/?fits=kernel+stops+here", headers=en).text
    assert nobody.get("/knowledge/?fits=an+invoice").text.strip() == ""
    assert send(an, f"{good.location}/withdrawal", reason="").status_code == 422
    assert send(an, f"{good.location}/withdrawal", reason="Old").status_code == 303
    assert nobody.get(f"/knowledge/{uid}").status_code == 404
    assert "Publish it again" in ao.get(good.location).text
    tao = browser(house, "tao@galaxy.example")
    assert tao.get("/office/support/articles").status_code == 403
    with house.app_context(), reading():
        assert knowledge.found(uid).state is ArticleState.WITHDRAWN


def test_an_article_carries_no_script() -> None:
    html = shown(
        "<script>x</script> [a](javascript:alert(1)) ![p](https://x.example/p.png) <img src=x onerror=y>",
        "article",
    )
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html


NAMES = st.text(st.sampled_from("abcXYZ中国银河 .-"), min_size=2, max_size=12).filter(
    lambda one: len(one.strip()) >= 2
)


@given(st.lists(NAMES, max_size=4), st.text(st.sampled_from("abcXYZ中国银河 .-@0123456789"), max_size=80))
def test_what_is_masked_leaves_no_trace(names: list[str], said: str) -> None:
    clear = blacking.masked(said, names)
    assert blacking.traces(clear, names) == []
    assert blacking.masked(clear, names) == clear
