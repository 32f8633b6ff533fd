"""What people do to nodes: release, move, block, keep, name on the list."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.services.licences import denial, plans, seats
from portal.services.licences.denial import Denied, Not
from portal.services.licences.judge import Ask, Verdict, judge, limit_at
from portal.services.licences.kinds import Code, Policy, ReleaseWhy, RuleKind
from portal.services.licences.locking import facts_of, lock, note, spans
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node, NodeRule
from portal.services.licences.seats import FINGERPRINT, Report


def checked(fingerprint: str) -> str:
    """Return a fingerprint as it is; refused if it is none."""
    if not FINGERPRINT.fullmatch(fingerprint):
        raise Denied(Not.FINGERPRINT_INVALID)
    return fingerprint


def release(node: Node, *, by: Any) -> bool:
    """Free a node's seat, and bar it for one lease: else it would take the seat back at once. False if it is free."""
    row = lock(node.licence_id)
    db.session.refresh(node)
    if node.released_at is not None:
        return False
    now = clock.now()
    seats.refuse_borrowed(node, now)
    seats.refuse_moves(row, limit_at(spans(row.id), now), now)
    seats.leave(row, node, ReleaseWhy.BY_PERSON, now, by=by)
    wait = max(row.lease_seconds, plans.rule("barred_seconds_least"))
    _rule(row, node.fingerprint, RuleKind.BARRED, by=by, until=now + timedelta(seconds=wait))
    audit.record("licence.node_released", row, by=by, org_id=row.org_id, fingerprint=node.fingerprint)
    return True


def move(node: Node, fingerprint: str, *, by: Any) -> Node:
    """Give a node's seat to another machine in one step: nobody can take it between."""
    row = lock(node.licence_id)
    db.session.refresh(node)
    now = clock.now()
    if node.released_at is not None:
        raise Denied(Not.NODE_RELEASED)
    seats.refuse_borrowed(node, now)
    verdict = judged(row, checked(fingerprint))
    if verdict.code is not Code.NODE_UNKNOWN:
        raise (
            denial.of(verdict)
            if verdict.code not in _SEATED
            else Refused(_l("This node has a seat already."))
        )
    seats.refuse_moves(row, verdict.limit, now)
    seats.burn(row, fingerprint, verdict.limit, now)
    seats.leave(row, node, ReleaseWhy.MOVED, now, by=by)
    db.session.flush()
    made = seats.sit(row, verdict, fingerprint, Report(), now, key=node.key, by=by)
    audit.record("licence.node_moved", row, by=by, org_id=row.org_id, old=node.fingerprint, new=fingerprint)
    return made


_SEATED = {Code.VALID, Code.VALID_GRACE, Code.VALID_OVERAGE, Code.LEASE_LAPSED, Code.NODE_OVER_LIMIT}


def judged(row: Licence, fingerprint: str) -> Verdict:
    """Return what a locked licence says of a fingerprint, without a key."""
    facts, now = facts_of(row), clock.now()
    kinds = rules_of(row, fingerprint)
    node = seats.live_node(row.id, fingerprint)
    facts = replace(
        facts, blocked=RuleKind.BLOCKED in kinds, named=RuleKind.NAMED in kinds,
        seat=None if node is None else seats.seat_of(node, now),
    )  # fmt: skip
    return judge(facts, Ask(fingerprint), now)


def rules_of(row: Licence, fingerprint: str) -> set[RuleKind]:
    """Return the kinds of rules open on a fingerprint."""
    found = select(NodeRule.kind).where(
        NodeRule.licence_id == row.id, NodeRule.fingerprint == fingerprint, NodeRule.ended_at.is_(None)
    )
    return set(db.session.scalars(found))


