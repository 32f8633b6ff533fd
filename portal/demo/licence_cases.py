"""More of what the demo shows of licences: one that is full, one near its end, one held, one to be revoked, and a webhook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from portal.accounts import hooks
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import let_go, transaction
from portal.demo.support import org_of
from portal.services.licences import (
    files,
    following,
    granting,
    keyring,
    keys,
    life,
    nodes,
    plans,
    putting,
    refusals,
)
from portal.services.licences.denial import Not
from portal.services.licences.judge import Ask
from portal.services.licences.kinds import HoldReason, TermKind
from portal.services.licences.locking import lock
from portal.services.licences.models.licence import Licence
from portal.services.licences.seats import Report

Who = Callable[[str], Person]
MEMBER, FULL, ENDING, HELD, WRONG = "galaxy-chips", "seachart-ai", "whitestone", "lumenflow", "farhill"
SHEET = (
    ("gpu-001", "linux/arm64", "Ascend 910B", 160), ("gpu-002", "linux/arm64", "Ascend 910B", 160),
    ("gpu-003", "linux/arm64", "Ascend 910B", 120), ("gpu-004", "linux/amd64", "MLU590", 90), ("gpu-005", "linux/amd64", "MLU590", 60),
    ("gpu-006", "linux/amd64", "DCU K100", 24), ("gpu-007", "linux/amd64", "DCU K100", 9), ("gpu-008", "linux/amd64", "DCU K100", 3),
)  # fmt: skip


def _licence(owner: Person, plan: str, count: int, ends: datetime) -> tuple[Licence, tuple[str, ...]]:
    """Give a company a licence, or take the one its membership gave it; return it and what is stored of its new key."""
    org = org_of(owner)
    tools = [one["tool"] for one in plans.read(plans.sold(plan)).tools]
    row = following.live_of(org, tools)
    if row is None:
        row = life.order(org, plan, by="demo")
        life.add_term(
            row.id, TermKind.GRANT, count, start=clock.now(), end=ends, source=f"demo:{row.uid}", by="demo"
        )
    _made, secret = keyring.make(
        row.id, label="Training cluster" if owner.language == "en" else "训练集群", by=owner
    )
    body = keys.read(secret)
    assert body is not None
    return row, keys.digests(body)


def _runs(digests: tuple[str, ...], sheet: tuple[tuple[str, str, str, int], ...], today: date) -> None:
    """Let machines come in, each so many days ago, and report until now."""
    for name, platform, chip, ago in sheet:
        said = Report(name=name, platform=platform, accelerator=chip, tool_version="2.1.0", run=f"run-{name}")
        for at in (clock.start_of(today - timedelta(days=ago)) + timedelta(hours=9), clock.now()):
            with clock.stopped_at(at):
                putting.put(digests, Ask(f"k8s:prod-1.{name}", "flagscale"), said)
            let_go()


def fill(who: Who, today: date) -> None:
    """Fill the licences of five members."""
    _member(who, today)
    with clock.stopped_at(today - timedelta(days=200)), transaction():
        ends = clock.start_of(today + timedelta(days=165))
        row, digests = _licence(who(FULL), "flagscale-node", 10, ends)
        life.change(row, name="北京训练集群", lease_seconds=None, by=who(FULL))
        number = row.id
    _runs(digests, SHEET, today)
    for ago, count in ((24, 3), (9, 7)):
        for _ in range(count):
            refusals.count(
                number,
                Not.NODE_LIMIT_REACHED,
                clock.start_of(today - timedelta(days=ago)) + timedelta(hours=10),
            )
    with transaction():
        files.issue(number, ["edge-box-1", "edge-box-2"], 30, by=who(FULL))
    _others(who, today)


def _member(who: Who, today: date) -> None:
    with transaction():
        row, digests = _licence(who(MEMBER), "flagscale-node", 10, clock.start_of(today + timedelta(days=90)))
        hooks.add(
            org_of(who(MEMBER)),
            "https://hooks.galaxy-chips.example/portal",
            ["licence.", "node."],
            by=who(MEMBER),
        )
        number = row.id
    _runs(digests, tuple((name, platform, chip, 0) for name, platform, chip, _ago in SHEET[:4]), today)
    with transaction():
        files.issue(number, ["edge-box-1", "edge-box-2"], 30, by=who(MEMBER))


def _others(who: Who, today: date) -> None:
    near = clock.start_of(today + timedelta(days=13))
    with clock.stopped_at(today - timedelta(days=60)), transaction():
        _licence(who(ENDING), "triton-node", 5, near)
        held, _digests = _licence(who(HELD), "flagscale-node", 20, near + timedelta(days=300))
        wrong, keys_of = _licence(who(WRONG), "triton-node", 3, near + timedelta(days=300))
        held_id, wrong_id = held.id, wrong.id
    putting.put(keys_of, Ask("lab-1.node-a", "triton-copilot"), Report(name="node-a"))
    let_go()
    with transaction():
        life.suspend(
            held_id, HoldReason.PAYMENT, words=("Invoice of June is 40 days overdue.", "六月的发票已逾期 40 天。"), source="staff:payment",
            by=who("finance2"), notice=timedelta(),
        )  # fmt: skip
        row = lock(wrong_id)
        nodes.block(row, "lab-9.unknown", reason="不在我们的清单上", by=who(WRONG))
        granting.propose_revocation(row, reason="密钥出现在公开仓库中，客户未回应。", by=who("agent"))
