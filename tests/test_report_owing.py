"""What a plan has earned, as the database works it out, beside the same in Python."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.billing import months
from portal.billing.book_models import Segment
from portal.billing.models import OrderLine
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.reports import owing
from portal.reports.facts import Planned
from tests.close_world import two_closed

START = date(2027, 1, 1)
Part = tuple[date, int, int, tuple[date, datetime] | None]
DAYS = st.integers(-40, 460).map(lambda n: START + timedelta(days=n))
# Halves of a fen are where two ways of rounding part; an amount of ten million yuan over ten years is still far from 2^63.
FEN = st.one_of(st.integers(-400, 400), st.integers(-(10**9), 10**9))
CUTS = st.one_of(st.none(), st.tuples(DAYS, DAYS.map(months.end_of)))
PARTS = st.lists(st.tuples(DAYS, st.integers(1, 400), FEN, CUTS), min_size=1, max_size=12)


def planned(part: Part, at: datetime) -> Planned:
    starts, length, fen, cut = part
    return Planned(starts, starts + timedelta(days=length), fen, cut[0] if cut and cut[1] <= at else None)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=PARTS, asked=st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=4))
def told_alike(app: Flask, parts: list[Part], asked: list[tuple[date, date]]) -> None:
    with transaction():
        line = db.session.scalars(select(OrderLine).limit(1)).one()
        rows = []
        for n, (starts, length, fen, cut) in enumerate(parts):
            one = Segment(
                order_line=line, key=f"probe:{n}", starts=starts, ends=starts + timedelta(days=length), amount=Money(fen),
                known_at=months.end_of(START),
            )  # fmt: skip
            one.cut_on, one.cut_known_at = cut or (None, None)
            rows.append(one)
        db.session.add_all(rows)
        db.session.flush()
        for day, known in asked:
            at = months.end_of(known)
            statement = select(owing.earned_by(day, at)).where(Segment.key.startswith("probe:"))
            found = [int(fen) for fen in db.session.scalars(statement.order_by(Segment.id))]
            assert found == [planned(part, at).earned_by(day) for part in parts]
        db.session.rollback()


def test_the_database_earns_as_the_plan_does_to_the_fen(app: Flask) -> None:
    two_closed(app)
    with app.app_context():
        told_alike(app)
