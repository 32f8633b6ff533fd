"""What members cost the database: standings of a page, the nightly chore and the figures ask by batch, never by row."""

from __future__ import annotations

from datetime import date

from flask import Flask
from sqlalchemy import select

from portal.core import chores, clock
from portal.core.db import db, reading, transaction
from portal.members import history, terms
from portal.members.belonging import Membership
from portal.members.facts import facts_of
from portal.members.standing import Standing, standing_of
from tests.counting import counted

HEAD = "month,event,org_id,name,from_tier,to_tier,joined\n"


def fill(app: Flask, count: int) -> None:
    with app.app_context(), transaction():
        history.bring_in(HEAD + "".join(f"2024-01,join,o{n},Org {n},,Gold,\n" for n in range(count)))


def test_standings_of_a_page_take_as_many_statements_for_a_hundred_rows_as_for_ten(app: Flask) -> None:
    fill(app, 120)
    told = {}
    for size in (10, 10, 100):
        with app.app_context(), reading():
            policy = terms.policy_on(clock.today())
            with counted(app) as seen:
                rows = db.session.scalars(select(Membership).limit(size)).all()
                facts = facts_of(rows)
                found = {standing_of(facts[row.id], date(2026, 1, 1), policy) for row in rows}
            assert found == {Standing.ACTIVE}
            told[size] = len(seen)
    assert told[100] == told[10] <= 8


def test_the_nightly_chore_asks_by_the_batch(app: Flask) -> None:
    fill(app, 450)
    told = []
    for _ in range(2):
        with app.app_context(), counted(app) as seen:
            assert chores.table()["announce_standings"].run() == 0
        told.append(len(seen))
    assert told[1] <= 3 * 12  # three batches of 200
