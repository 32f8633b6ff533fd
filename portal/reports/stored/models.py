"""The totals kept of a closed month."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db import Model
from portal.core.money import Money


class StoredMonth(Model):
    """A closed month whose totals are kept, as it was closed at `closed_at`; a month closed anew has other totals.

    `known_through` is the instant of its last known entry: what is asked as known before it reads the entries.
    `settled` says that at the last instant of the month every line had booked just what it had earned. `past` is the
    last row of imported books that was there: an import may know of days long over.
    """

    __tablename__ = "report_month"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    month: Mapped[date] = mapped_column(unique=True)
    closed_at: Mapped[datetime | None]
    known_through: Mapped[datetime]
    settled: Mapped[bool]
    past: Mapped[int]
    built_at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


class StoredTotal(Model):
    """What moved in a stored month on an account, by kind of entry, stream (None: no contract line) and month of service."""

    __tablename__ = "report_total"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    month_id: Mapped[int] = mapped_column(ForeignKey("report_month.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(40))
    stream: Mapped[str | None] = mapped_column(String(40))
    service_month: Mapped[date]
    amount: Mapped[Money]
