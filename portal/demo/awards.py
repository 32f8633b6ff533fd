"""Awards of the demo: holders at every state, their certificates, badges and keys of no value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from portal.accounts.people import Person
from portal.certs import award_proposals, award_steps, awarding, batches
from portal.certs.award_proposals import Wanted
from portal.certs.models.award import Award, AwardVerb, RevokeCause
from portal.certs.models.document import BatchKind
from portal.certs.naming import Names, Shown
from portal.core import certifying, clock, outbox
from portal.core.db import db, transaction
from portal.core.signing import KeyUse
from portal.demo import education as demo_education

Who = Callable[[str], Person]


class Holder(NamedTuple):
    """Somebody who was granted a level some days ago."""

    mail: str
    zh: str
    latin: str
    level: str
    days_ago: int
    language: str = "zh_Hans_CN"


HOLDERS = (
    Holder("holder@certs.example", "欧阳晓彤", "Ouyang Xiaotong", "OPDEV", 240),
    Holder("zhe@certs.example", "张喆", "Zhang Zhe", "OPDEV", 260),
    Holder("lukasz@certs.example", "", "Łukasz Żółć", "OPDEV", 200, "en"),
    Holder("abdurahman@certs.example", "阿卜杜热合曼·艾合买提", "Abdurahman Ahmat", "OPDEV", 180),
    Holder("maria@certs.example", "", "María-José Fernández de la Vega", "OPDEV", 150, "en"),
    Holder("tian@certs.example", "田䶮", "Tian Yan", "OPDEV", 120),
    Holder("old@certs.example", "何静", "He Jing", "OPDEV", 760),
    Holder("soon@certs.example", "罗文博", "Luo Wenbo", "OPDEV", 650),
    Holder("renewed@certs.example", "", "Ingrid Solberg", "OPDEV", 700, "en"),
    Holder("mei@certs.example", "梅子", "Mei Zi", "OPDEV", 20),
)


KEEPERS = {"by": "Ada Novak <admin@flagos.example>", "second": "邓宁 <decider@flagos.example>"}


def keys(today: date) -> None:
    """Make the keys of the demo, good for nothing elsewhere."""
    with clock.stopped_at(today - timedelta(days=300)), transaction():
        for use in (KeyUse.PDF, KeyUse.BADGE, KeyUse.BADGE_RSA, KeyUse.LICENCE):
            certifying.make(use, **KEEPERS)


def fill(who: Who, today: date, person: Callable[[str, str, str], Person]) -> None:
    """Grant, renew, put on hold, revoke and issue anew; the papers are made at the end."""
    made: dict[str, Award] = {}
    for n, one in enumerate(HOLDERS, 1):
        with clock.stopped_at(today - timedelta(days=one.days_ago)), transaction():
            holder = person(one.mail, one.zh or one.latin, one.language)
            made[one.mail] = awarding.grant(
                holder, level=one.level, names=Names(one.zh, one.latin), decision=f"demo:{n}", by=who("decider"),
                decided_on=clock.today(), issue=n < len(HOLDERS),
            )  # fmt: skip
    _since(who, today, made)
    demo_education.fill(who, today, lambda mail: made[mail].person)
    with clock.stopped_at(today):
        outbox.drain("demo")
    db.session.remove()


def _since(who: Who, today: date, made: dict[str, Award]) -> None:
    """Let something happen to the awards since: one renewed, one replaced, one on hold, one revoked, others proposed."""
    with clock.stopped_at(today - timedelta(days=60)), transaction():
        first = made["holder@certs.example"]
        awarding.grant(
            first.person,
            level="ADAPT",
            names=first.names,
            decision="demo:adapt",
            decided_on=clock.today(),
            by=who("decider"),
        )
        first.shown = Shown.FULL
    with clock.stopped_at(today - timedelta(days=40)):
        _step(who, made["maria@certs.example"], AwardVerb.REISSUE, "The first print had a torn corner.")
    with clock.stopped_at(today - timedelta(days=6)):
        _step(who, made["tian@certs.example"], AwardVerb.SUSPEND, "答辩材料的来源正在核实。")
    with clock.stopped_at(today - timedelta(days=3)), transaction():
        award_steps.revoke(
            made["abdurahman@certs.example"], cause=RevokeCause.DUPLICATE, by=who("certs"), second=who("decider").name,
            reason="同一人以两个账号参加考试。",
        )  # fmt: skip
        award_proposals.propose(
            made["zhe@certs.example"], AwardVerb.REVOKE, Wanted("监考记录显示有人代答。", cause=RevokeCause.MISCONDUCT), by=who("certs")
        )  # fmt: skip
    with clock.stopped_at(today), transaction():
        award_proposals.propose(
            made["lukasz@certs.example"],
            AwardVerb.REISSUE,
            Wanted("The seal was printed too light."),
            by=who("certs2"),
        )
        batches.open_batch(
            [made["mei@certs.example"]],
            kind=BatchKind.ISSUE,
            label="十一月北京场次",
            reason="",
            by=who("certs"),
        )


def _step(who: Who, award: Award, verb: AwardVerb, reason: str) -> None:
    with transaction():
        asked = award_proposals.propose(award, verb, Wanted(reason), by=who("certs"))
    with transaction():
        award_proposals.confirm(asked, by=who("decider"))
