"""Continuing education of the demo: holders on the way, one who has asked, one renewed, entries to check and to look at again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from portal.accounts.people import Person
from portal.certs import awarding
from portal.certs.education import checking, entries, renewing
from portal.certs.education.entries import Claim
from portal.certs.models.education import EducationEntry, EducationState
from portal.core import clock
from portal.core.db import transaction

Who = Callable[[str], Person]


class Did(NamedTuple):
    """Something a holder did some days ago, with the points claimed and accepted; none: it waits, 0: it is refused."""

    mail: str
    days_ago: int
    kind: str
    what: str
    claimed: int
    accepted: int | None


DONE = (
    Did("soon@certs.example", 400, "contribution", "为算子库合并了融合注意力的反向实现", 10, 10),
    Did("soon@certs.example", 310, "report", "发布国产芯片上的推理适配报告，附复现脚本", 8, 8),
    Did("soon@certs.example", 205, "talk", "在开发者大会上讲解算子调优", 5, 5),
    Did("soon@certs.example", 120, "teaching", "为高校训练营授课三课时", 8, 6),
    Did("soon@certs.example", 60, "talk", "公司内部分享", 5, 0),
    Did("soon@certs.example", 13, "reviewing", "为社区评审了两份实操成果", 4, None),
    Did("soon@certs.example", 9, "contribution", "修复编译缓存在多进程下的竞争", 5, None),
    Did("old@certs.example", 610, "contribution", "合并跨芯片的测试框架", 15, 15),
    Did("old@certs.example", 420, "report", "三款芯片的适配对比报告", 16, 16),
    Did("old@certs.example", 230, "talk", "社区例会上的演讲", 5, 5),
    Did("old@certs.example", 150, "reviewing", "评审了四份实操成果", 8, 8),
    Did("renewed@certs.example", 500, "contribution", "A scheduler for mixed clusters, merged", 20, 20),
    Did("renewed@certs.example", 300, "report", "Two published adaptation reports with scripts", 16, 16),
    Did("renewed@certs.example", 90, "teaching", "A workshop of four hours", 8, 8),
    Did("holder@certs.example", 41, "contribution", "为通信库合并了分层归约", 6, 6),
    Did("holder@certs.example", 12, "talk", "在芯片开源论坛上讲解适配流程", 5, None),
    Did("lukasz@certs.example", 10, "contribution", "Kernel autotuning for a new accelerator", 8, None),
)
DRAWN = {"发布国产芯片上的推理适配报告，附复现脚本"}  # looked at again
WAITS = Did(
    "maria@certs.example", 25, "talk", "A talk on porting inference engines", 5, 5
)  # drawn, and not looked at yet


def fill(who: Who, today: date, person: Who) -> None:
    """Write down, check, ask and decide."""
    for n, did in enumerate(DONE, 1):
        row = _submitted(person, today, did, n)
        _address(row, drawn=did.what in DRAWN)
        if did.accepted is not None:
            _look(row, did.accepted, who("certs"), today - timedelta(days=max(did.days_ago - 6, 0)))
        if row.state is EducationState.SECOND_LOOK:
            _look(row, did.accepted or 0, who("certs2"), today - timedelta(days=max(did.days_ago - 9, 0)))
    waits = _submitted(person, today, WAITS, 99)
    _address(waits, drawn=True)
    _look(waits, 5, who("certs2"), today - timedelta(days=2))
    for mail, days_ago, granted in (("renewed@certs.example", 12, True), ("old@certs.example", 3, False)):
        with clock.stopped_at(today - timedelta(days=days_ago)), transaction():
            award = awarding.newest(person(mail), "OPDEV")
            assert award is not None
            row_asked = renewing.ask(award, by=person(mail))
        if granted:
            with clock.stopped_at(today - timedelta(days=days_ago - 4)), transaction():
                renewing.decide(row_asked, granted=True, by=who("decider"), reason="The points are there and well shown.")  # fmt: skip


def _submitted(person: Who, today: date, did: Did, n: int) -> EducationEntry:
    day, holder = today - timedelta(days=did.days_ago), person(did.mail)
    said = Claim(
        did.kind, day, did.what, f"https://community.example/{did.kind}/{1700 + n}", str(did.claimed)
    )
    with clock.stopped_at(min(day + timedelta(days=3), today)), transaction():
        return entries.submit(holder, said, by=holder)


def _address(row: EducationEntry, *, drawn: bool) -> None:
    """Give an entry an address for which the draw comes out so: the demo is to look the same each time."""
    with transaction():
        row.uid = next(
            uid for n in range(10_000)
            if checking.drawn(checking.draw_of(uid := f"{row.id:016x}{n:016x}"), 10) is drawn
        )  # fmt: skip


def _look(row: EducationEntry, points: int, by: Person, day: date) -> None:
    with clock.stopped_at(day), transaction():
        if points:
            checking.accept(row, points, by=by)
        else:
            checking.refuse(row, by=by, reason="内部分享没有公开的记录，请附可核实的链接。")
