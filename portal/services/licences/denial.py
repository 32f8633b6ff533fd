"""Refusals with a code that programs act on; the sentence is for people, the code never changes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.core.errors import Refused
from portal.services.licences.judge import Verdict
from portal.services.licences.kinds import Code, HoldReason


class Not(StrEnum):
    """What is refused beside the codes of a judgement."""

    NODE_LIMIT_REACHED = "NODE_LIMIT_REACHED"
    KEY_LIMIT_REACHED = "KEY_LIMIT_REACHED"
    NODE_RELEASED = "NODE_RELEASED"
    SEAT_BORROWED = "SEAT_BORROWED"
    GRACE_NO_NEW_NODES = "GRACE_NO_NEW_NODES"
    MOVE_LIMIT_REACHED = "MOVE_LIMIT_REACHED"
    LICENCE_EXISTS = "LICENCE_EXISTS"
    QUOTE_STALE = "QUOTE_STALE"
    FINGERPRINT_INVALID = "FINGERPRINT_INVALID"
    DAYS_TOO_LONG = "DAYS_TOO_LONG"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    TOO_MANY_NEW_NODES = "TOO_MANY_NEW_NODES"


STATUS: dict[StrEnum, int] = {
    Code.KEY_UNKNOWN: 401,
    Code.NODE_REQUIRED: 422,
    Code.NODE_OVER_LIMIT: 409,
    Not.FINGERPRINT_INVALID: 422,
    Not.DAYS_TOO_LONG: 422,
    Not.IDEMPOTENCY_KEY_REUSED: 422,
    Not.TOO_MANY_REQUESTS: 429,
    Not.TOO_MANY_NEW_NODES: 429,
    **{code: 409 for code in Not if code.name.endswith(("_REACHED", "_RELEASED", "_BORROWED", "_NODES", "_EXISTS", "_STALE"))
       and code is not Not.TOO_MANY_NEW_NODES},
}  # fmt: skip
SAID: dict[StrEnum, LazyString] = {
    Code.KEY_UNKNOWN: _l("This key is not known here: please ask whoever manages your licences."),
    Code.REVOKED: _l("This licence was revoked."),
    Code.SUPERSEDED: _l("This licence was replaced by another."),
    Code.PENDING: _l("This licence is not active yet."),
    Code.SUSPENDED: _l("This licence is suspended."),
    Code.NOT_STARTED: _l("This licence begins later."),
    Code.EXPIRED: _l("This licence has expired. It goes on once it is renewed."),
    Code.TOOL_NOT_ENTITLED: _l("This licence does not cover this tool."),
    Code.FEATURE_NOT_ENTITLED: _l("This licence does not cover this feature."),
    Code.VERSION_NOT_ENTITLED: _l("This licence does not cover this version."),
    Code.NODE_REQUIRED: _l("Please send the fingerprint of the node."),
    Code.NODE_BLOCKED: _l("This node is blocked."),
    Code.NODE_NOT_NAMED: _l("This node is not on the licence's list."),
    Code.NODE_UNKNOWN: _l("This node has no seat yet: it claims one."),
    Code.NODE_OVER_LIMIT: _l("More nodes are live than the licence allows, and this one is beyond the limit."),
    Code.LEASE_LAPSED: _l("The lease of this node is over: it renews it."),
    Code.VALID_GRACE: _l("Valid, in the days of grace."),
    Code.VALID_OVERAGE: _l("Valid, above what was bought."),
    Code.VALID: _l("Valid: the tool may run."),
    Not.NODE_LIMIT_REACHED: _l("All nodes of this licence are live."),
    Not.KEY_LIMIT_REACHED: _l("All nodes of this key are live."),
    Not.NODE_RELEASED: _l("This node was released. Please start it again later."),
    Not.SEAT_BORROWED: _l("A signed file holds this seat until its end."),
    Not.GRACE_NO_NEW_NODES: _l("In the days of grace no new node comes in."),
    Not.MOVE_LIMIT_REACHED: _l("No more moves between nodes are possible for now."),
    Not.LICENCE_EXISTS: _l("There is a licence for this tool already: please change its number of nodes."),
    Not.QUOTE_STALE: _l("This offer no longer fits the licence: please ask for a new one."),
    Not.FINGERPRINT_INVALID: _l("A fingerprint is 3 to 128 letters, digits and . _ : - , beginning with a letter or digit."),
    Not.DAYS_TOO_LONG: _l("A file cannot run for so many days."),
    Not.IDEMPOTENCY_KEY_REUSED: _l("This Idempotency-Key was used for another request."),
    Not.TOO_MANY_REQUESTS: _l("Too many requests: please wait a little."),
    Not.TOO_MANY_NEW_NODES: _l("Too many new nodes in one day. Please look whether fingerprints change at each start."),
}  # fmt: skip
BECAUSE = {
    HoldReason.PAYMENT: _l("This licence is suspended: an invoice is overdue."),
    HoldReason.MEMBERSHIP: _l("This licence is suspended: the membership has ended."),
    HoldReason.ABUSE: _l("This licence is suspended: it was used against the terms."),
    HoldReason.REQUEST: _l("This licence is suspended at the customer's wish."),
}


class Denied(Refused):
    """A claim or change that is refused: its code, what a program may want to know, and when to come again."""

    def __init__(
        self, code: Code | Not, *, words: Any = None, retry_after: int | None = None, **facts: Any
    ) -> None:
        super().__init__(words or SAID[code], status=STATUS.get(code, 403))
        self.code = code
        self.retry_after = retry_after
        self.facts = {name: _plain(value) for name, value in facts.items() if value is not None}


def _plain(value: Any) -> Any:
    return spelt(value) if isinstance(value, datetime) else value


def spelt(moment: datetime) -> str:
    """Return an instant in UTC as programs read it: RFC 3339, to the second."""
    return f"{moment.isoformat()[:19]}Z"


def of(verdict: Verdict) -> Denied:
    """Return the refusal that a judgement makes of a claim."""
    words = BECAUSE[verdict.reason] if verdict.code is Code.SUSPENDED and verdict.reason is not None else None
    reason = None if verdict.reason is None else verdict.reason.value
    return Denied(verdict.code, words=words, reason=reason)
