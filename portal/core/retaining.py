"""Retention: what is kept beyond its time, shown before it goes; each deletion leaves a row without the data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import catalogue, clock
from portal.core.db import Model, db, let_go, transaction
from portal.core.errors import Refused

log = structlog.get_logger(__name__)


class Deletion(Model):
    """That something was deleted when its time was over: what kind, which row, since when it was due. Frozen."""

    __tablename__ = "deletion"
    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    kind: Mapped[str] = mapped_column(String(40), index=True)
    deleted_subject: Mapped[str] = mapped_column(String(80))
    due_on: Mapped[date]
    by_name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(init=False, default_factory=clock.now)


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of data with an end: `due` selects the ids whose time ended before a moment, `delete` lets one go."""

    kind: str
    table: str
    due: Callable[[datetime], Select[Any]]
    delete: Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Due:
    """What a run would delete of one kind: how many rows, and the first of them."""

    kind: str
    days: int
    count: int
    first: list[str]


_rules: dict[str, Rule] = {}
FIRST = 20


def rule(*rules: Rule) -> None:
    """Put kinds on the table; their days are rows of the catalogue's `retention`."""
    _rules.update({one.kind: one for one in rules})


def days_of(kind: str) -> int:
    """Return how many days a kind is kept after its end."""
    return int(catalogue.entry("retention", kind)["days"])


def told_to_delete() -> bool:
    """Whether the catalogue lets the nightly run delete; else it only looks."""
    return bool(catalogue.policy("retention.deletes"))


def _until(kind: str) -> tuple[date, datetime]:
    """Return the day on which a kind became due, and the moment before which its end lies."""
    day = clock.today() - timedelta(days=days_of(kind))
    return day, clock.start_of(day + timedelta(days=1))


def dry_run() -> list[Due]:
    """Return what is due, kind by kind; changes nothing."""
    found = []
    for one in _rules.values():
        asked = one.due(_until(one.kind)[1])
        count = db.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
        ids = db.session.scalars(asked.limit(FIRST)) if count else ()
        found.append(Due(one.kind, days_of(one.kind), count, [f"{one.table}:{number}" for number in ids]))
    return found


def _ids() -> Iterator[tuple[Rule, date, int]]:
    for one in _rules.values():
        day, before = _until(one.kind)
        ids = list(db.session.scalars(one.due(before)))
        let_go()
        for number in ids:
            yield one, day, number


def run(*, by: str) -> int:
    """Delete what is due, a transaction for each row; a row that fails is logged and the rest go on."""
    done = 0
    for one, day, number in _ids():
        try:
            with transaction():
                one.delete(number)
                db.session.add(
                    Deletion(kind=one.kind, deleted_subject=f"{one.table}:{number}", due_on=day, by_name=by)
                )
            done += 1
        except Refused as refusal:
            log.info("chore.refused", chore="retain", row=number, why=str(refusal))
        except Exception:
            log.exception("chore.failed", chore="retain", row=number)
    return done


def retain() -> int:
    """Delete what is due if the catalogue says so, else only log how much there is; return the rows deleted."""
    if told_to_delete():
        return run(by="retain")
    found = dry_run()
    log.info("retain.dry_run", **{one.kind: one.count for one in found})
    let_go()
    return 0
