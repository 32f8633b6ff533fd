"""Lives as tables: `move(row, to)` is the only writer of a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from flask_babel import lazy_gettext as _l

from portal.core.errors import Refused

S = TypeVar("S", bound=StrEnum)
TABLES: dict[type[StrEnum], Mapping[Any, frozenset[Any]]] = {}


class Living(Protocol):
    """A row with a life."""

    state: Any


def life(kind: type[S], moves: Mapping[S, Iterable[S]]) -> dict[S, frozenset[S]]:
    """Register and return the allowed moves of a life; a state without moves is its end."""
    table = {state: frozenset(moves.get(state, ())) for state in kind}
    TABLES[kind] = table
    return table


def may_move(row: Living, to: StrEnum) -> bool:
    """Whether the table allows this step from the row's present state."""
    return to in TABLES[type(to)][row.state]


def move(row: Living, to: StrEnum) -> None:
    """Take one step of a row's life, or raise `Refused` when the table has no such step."""
    if not may_move(row, to):
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    row.state = to
