"""What a page and the rows behind its figures both need, worked out once a request."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from flask import g, has_request_context

T = TypeVar("T")


def once(key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` gives, kept under a key until the request is over; outside of one made anew each time."""
    if not has_request_context():
        return make()
    held: dict[Hashable, Any] = g.setdefault("reports_once", {})
    if key not in held:
        held[key] = make()
    found: T = held[key]
    return found
