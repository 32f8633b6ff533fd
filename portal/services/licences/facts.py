"""What the rows say about a key, its licence and a node, in one statement: for validation, claims and renewals alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import TextClause, bindparam, text

from portal.core.db import Utc, db
from portal.services.licences.judge import Ask, Entitlement, Facts, HoldSpan, Seat, Span
from portal.services.licences.kinds import ClosedWhy, HoldReason, Policy, TermKind

BLOCKED, NAMED = 1, 2
# The rank of a node is asked for only where more are live than the lasting terms allow: else nobody needs it.
_LASTING = """(SELECT COALESCE(SUM(s.nodes), 0) FROM licence_term s WHERE s.licence_id = l.id
 AND s.kind NOT IN ('overage', 'courtesy') AND s.starts_at <= :now AND COALESCE(s.closed_at, s.ends_at) > :now)"""
_ORDER = """(CASE WHEN {0}.offline_until > :now THEN 0 ELSE 1 END, CASE WHEN {0}.kept THEN 0 ELSE 1 END, {0}.activated_at, {0}.id)"""
_RANK = f"""CASE WHEN n.id IS NOT NULL AND l.live_nodes > {_LASTING} THEN
 (SELECT COUNT(*) FROM licence_node o WHERE o.licence_id = l.id AND o.released_at IS NULL
  AND {_ORDER.format("o")} <= {_ORDER.format("n")}) END"""  # noqa: S608 - nothing from outside
_HOLD = """CASE WHEN l.state = 'suspended' THEN (SELECT h.reason FROM licence_hold h WHERE h.licence_id = l.id
 AND h.lifted_at IS NULL AND h.starts_at <= :now ORDER BY h.id LIMIT 1) END"""
_RULES = """(SELECT SUM(CASE r.kind WHEN 'blocked' THEN 1 WHEN 'named' THEN 2 ELSE 0 END) FROM licence_node_rule r
 WHERE r.licence_id = l.id AND r.fingerprint = :fingerprint AND r.ended_at IS NULL)"""
_SQL = f"""SELECT l.id, l.uid, l.state, l.policy, l.warn_days, l.lease_seconds, l.live_nodes, k.id, k.ends_at,
 {_HOLD}, {_RULES}, n.id, {_RANK}, n.lease_until, n.offline_until, n.run, n.seen_at, n.machine, n.other_machine,
 n.machine_at, n.shared_at, e.tool, e.features, e.most_version,
 t.kind, t.nodes, t.starts_at, t.ends_at, t.closed_at, t.closed_why, t.grace_days
 FROM licence_key k JOIN licence l ON l.id = k.licence_id
 LEFT JOIN licence_node n ON n.licence_id = l.id AND n.fingerprint = :fingerprint AND n.released_at IS NULL
 LEFT JOIN licence_tool e ON e.licence_id = l.id AND e.tool = :tool
 LEFT JOIN licence_term t ON t.licence_id = l.id
 WHERE k.key_hash"""  # noqa: S608 - nothing from outside
HEAD, TERM = 24, 7


@dataclass(frozen=True, slots=True)
class Found:
    """The facts of a key and a node, with the rows they come from."""

    facts: Facts
    licence_id: int
    uid: str
    key_id: int
    lease_seconds: int
    node_id: int | None
    run: str
    seen_at: datetime | None
    machine: str
    other_machine: str
    machine_at: datetime | None
    shared_at: datetime | None


@cache
def spelling(keys: int) -> str:
    """Return the statement for a key with so many digests, in the names of SQLite."""
    if keys == 1:
        return f"{_SQL} = :key0"
    return f"{_SQL} IN ({', '.join(f':key{n}' for n in range(keys))})"


@cache
def _statement(keys: int) -> TextClause:
    return text(spelling(keys)).bindparams(bindparam("now", type_=Utc()))


def parameters(digests: Sequence[str], ask: Ask, now: Any) -> dict[str, Any]:
    """Return what the statement is asked with; `now` as the database takes it."""
    found = {f"key{n}": one for n, one in enumerate(digests)}
    return {**found, "fingerprint": ask.fingerprint, "tool": ask.tool, "now": now}


def within(digests: Sequence[str], ask: Ask, now: datetime) -> Found | None:
    """Return what the rows say, read in the present transaction; None for an unknown key."""
    rows = db.session.connection().execute(_statement(len(digests)), parameters(digests, ask, now)).all()
    return decode(rows)


def decode(rows: Sequence[Any]) -> Found | None:
    """Return the facts of the statement's rows: all say the same but for their terms."""
    if not rows:
        return None
    head = rows[0]
    node, rank, lease, offline = head[11], head[12], moment(head[13]), moment(head[14])
    rules = int(head[10] or 0)
    facts = Facts(
        state=head[2],
        policy=Policy(head[3]),
        warn_days=head[4],
        live=head[6],
        key_ends=moment(head[8]),
        terms=tuple(_span(row[HEAD:]) for row in rows if row[HEAD] is not None),
        holds=() if head[9] is None else (HoldSpan(HoldReason(head[9]), LONG_AGO),),
        tools=() if head[21] is None else (Entitlement(head[21], features(head[22]), head[23]),),
        seat=None if lease is None else Seat(rank or 1, lease, offline),
        blocked=bool(rules & BLOCKED),
        named=bool(rules & NAMED),
    )
    return Found(
        facts, head[0], head[1], head[7], head[5], node, head[15] or "", moment(head[16]), head[17] or "", head[18] or "",
        moment(head[19]), moment(head[20]),
    )  # fmt: skip


LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)  # the statement gives only holds that have begun


def _span(row: Sequence[Any]) -> Span:
    kind, nodes, start, end, closed, why, grace = row
    begin, finish = moment(start), moment(end)
    assert begin is not None
    assert finish is not None
    return Span(
        TermKind(kind), nodes, begin, finish, moment(closed), None if why is None else ClosedWhy(why), grace
    )


def features(value: Any) -> tuple[str, ...]:
    """Return a column of JSON, which one driver gives as text and the other as it is."""
    return _read(value) if isinstance(value, str) else tuple(value)


@lru_cache(maxsize=1024)
def _read(value: str) -> tuple[str, ...]:
    """Return the few lists of features that there are, each read once."""
    return tuple(json.loads(value))


def moment(value: Any) -> datetime | None:
    """Return an instant: SQLite gives it as text in UTC."""
    if value is None:
        return None
    if isinstance(value, str):
        return datetime.fromisoformat(f"{value}+00:00")
    found: datetime = value
    return found
