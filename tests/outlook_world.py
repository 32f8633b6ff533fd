"""A target that waits for the walk through every door, and what stands in the addresses of targets and counts."""

from __future__ import annotations

from portal.accounts.may import StaffRole
from portal.core import clock
from portal.reports.goals import setting
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("reports.counted", "code"): "word:certified",
    ("reports.set_target", "uid"): "target_proposal",
    ("reports.decline_target", "uid"): "target_proposal",
}


def rows() -> dict[str, str]:
    """Propose a target; call inside a transaction."""
    by = make_person("walktargets@house.example", "Walk Targets", staff=(StaffRole.FINANCE,))
    row = setting.propose(
        "organisations", "count", clock.today().year + 1, 120, basis="", profile=(), reason="walk",
        valid_from=clock.today(), by=by,
    )  # fmt: skip
    return {"target_proposal": row.uid}
