"""History in words: audit entries as lines of a timeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _

from portal.core.audit import AuditEntry
from portal.core.money import Money
from portal.core.words import money

_SUM = re.compile(r"(-?\d+\.\d{2}) ([A-Z]{3})")
_verbs: dict[str, tuple[LazyString, str]] = {}
_details: dict[str, LazyString] = {}


def words(
    verbs: Mapping[str, tuple[LazyString, str]], details: Mapping[str, LazyString] | None = None
) -> None:
    """Say how verbs of the audit chain read on a timeline, with their icon, and what their details are called."""
    _verbs.update(verbs)
    _details.update(details or {})


def _said(value: Any) -> Any:
    """Return a sum as the reader writes it, other values as they are."""
    kept = _SUM.fullmatch(value) if isinstance(value, str) else None
    return money(Money.parse(kept[1], kept[2])) if kept else value


def _line(entry: AuditEntry) -> dict[str, Any]:
    said, icon = _verbs.get(entry.verb, (entry.verb, "dot"))
    detail = [
        (str(_details[key]), None, _said(value))
        for key, value in entry.detail.items()
        if key in _details and value not in (None, "", [], {})
    ]
    return {
        "what": str(said),
        "who": entry.actor if entry.actor_id else _("the portal"),
        "at": entry.at,
        "icon": icon,
        "detail": detail,
    }


def tell(entries: Iterable[AuditEntry]) -> list[dict[str, Any]]:
    """Return a timeline, the newest first; verbs without words are not for people and stay out."""
    return [_line(entry) for entry in reversed(list(entries)) if entry.verb in _verbs]
