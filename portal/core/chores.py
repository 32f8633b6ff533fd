"""Chores: what happens by the clock. A run asks what is due and not yet done; a second run does nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog
from apscheduler.executors.base import BaseExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.core import clock, outbox
from portal.core.db import db, transaction
from portal.core.outbox import OutboxItem
from portal.core.retry import patiently

log = structlog.get_logger(__name__)
Run = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore: its name, when it runs (cron words in office time), and what it does (returns rows done)."""

    name: str
    cron: str
    run: Run


_table: dict[str, Chore] = {}
_words: dict[str, LazyString] = {}


def register(*chores: Chore) -> None:
    """Put chores on the table; `schedule.py` is the one page that calls this."""
    _table.update({chore.name: chore for chore in chores})


def say(words: Mapping[str, LazyString]) -> None:
    """Say what chores do, for people."""
    _words.update(words)


def said(name: str) -> str:
    """Return what a chore does, in the reader's language; its name if nobody said."""
    return str(_words.get(name, name.replace("_", " ")))


def table() -> dict[str, Chore]:
    """Return every chore by name."""
    return dict(_table)


def run(name: str, *, as_of: date | None = None) -> int:
    """Run one chore by hand, as if it were noon of a given day; return how many rows it did."""
    chore = _table[name]
    if as_of is None:
        return patiently(chore.run)  # a chore asks what is due and not yet done: a second run repeats nothing
    with clock.stopped_at(as_of):
        return patiently(chore.run)


@outbox.handles("chore", _l("Chore"))
def _slot(item: outbox.Claim) -> outbox.Finish:
    name = item.payload["name"]
    rows = run(name)
    log.info("chore.done", chore=name, rows=rows)

    def finish() -> None:
        row = db.session.get_one(OutboxItem, item.id)
        row.payload = {**row.payload, "rows": rows}

    return finish


def ask(name: str, *, by: str) -> bool:
    """File a run asked for by a person, in the present transaction; one a minute is enough."""
    key = f"{name}@{clock.now().strftime('%Y-%m-%dT%H:%M:%SZ')}#{by}"
    return outbox.queue("chore", key[:200], {"name": name, "by": by})


def file_slot(name: str, slot: datetime) -> bool:
    """File one slot of a chore; False if another host filed it already."""
    key = f"{name}@{slot.astimezone(UTC).strftime('%Y-%m-%dT%H:%MZ')}"
    with transaction():
        return outbox.queue("chore", key, {"name": name})


def trigger(chore: Chore) -> CronTrigger:
    """Return the chore's times, in the office's zone."""
    return CronTrigger.from_crontab(chore.cron, timezone=clock.OFFICE)


def latest_slot(chore: Chore, now: datetime) -> datetime | None:
    """Return the last time that passed within forty days, so that a restart catches up."""
    cron = trigger(chore)
    for back in (timedelta(hours=2), timedelta(days=2), timedelta(days=8), timedelta(days=40)):
        found, at = None, now - back
        while (nxt := cron.get_next_fire_time(None, at)) is not None and nxt <= now:
            found, at = nxt, nxt + timedelta(seconds=1)
        if found is not None:
            return found
    return None


class Filing(BaseExecutor):
    """An executor that runs nothing: each time becomes one row, and the unique key elects one filer."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app = app

    def submit_job(self, job: Any, run_times: list[datetime]) -> None:
        """Take the times that passed, without counting running instances: nothing runs here."""
        self._do_submit_job(job, run_times)

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        """File the latest of the times: one is enough, a chore does whatever is due."""
        with self.app.app_context():
            file_slot(job.id, run_times[-1])


def nothing() -> None:
    """What APScheduler is told to run; the executor never calls it."""


def run_clock(app: Flask, stop: threading.Event) -> None:
    """Be the clock until told to stop: file the latest missed slots, then each slot as it comes."""
    with app.app_context():
        for chore in _table.values():
            slot = latest_slot(chore, clock.now())
            if slot is not None:
                file_slot(chore.name, slot)
    scheduler = BackgroundScheduler(timezone=clock.OFFICE)
    scheduler.add_jobstore(MemoryJobStore())
    scheduler.add_executor(Filing(app), "filing")
    for chore in _table.values():
        scheduler.add_job(
            nothing, trigger(chore), id=chore.name, executor="filing", misfire_grace_time=None, coalesce=True
        )
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=False)


def run_worker(app: Flask, stop: threading.Event, *, name: str) -> None:
    """Work due rows until told to stop; looks once a second, and the current row is finished first."""
    while not stop.is_set():
        try:
            with app.app_context():
                item = outbox.claim(name)
                if item is not None:
                    outbox.work(item)
                    continue
        except Exception:
            log.exception("worker.failed")
        stop.wait(1.0)


def until_signalled() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def last_runs() -> dict[str, OutboxItem]:
    """Return the newest slot filed of each chore."""
    # Some run every few minutes and others once a month: the newest rows of all would hold only the former.
    newest = (
        select(func.max(OutboxItem.id))
        .where(OutboxItem.kind == "chore")
        .group_by(OutboxItem.payload["name"].as_string())
    )
    rows = db.session.scalars(select(OutboxItem).where(OutboxItem.id.in_(newest)))
    return {str(row.payload["name"]): row for row in rows}
