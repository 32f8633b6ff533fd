"""One line for each event: JSON with sorted keys, or words; never a uid or the time of the machine."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from portal.core.audit import plain


@dataclass(slots=True)
class Event:
    """What happened, to which organisation, and what is needed to count it anew. Money is whole fen."""

    kind: str
    name: str
    detail: dict[str, Any] = field(default_factory=dict)
    day: date | None = None

    def body(self) -> dict[str, Any]:
        """Return the event as it is printed."""
        return {"day": str(self.day), "event": self.kind, "name": self.name, **plain(self.detail)}

    def json(self) -> str:
        """Return it as one JSON object on one line."""
        return json.dumps(self.body(), ensure_ascii=False)

    def text(self) -> str:
        """Return it as one line for people."""
        told = " ".join(f"{key}={value}" for key, value in plain(self.detail).items() if value is not None)
        return f"{self.day}  {self.kind:<12}{self.name}  {told}".rstrip()
