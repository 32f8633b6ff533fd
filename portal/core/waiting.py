"""What waits for a member of staff: each domain adds its own tasks, the home above them all shows every one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

Task = dict[str, Any]
Provider = Callable[[Any], list[Task]]
_providers: dict[str, Provider] = {}


def task(
    title: str, action: str, href: str, *, since: datetime | None = None, detail: str = "", overdue: bool = False
) -> Task:  # fmt: skip
    """Return a task: what it is, the word for its next step and the page of it, since when it waits."""
    return {
        "title": title, "action": action, "href": href, "since": since, "detail": detail, "overdue": overdue,
    }  # fmt: skip


def add(name: str, provider: Provider) -> None:
    """Let a domain say what waits for a reader; asked again for the same one it stays once."""
    _providers[name] = provider


def of(reader: Any) -> list[Task]:
    """Return what the domains have for a reader, in no order."""
    return [one for provider in _providers.values() for one in provider(reader)]
