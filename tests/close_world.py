"""A snapshot, a public account and a report by mail, for the walk through every door."""

from __future__ import annotations

from datetime import date

from flask import Flask

from portal.accounts.people import Person
from portal.billing import closing, recognising
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.reports.closed import mailing, snapshots
from portal.reports.closed.models import AccountState, HalfYear, Rhythm
from tests import books, sale

YEAR = (date(2027, 1, 1), date(2028, 1, 1))
JANUARY, FEBRUARY = date(2027, 1, 1), date(2027, 2, 1)
KNOWN: dict[tuple[str, str], str] = {
    ("closed", "n"): "word:1",
    ("account_desk", "uid"): "half_year",
    ("account_desk", "deed"): "word:proposal",
    ("report_mail", "uid"): "report_mail",
    ("report_mail_end", "uid"): "word:none",
    ("open_account", "year"): "word:2025",
    ("open_account", "half"): "word:1",
    ("open_account", "form"): "word:csv",
}
SHARE = {
    "n": 1, "total": 100, "top_share": "1.000000", "hhi": "1.000000", "effective_number": "1.000000",
    "limit_breached": True,
}  # fmt: skip
FIGURES = {
    "period": ["2025-01-01", "2025-06-30"], "snapshots": [{"n": 1, "month": "2025-06", "hash": "0" * 64}],
    "versions": {}, "fewest": 3, "listed": 9,
    "lines": [{"streams": ["dues"], "name": {"en": "Dues", "zh": "会费"}, "recognised": 100, "collected": 100}],
    "totals": {"recognised": 100, "collected": 100}, "diversity": {"recognised": SHARE, "collected": SHARE},
    "ceiling": "3/5", "waived": None, "members": {}, "certified": 0, "benchmarks": [],
}  # fmt: skip


def rows(omni: Person, other: Person) -> dict[str, str]:
    """Keep a month, release one account and draft another, order a report; call inside a transaction."""
    snapshots.keep(date(2025, 6, 1), clock.now(), by=omni)
    uses = [{"zh": "人员", "en": "People", "amount": 1}]
    done = HalfYear(year=2025, half=1, edition=1, figures=FIGURES, by=omni, uses=uses)
    done.proposed_by, done.released_by, done.released_at = omni, other, clock.now()
    done.state = AccountState.RELEASED
    draft = HalfYear(year=2025, half=2, edition=1, figures=FIGURES, by=omni, uses=uses)
    db.session.add_all([done, draft])
    db.session.flush()
    mine = mailing.begin("overview", Rhythm.MONTHLY, {"period": "month", "stream": ""}, by=omni)
    return {"half_year": draft.uid, "report_mail": mine.uid}


def close(month: date, on: date) -> None:
    """Let what runs by itself run, and close a month by two of finance."""
    with clock.stopped_at(on):
        recognising.recognise()
        with transaction():
            closing.propose_close(month, by=books.person("fang"))
        with transaction():
            closing.close(month, by=books.person("feng"))


def two_closed(app: Flask) -> Flask:
    """Sell a year of support, half paid, and close January and February."""
    books.house(app)
    with app.app_context():
        with clock.stopped_at(date(2027, 1, 5)), transaction():
            reference = str(sale.sell(3_869_000, YEAR).reference)
        with clock.stopped_at(date(2027, 1, 20)), transaction():
            books.transfer("B-1", Money(1_934_500), reference)
        close(JANUARY, date(2027, 2, 3))
        close(FEBRUARY, date(2027, 3, 4))
    return app
