"""What is kept while the database stands still: the same answer, never an old one."""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from benchmarks.crowd import crowd
from portal.accounts.organisations import Organisation
from portal.core.db import db, transaction
from portal.core.unchanged import unchanged
from portal.members import wall
from portal.members.belonging import Membership
from tests.counting import counted
from tests.people import make_org


def _count(app: Flask, asked: list[int]) -> int:
    """Return how many organisations there are, as a request of its own that keeps the answer."""

    def read() -> int:
        asked[0] += 1
        return db.session.scalar(select(func.count()).select_from(Organisation)) or 0

    with app.test_request_context("/"):
        found = unchanged("count", read)
        db.session.remove()
    return found


def test_an_answer_is_kept_until_anybody_saves_anything(app: Flask) -> None:
    asked = [0]
    assert [_count(app, asked) for _ in range(3)] == [0, 0, 0]
    assert asked == [1]

    def save(name: str) -> None:
        with app.app_context(), transaction():
            make_org(name)

    save("甲有限公司")  # by the connection that holds the answer
    assert [_count(app, asked) for _ in range(2)] == [1, 1]
    other = threading.Thread(target=save, args=("乙有限公司",))  # by another one, while ours is in use
    with app.app_context(), db.engine.connect():
        other.start()
        other.join()
    assert [_count(app, asked) for _ in range(2)] == [2, 2]
    with app.app_context():
        make_org("丙有限公司")
        db.session.rollback()
    assert _count(app, asked) == 2


def test_a_writer_is_never_told_from_memory(app: Flask) -> None:
    asked = [0]
    assert _count(app, asked) == 0
    with app.test_request_context("/", method="POST"), transaction():
        make_org("甲有限公司")
        assert unchanged("count", lambda: db.session.scalar(select(func.count(Organisation.id)))) == 1


def _names(client: Any, path: str) -> list[str]:
    parts = client.get(path).text.split('<p class="tile-name"><a href="/members/')[1:]
    return [part.split('"')[0] for part in parts]


def test_the_wall_shows_everybody_once_in_order_and_hears_of_each_change(app: Flask) -> None:
    with app.app_context():
        crowd(230)
        with transaction():
            ids = list(db.session.scalars(select(Membership.id).order_by(Membership.id).limit(6)))
            for number, tier in zip(ids, ("zeta", "alpha", "zeta", "alpha", "zeta", "alpha"), strict=True):
                db.session.execute(update(Membership).where(Membership.id == number).values(tier=tier))
    client = app.test_client()
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        order = (wall.ranked(), wall.by_name(), Organisation.id)
        rows = wall.shown().with_only_columns(Organisation.uid).order_by(*order)
        expected = list(db.session.scalars(rows))
    client.environ_base.update({"HTTP_ACCEPT_LANGUAGE": "en"})
    for _ in range(2):
        assert [uid for n in (1, 2, 3) for uid in _names(client, f"/members?page={n}")] == expected
    with app.app_context(), transaction():
        row = db.session.scalars(select(Organisation).where(Organisation.uid == expected[0])).one()
        row.listing_consent = False
    assert _names(client, "/members")[0] == expected[1]
    with counted(app) as seen:
        _names(client, "/members")
    assert len(seen) <= 2 + (1 if "pg_current_snapshot" in " ".join(seen) else 0)


TIERS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 9))


@given(counted=TIERS, start=st.integers(0, 60), most=st.integers(1, 20), known=st.permutations("abcde"))
def test_the_tiers_of_a_page_hold_its_rows_and_those_before_none(
    counted: dict[str, int], start: int, most: int, known: list[str]
) -> None:
    place = {code: known.index(code) if code in known else len(known) for code in counted}
    rows = sorted((place[code], n, code) for code, number in counted.items() for n in range(number))
    found, before = wall.within(counted, start, most, known)
    kept = [row for row in rows if row[2] in found]
    assert kept[max(0, start - before) :][:most] == rows[start : start + most]
