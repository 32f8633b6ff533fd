"""The books of the demo closed through the last half year that is over, its public account released, and a report by mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from portal.accounts.people import Person
from portal.billing import closing, months, recognising, revaluing
from portal.core import clock
from portal.core.db import transaction
from portal.reports.closed import half_years, mailing, snapshots
from portal.reports.closed.half_years import Words
from portal.reports.closed.models import Rhythm

USES = (
    ("人员与办公", "People and office", 42_000_000),
    ("云资源与芯片测试", "Cloud and chip tests", 18_500_000),
    ("社区活动与高校项目", "Community events and universities", 9_300_000),
)
ZH = "基金会首份半年度公开账目。创始会员的免收价值在收入之外单独列示。"
EN = "The first public account of the foundation. What founding members were spared stands beside income."


def fill(who: Callable[[str], Person], today: date) -> None:
    """Close the months, release the account, order a report; last of all, so that nothing is posted late."""
    year, half = half_years.last_half(today)
    with clock.stopped_at(today):
        recognising.recognise()
        revaluing.sweep()
        month = closing.next_to_close()
        while month is not None and month < months.following(date(year, 6 * half, 1)):
            _close(month, who)
            month = months.following(month)
        _release(year, half, who)
        with transaction():
            mailing.begin("overview", Rhythm.MONTHLY, {"period": "year", "stream": ""}, by=who("finance"))
        snapshots.check()


def _close(month: date, who: Callable[[str], Person]) -> None:
    with transaction():
        closing.propose_close(month, by=who("finance"))
    with transaction():
        closing.close(month, by=who("finance2"))


def _release(year: int, half: int, who: Callable[[str], Person]) -> None:
    with transaction():
        row = half_years.draft(year, half, by=who("finance"))
        half_years.save(row, Words(USES, ZH, EN), by=who("finance"))
        half_years.propose(row, by=who("finance"))
    with transaction():
        locked = half_years.locked(row.uid)
        if locked is not None:
            half_years.release(locked, by=who("executive"))
