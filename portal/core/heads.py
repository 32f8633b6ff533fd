"""What stands at the head of a role's home, above what waits: a domain above the home's own may add it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

Provider = Callable[[Any], Markup | None]
_providers: dict[str, Provider] = {}


def add(name: str, provider: Provider) -> None:
    """Let a domain say what stands there for a reader; asked again for the same name the later one counts."""
    _providers[name] = provider


def of(reader: Any) -> list[Markup]:
    """Return what stands at the head of a reader's home."""
    return [said for provider in _providers.values() if (said := provider(reader)) is not None]