def block(row: Licence, fingerprint: str, *, reason: str, by: Any) -> None:
    """Keep a fingerprint out; its seat is free at once, or at the end of the file that holds it."""
    row = lock(row.id)
    checked(fingerprint)
    if RuleKind.BLOCKED in rules_of(row, fingerprint):
        return
    now = clock.now()
    _rule(row, fingerprint, RuleKind.BLOCKED, by=by, reason=reason)
    node = seats.live_node(row.id, fingerprint)
    note(row, "node.blocked", by=by, node=node, fingerprint=fingerprint)
    if node is not None and not (node.offline_until is not None and node.offline_until > now):
        seats.leave(row, node, ReleaseWhy.BLOCKED, now, by=by)
    audit.record(
        "licence.node_blocked", row, by=by, org_id=row.org_id, fingerprint=fingerprint, reason=reason
    )


def unblock(row: Licence, fingerprint: str, *, by: Any) -> None:
    """Let a blocked fingerprint claim again."""
    row = lock(row.id)
    if _end(row, fingerprint, RuleKind.BLOCKED):
        note(row, "node.unblocked", by=by, fingerprint=fingerprint)
        audit.record("licence.node_unblocked", row, by=by, org_id=row.org_id, fingerprint=fingerprint)


def keep(node: Node, kept: bool, *, by: Any) -> None:
    """Say that a node is among the last to lose its seat, or no longer."""
    row = lock(node.licence_id)
    db.session.refresh(node)
    if node.kept != kept:
        node.kept = kept
        audit.record(
            "licence.node_kept", row, by=by, org_id=row.org_id, fingerprint=node.fingerprint, kept=kept
        )


def name(row: Licence, fingerprint: str, *, by: Any) -> None:
    """Put a fingerprint on the licence's list."""
    row = lock(row.id)
    if row.policy is not Policy.NODE_NAMED:
        raise Refused(_l("This licence has no list of nodes."))
    if RuleKind.NAMED in rules_of(row, checked(fingerprint)):
        return
    now = clock.now()
    limit = limit_at(spans(row.id), now)
    named = select(func.count(NodeRule.id)).where(
        NodeRule.licence_id == row.id, NodeRule.kind == RuleKind.NAMED, NodeRule.ended_at.is_(None)
    )
    if (db.session.scalar(named) or 0) >= plans.rule("named_times") * limit:
        raise Refused(_l("The list is full: take another node off it first."))
    _rule(row, fingerprint, RuleKind.NAMED, by=by)
    audit.record("licence.node_named", row, by=by, org_id=row.org_id, fingerprint=fingerprint)


def unname(row: Licence, fingerprint: str, *, by: Any) -> None:
    """Take a fingerprint off the list; the policy counts such changes."""
    row = lock(row.id)
    now = clock.now()
    limit = limit_at(spans(row.id), now)
    ended = select(func.count(NodeRule.id)).where(
        NodeRule.licence_id == row.id, NodeRule.kind == RuleKind.NAMED,
        NodeRule.ended_at > now - timedelta(days=plans.rule("moves_days")),
    )  # fmt: skip
    most = max(plans.rule("moves_least"), limit * plans.rule("moves_percent") // 100)
    if RuleKind.NAMED in rules_of(row, fingerprint) and (db.session.scalar(ended) or 0) >= most:
        raise Denied(Not.MOVE_LIMIT_REACHED)
    if _end(row, fingerprint, RuleKind.NAMED):
        audit.record("licence.node_unnamed", row, by=by, org_id=row.org_id, fingerprint=fingerprint)


def _rule(
    row: Licence, fingerprint: str, kind: RuleKind, *, by: Any, reason: str = "", until: Any = None
) -> None:
    _end(row, fingerprint, kind)
    db.session.add(
        NodeRule(
            licence=row, fingerprint=fingerprint, kind=kind, by_name=str(getattr(by, "name", by))[:120], reason=reason[:300],
            until=until,
        )
    )  # fmt: skip
    db.session.flush()


def _end(row: Licence, fingerprint: str, kind: RuleKind) -> bool:
    rule = db.session.scalars(
        select(NodeRule).where(
            NodeRule.licence_id == row.id, NodeRule.fingerprint == fingerprint, NodeRule.kind == kind,
            NodeRule.ended_at.is_(None),
        )
    ).first()  # fmt: skip
    if rule is not None:
        rule.ended_at = clock.now()
        db.session.flush()
    return rule is not None
