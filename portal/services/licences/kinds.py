"""The words of licences: policies, kinds of terms, reasons, stages and the codes of a judgement."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels


class Policy(StrEnum):
    """How long a node keeps its seat, and who may claim one."""

    NODE_LOCKED = "node_locked"
    FLOATING = "floating"
    NODE_NAMED = "node_named"


labels.name(
    Policy,
    {
        Policy.NODE_LOCKED: _l("Locked to nodes"),
        Policy.FLOATING: _l("Floating"),
        Policy.NODE_NAMED: _l("Named nodes"),
    },
)


class TermKind(StrEnum):
    """What a term comes from, and so what it does."""

    BASE = "base"
    INCREASE = "increase"
    BENEFIT = "benefit"
    TRIAL = "trial"
    GRANT = "grant"
    OVERAGE = "overage"
    COURTESY = "courtesy"


T = TermKind
KEEPS = frozenset({T.BASE, T.BENEFIT, T.TRIAL, T.GRANT})
BORROWED = frozenset({T.OVERAGE, T.COURTESY})
labels.name(
    TermKind,
    {
        T.BASE: _l("Paid for"), T.INCREASE: _l("Bought in addition"), T.BENEFIT: _l("With the membership"), T.TRIAL: _l("On trial"),
        T.GRANT: _l("By a grant"), T.OVERAGE: _l("Overage"), T.COURTESY: _l("Courtesy"),
    },
    {T.OVERAGE: "warn", T.COURTESY: "warn"},
)  # fmt: skip


class ClosedWhy(StrEnum):
    """Why a term ended before its day. After a credit note there is no grace."""

    CREDIT_NOTE = "credit_note"
    TIER = "tier"
    UNPAID = "unpaid"
    TRANSFER = "transfer"


labels.name(
    ClosedWhy,
    {
        ClosedWhy.CREDIT_NOTE: _l("Credited"), ClosedWhy.TIER: _l("The membership changed"), ClosedWhy.UNPAID: _l("Not paid in time"),
        ClosedWhy.TRANSFER: _l("Transferred"),
    },
)  # fmt: skip


class HoldReason(StrEnum):
    """Why a licence is suspended."""

    PAYMENT = "payment"
    MEMBERSHIP = "membership"
    ABUSE = "abuse"
    REQUEST = "request"


labels.name(
    HoldReason,
    {
        HoldReason.PAYMENT: _l("An invoice is overdue"), HoldReason.MEMBERSHIP: _l("The membership has ended"),
        HoldReason.ABUSE: _l("Use against the terms"), HoldReason.REQUEST: _l("At the customer's wish"),
    },
)  # fmt: skip


class Stage(StrEnum):
    """Where a licence stands within its terms: derived, never stored."""

    PENDING = "pending"
    NOT_STARTED = "not_started"
    IN_FORCE = "in_force"
    EXPIRING = "expiring"
    GRACE = "grace"
    EXPIRED = "expired"


G = Stage
labels.name(
    Stage,
    {
        G.PENDING: _l("No term yet"), G.NOT_STARTED: _l("Not yet in force"), G.IN_FORCE: _l("In force"),
        G.EXPIRING: _l("Ends soon"), G.GRACE: _l("In its days of grace"), G.EXPIRED: _l("Expired"),
    },
    {G.PENDING: "wait", G.NOT_STARTED: "wait", G.IN_FORCE: "good", G.EXPIRING: "warn", G.GRACE: "warn", G.EXPIRED: "bad"},
)  # fmt: skip


class NodeStand(StrEnum):
    """How a node stands: derived from its row and the instant."""

    LEASED = "leased"
    LAPSED = "lapsed"
    BORROWED = "borrowed"
    RELEASED = "released"
    BLOCKED = "blocked"


labels.name(
    NodeStand,
    {
        NodeStand.LEASED: _l("Reporting"), NodeStand.LAPSED: _l("Silent"), NodeStand.BORROWED: _l("Runs by a file"),
        NodeStand.RELEASED: _l("Released"), NodeStand.BLOCKED: _l("Blocked"),
    },
    {NodeStand.LEASED: "good", NodeStand.BORROWED: "good", NodeStand.LAPSED: "warn", NodeStand.BLOCKED: "bad"},
)  # fmt: skip


class ReleaseWhy(StrEnum):
    """How a stay of a node ended."""

    BY_NODE = "by_node"
    BY_PERSON = "by_person"
    RECLAIMED = "reclaimed"
    MOVED = "moved"
    BLOCKED = "blocked"
    REVOKED = "revoked"
    TRANSFERRED = "transferred"


R = ReleaseWhy
labels.name(
    ReleaseWhy,
    {
        R.BY_NODE: _l("By the node itself"), R.BY_PERSON: _l("By a person"), R.RECLAIMED: _l("Silent, and its seat was needed"),
        R.MOVED: _l("Moved to another node"), R.BLOCKED: _l("Blocked"), R.REVOKED: _l("The licence was revoked"),
        R.TRANSFERRED: _l("The licence was transferred"),
    },
)  # fmt: skip


class RuleKind(StrEnum):
    """What a rule on a fingerprint says."""

    NAMED = "named"
    BARRED = "barred"
    BLOCKED = "blocked"


class Code(StrEnum):
    """The answers of `judge`, in the order in which they are tried; codes never change."""

    KEY_UNKNOWN = "KEY_UNKNOWN"
    REVOKED = "REVOKED"
    SUPERSEDED = "SUPERSEDED"
    PENDING = "PENDING"
    SUSPENDED = "SUSPENDED"
    NOT_STARTED = "NOT_STARTED"
    EXPIRED = "EXPIRED"
    TOOL_NOT_ENTITLED = "TOOL_NOT_ENTITLED"
    FEATURE_NOT_ENTITLED = "FEATURE_NOT_ENTITLED"
    VERSION_NOT_ENTITLED = "VERSION_NOT_ENTITLED"
    NODE_REQUIRED = "NODE_REQUIRED"
    NODE_BLOCKED = "NODE_BLOCKED"
    NODE_NOT_NAMED = "NODE_NOT_NAMED"
    NODE_UNKNOWN = "NODE_UNKNOWN"
    NODE_OVER_LIMIT = "NODE_OVER_LIMIT"
    LEASE_LAPSED = "LEASE_LAPSED"
    VALID_GRACE = "VALID_GRACE"
    VALID_OVERAGE = "VALID_OVERAGE"
    VALID = "VALID"


C = Code
VALID = frozenset({C.VALID, C.VALID_GRACE, C.VALID_OVERAGE})
