"""A small typed bus: handlers run at once, in order, inside the publisher's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")
_handlers: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)


def on(kind: type[E], handler: Callable[[E], None]) -> None:
    """Let a handler react to a kind of event; asked again for the same pair it does nothing."""
    if handler not in _handlers[kind]:
        _handlers[kind].append(handler)


def publish(event: object) -> None:
    """Tell everybody who reacts. A refusal by a handler rolls the whole transaction back."""
    for handler in _handlers[type(event)]:
        handler(event)


def wired() -> dict[type[Any], list[Callable[[Any], None]]]:
    """Return who reacts to what, for the tests about the code and the docs."""
    return dict(_handlers)
