"""The heartbeat of a node of which nothing is new: one UPDATE outside any session, as thousands send it all day."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.services.licences import claiming, facts, quick
from portal.services.licences.claiming import Seated
from portal.services.licences.facts import Found
from portal.services.licences.judge import Ask, Verdict
from portal.services.licences.seats import Report

# What a node leaves out stays as it is; a lease never falls; who lost the seat meanwhile gets no row.
_BEAT = """UPDATE licence_node SET seen_at = :now, key_id = :key,
 lease_until = CASE WHEN lease_until < :until THEN :until ELSE lease_until END,
 name = COALESCE(NULLIF(:name, ''), name), platform = COALESCE(NULLIF(:platform, ''), platform),
 accelerator = COALESCE(NULLIF(:accelerator, ''), accelerator), tool_version = COALESCE(NULLIF(:tool_version, ''), tool_version)
 WHERE id = :node AND released_at IS NULL RETURNING lease_until"""


def usual(found: Found, report: Report) -> bool:
    """Whether the same process of the same machine reports again, so that its row alone changes."""
    same_run = not report.run or report.run == found.run
    return same_run and (not report.machine or report.machine == found.machine)


def beat(found: Found, verdict: Verdict, ask: Ask, report: Report, now: datetime) -> Seated | None:
    """Extend a live node's lease; None if it lost its seat meanwhile, or the database must be asked in a session."""
    assert verdict.over_at is not None
    until = min(now + timedelta(seconds=found.lease_seconds), verdict.over_at)
    said = {name: getattr(report, name) for name in ("name", "platform", "accelerator", "tool_version")}
    rows = quick.write(
        _BEAT,
        {**said, "now": quick.at(now), "until": quick.at(until), "key": found.key_id, "node": found.node_id},
    )
    lease = facts.moment(rows[0][0]) if rows else None
    return None if lease is None else claiming.renewed(found, verdict, ask, lease, now)
