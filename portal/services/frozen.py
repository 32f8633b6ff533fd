"""Rows of services that are on record: the session refuses to change them, as the database's triggers do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from portal.core.db import Model


class Frozen(RuntimeError):
    """A row on record was to be changed: there is no such thing."""


def _refuse(_mapper: Any, _conn: Any, row: Model) -> None:
    raise Frozen(f"{row.subject} is on record and cannot change")


def freeze(*kinds: type[Model]) -> None:
    """Let no row of these kinds be changed or deleted once it is written."""
    for kind in kinds:
        event.listen(kind, "before_update", _refuse)
        event.listen(kind, "before_delete", _refuse)
