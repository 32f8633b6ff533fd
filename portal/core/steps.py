"""Each step of the lives that are followed, told with the flush that writes it, whoever took it.

The tables of states stay the only place that says which steps there are; nobody who takes one has to think of those
who listen. What rolls back was never told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session, object_session

TAKEN, WRITTEN = "steps_taken", "steps_written"


@dataclass(frozen=True, slots=True)
class Step:
    """That a row came to a state; `before` is None for its birth, `noted` what was noted of it as it was written."""

    row: Any
    before: StrEnum | None
    to: StrEnum
    noted: Any


_followed: dict[type[Any], Callable[[Any], Any]] = {}
_listeners: list[Callable[[list[Step]], None]] = []


def follow(model: Any, note: Callable[[Any], Any]) -> None:
    """Follow the lives of a model; `note` reads of a row what a later change would take away."""
    if model not in _followed:
        event.listen(model.state, "set", _on_set, active_history=True)
    _followed[model] = note


def heed(listener: Callable[[list[Step]], None]) -> None:
    """Let somebody hear of the steps of a flush, in their order and inside its transaction; it may add rows, and not flush."""
    if listener not in _listeners:
        _listeners.append(listener)


def _on_set(row: Any, to: Any, before: Any, _initiator: Any) -> None:
    session = object_session(row)
    if session is not None and inspect(row).persistent and to is not before:
        session.info.setdefault(TAKEN, []).append((row, before, to))


def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    born = [
        Step(row, None, row.state, _followed[type(row)](row)) for row in session.new if type(row) in _followed
    ]
    taken = [
        Step(row, before, to, _followed[type(row)](row)) for row, before, to in session.info.pop(TAKEN, ())
    ]
    if born or taken:
        session.info[WRITTEN] = born + taken


def _after_flush(session: Session, _context: Any) -> None:
    written = session.info.pop(WRITTEN, None)
    for listener in _listeners if written else ():
        listener(written)


def _after_rollback(session: Session, _previous: Any) -> None:
    session.info.pop(TAKEN, None)
    session.info.pop(WRITTEN, None)


def install(session_factory: Any) -> None:
    """Tell of steps as a session writes them, and forget them when it rolls back; asked again it does nothing."""
    event.listen(session_factory, "before_flush", _before_flush)
    event.listen(session_factory, "after_flush_postexec", _after_flush)
    event.listen(session_factory, "after_soft_rollback", _after_rollback)
