"""What the events of licences are called, for people; and the groups in which programs may listen to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.words import moment
from portal.services.licences.events import instant
from portal.services.licences.kinds import ClosedWhy, HoldReason, ReleaseWhy, TermKind

KINDS: dict[str, tuple[LazyString, str]] = {
    "licence.ordered": (_l("Licence ordered"), "cart"),
    "licence.activated": (_l("Licence active"), "check-circle"),
    "licence.cancelled": (_l("Order of a licence cancelled"), "x-circle"),
    "licence.term_added": (_l("Term of a licence written"), "calendar-plus"),
    "licence.term_closed": (_l("Term of a licence ended early"), "calendar-x"),
    "licence.suspended": (_l("Licence suspended"), "pause-circle"),
    "licence.reinstated": (_l("Licence in force again"), "play-circle"),
    "licence.revoked": (_l("Licence revoked"), "slash-circle"),
    "licence.superseded": (_l("Licence replaced by another"), "arrow-right-circle"),
    "licence.expiring": (_l("Licence ends soon"), "hourglass-split"),
    "licence.grace_started": (_l("Days of grace began"), "hourglass-bottom"),
    "licence.expired": (_l("Licence expired"), "calendar-x"),
    "licence.overage_started": (_l("More nodes live than bought"), "graph-up-arrow"),
    "licence.limit_near": (_l("Four of five nodes are live"), "speedometer2"),
    "licence.limit_reached": (_l("All nodes are live"), "exclamation-circle"),
    "node.activated": (_l("Node came in"), "hdd-network"),
    "node.released": (_l("Node released"), "box-arrow-right"),
    "node.reclaimed": (_l("Silent node gave its seat to another"), "arrow-repeat"),
    "node.moved": (_l("Node moved"), "arrow-left-right"),
    "node.blocked": (_l("Node blocked"), "slash-circle"),
    "node.unblocked": (_l("Node let in again"), "check-circle"),
    "node.shared": (_l("Two machines use one name"), "copy"),
    "key.created": (_l("Key of a licence made"), "key"),
    "key.ended": (_l("Key of a licence ended"), "key"),
    "file.issued": (_l("Offline file signed"), "file-earmark-lock"),
    "file.returned": (_l("Offline file taken back"), "file-earmark-x"),
}
GROUPS: dict[str, LazyString] = {
    "licence.": _l("Licences: terms, suspension, what comes to its end, limits"),
    "node.": _l("Nodes: come in, released, moved, blocked"),
    "key.": _l("Keys made and ended"),
    "file.": _l("Offline files signed and taken back"),
}
_DETAILS: dict[str, LazyString] = {
    "fingerprint": _l("Node"), "name": _l("Name"), "why": _l("Why"), "kind": _l("Kind"), "nodes": _l("Nodes"), "reason": _l("Why"),
    "starts_at": _l("From"), "ends_at": _l("Until"), "from_at": _l("From"), "until": _l("Until"), "at": _l("At"), "label": _l("Licence key"),
    "hint": _l("Begins with"), "file": _l("File"), "limit": _l("Limit"), "live": _l("Live"), "days": _l("Days left"), "plan": _l("Plan"),
}  # fmt: skip
_VALUES: dict[str, tuple[type[StrEnum], ...]] = {
    "why": (ReleaseWhy, ClosedWhy), "reason": (HoldReason,), "kind": (TermKind,),
}  # fmt: skip
_MOMENTS = {"starts_at", "ends_at", "from_at", "until", "at"}


def kinds() -> list[tuple[str, str]]:
    """Return each kind of event with its words."""
    return [(kind, str(words)) for kind, (words, _icon) in KINDS.items()]


def called(kind: str) -> str:
    """Return what a kind of event is called; its code where nobody said."""
    return str(KINDS[kind][0]) if kind in KINDS else kind


def icon(kind: str) -> str:
    """Return the picture of a kind of event."""
    return KINDS[kind][1] if kind in KINDS else "dot"


def details(detail: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what an event says beside its kind, in words."""
    return [
        (str(_DETAILS[name]), _said(name, value))
        for name, value in detail.items()
        if name in _DETAILS and value not in ("", None)
    ]


def _said(name: str, value: Any) -> str:
    if name in _MOMENTS:
        at = instant(str(value))
        return "" if at is None else moment(at)
    for kind in _VALUES.get(name, ()):
        if value in _members(kind):
            return labels.label(kind(value))
    return str(value)


def _members(kind: type[StrEnum]) -> set[str]:
    return {one.value for one in kind}
