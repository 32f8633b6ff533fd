"""What a row pins for good: columns that never change, and columns that never change once something is set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Mapper

from portal.core.db import Model


class Pinned(RuntimeError):
    """Something that an attempt is judged by was about to change: a bug, never a refusal."""


def pin(kind: type[Model], *always: str, once: Mapping[str, Iterable[str]] | None = None) -> None:
    """Let columns of a kind never change; `once` names those that stand from the moment another has a value.

    The database refuses the same by triggers, which also hold for statements that pass the rows by.
    """

    def refuse(_mapper: Mapper[Any], _conn: Any, row: Any) -> None:
        held = [
            *always,
            *(name for mark, names in (once or {}).items() if _was_set(row, mark) for name in names),
        ]
        if changed := sorted(name for name in held if inspect(row).attrs[name].history.has_changes()):
            raise Pinned(f"{row.subject} is pinned; {changed} cannot change")

    event.listen(kind, "before_update", refuse)


def _was_set(row: Any, name: str) -> bool:
    """Whether a column had a value before this change; one that was not loaded is left to the database."""
    history = inspect(row).attrs[name].history
    before = history.deleted or history.unchanged or [None]
    return before[0] is not None
