"""Numbers of documents: gapless per kind and year, and days that never fall as numbers rise."""

from __future__ import annotations

from datetime import date

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from portal.billing.models import NumberSeries
from portal.core import clock
from portal.core.db import db


def next_number(key: str) -> int:
    """Take the next number of a series. Holds the counter's row until the commit, so there is never a gap."""
    _there(key)
    taken = db.session.execute(
        update(NumberSeries)
        .where(NumberSeries.key == key)
        .values(next=NumberSeries.next + 1)
        .returning(NumberSeries.next - 1)
        .execution_options(synchronize_session=False)
    )
    return int(taken.scalar_one())


def _there(key: str) -> None:
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    db.session.execute(build(NumberSeries).values(key=key, next=1).on_conflict_do_nothing())


def hold(key: str) -> None:
    """Hold a counter until the commit without taking a number: whoever else takes one of this series waits."""
    _there(key)
    same = update(NumberSeries).where(NumberSeries.key == key).values(next=NumberSeries.next)
    db.session.execute(same.execution_options(synchronize_session=False))


def take(prefix: str) -> tuple[str, date]:
    """Return the next number of a kind of document and its day; the day is read after the counter, so dates never fall."""
    while True:
        year = clock.today().year
        with db.session.begin_nested() as savepoint:
            n = next_number(f"{prefix}-{year}")
            day = clock.today()
            if day.year == year:
                return f"{prefix}-{year}-{n:06d}", day
            savepoint.rollback()
