"""What the demo shows of support: a company with a paid level, tickets in every state, a roster, answers to “how was it”."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.billing import settling, subscribing
from portal.billing.catalogue import price_of
from portal.billing.issuing import party_of
from portal.billing.money_models import Way
from portal.core import clock
from portal.core.db import db, transaction
from portal.services.support import answering, asking, duty, ending, people, satisfying
from portal.services.support.clocks import Severity
from portal.services.support.models import Channel, Satisfaction, SupportTicket

Who = Callable[[str], Person]
PAID, OPENLY = "galaxy-chips", "spruce-software"
BOUGHT_AGO = 45
S1, S2, S3 = Severity


def org_of(owner: Person) -> Organisation:
    """Return the company that somebody owns."""
    return db.session.scalars(
        select(Organisation)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(Contact.person_id == owner.id, Contact.role == ContactRole.OWNER)
    ).one()


def sales(who: Who, today: date) -> list[tuple[int, Callable[[], None]]]:
    """Return the support that was bought, how many days ago, to be done in order of time."""

    def buy() -> None:
        with clock.stopped_at(today - timedelta(days=BOUGHT_AGO)), transaction():
            org = org_of(who(PAID))
            party = party_of(org)
            row = subscribing.subscribe(party, price_of("support.platinum"), by="demo")
            db.session.flush()
            invoice = row.periods[0].invoice
            if invoice is None:
                return
            receipt, _new = settling.record_receipt(
                Way.BANK, "bank", f"SUPPORT-{today:%Y%m%d}", invoice.gross, clock.today(), payer=org.legal_name,
                party=party, by="demo",
            )  # fmt: skip
            settling.put_on(receipt, invoice, by="demo")

    return [(BOUGHT_AGO, buy)]


def _at(today: date, days: int, hour: int, minute: int = 0) -> datetime:
    return clock.start_of(today - timedelta(days=days)) + timedelta(hours=hour, minutes=minute)


def fill(who: Who, today: date) -> None:
    """Let customers ask and staff answer over three weeks."""
    with clock.stopped_at(_at(today, BOUGHT_AGO, 15)), transaction():
        people.add(org_of(who(PAID)), who(PAID), by=who(PAID))
    with clock.stopped_at(today), transaction():
        duty.roster(today, today + timedelta(days=13), who("agent"), who("agent2"), by=who("supportlead"))
    _over(who, today)
    _in_work(who, today)


def _ask(who: Who, at: datetime, site: str, title: str, body: str, severity: Severity) -> int:
    with clock.stopped_at(at), transaction():
        return asking.open_ticket(
            by=who(site),
            org=org_of(who(site)),
            title=title,
            body=body,
            severity=severity,
            channel=Channel.PAGE,
        ).id


def _row(number: int) -> SupportTicket:
    return db.session.get_one(SupportTicket, number)


def _over(who: Who, today: date) -> None:
    """Two tickets that are over: a good answer and a bad one; one that was no matter of support."""
    for days, site, title, body, answer, cause, score, words in (
        (24, PAID, "矩阵乘算子在 G2 上精度偏差", "FP16 下与参考结果相差 3e-2，见日志。", "请升级到 2.4.1，并关闭快速累加。",
         "2.4.0 中快速累加默认开启", 5, "答复很快，问题解决了。"),
        (22, OPENLY, "Build fails with the new compiler", "cmake stops at step 7 with an unknown flag.",
         "Please take the toolchain file of release 2.4.", "Toolchain file of an older release", 2, "It took three days to hear this."),
    ):  # fmt: skip
        number = _ask(who, _at(today, days, 10), site, title, body, S2 if site == PAID else S3)
        wait = 1 if site == PAID else 70
        with clock.stopped_at(_at(today, days, 10) + timedelta(hours=wait)), transaction():
            answering.solve(_row(number), by=who("agent"), body=answer, cause=cause)
        with clock.stopped_at(_at(today, days - 18, 10)), transaction():
            ending.close(_row(number), by="close_silent")
            satisfying.ask(_row(number))
        with clock.stopped_at(_at(today, days - 19, 9)), transaction():
            said = db.session.scalars(select(Satisfaction).where(Satisfaction.ticket_id == number)).one()
            satisfying.answer(said, score, words)
    number = _ask(
        who, _at(today, 6, 14), OPENLY, "Port our model to two more chips", "Can you do this for us?", S3
    )
    with clock.stopped_at(_at(today, 6, 16)), transaction():
        ending.reject(
            _row(number), by=who("agent2"), reason="This is work of its own, which we gladly quote.",
            pointer="Please write to services@flagos.example",
        )  # fmt: skip


def _in_work(who: Who, today: date) -> None:
    """Tickets that are new, in work, waiting, on hold and solved."""
    waiting = _ask(
        who, _at(today, 3, 9), PAID, "多机训练偶发超时", "八机时约每两小时一次 all-reduce 超时。", S2
    )
    with clock.stopped_at(_at(today, 3, 10)), transaction():
        answering.note(_row(waiting), by=who("agent"), body="与上月 8 卡案例相似，先要日志。")
        answering.ask(_row(waiting), by=who("agent"), body="请提供超时前后十分钟的日志和网卡固件版本。")
    held = _ask(
        who,
        _at(today, 2, 11),
        OPENLY,
        "Wish: profile export as CSV",
        "The profiler shows it, we want it in a file.",
        S3,
    )
    with clock.stopped_at(_at(today, 2, 15)), transaction():
        until = clock.start_of(today + timedelta(days=12))
        answering.hold(_row(held), by=who("agent2"), until=until, reason="Comes with release 2.5.")
    work = _ask(who, _at(today, 1, 9, 30), PAID, "编译缓存目录增长过快", "一周增长到 400 GB。", S2)
    with clock.stopped_at(_at(today, 1, 10)), transaction():
        answering.answer(
            _row(work), by=who("agent"), body="请先设置上限 50 GB，我们在查原因。", workaround=True
        )
    now = clock.now()  # nothing of the demo lies ahead of whoever looks at it
    with clock.stopped_at(now - timedelta(minutes=70)), transaction():
        asking.write(_row(work), by=who(PAID), body="上限有效，请告知正式修复的版本。")
    _ask(
        who, now - timedelta(minutes=25), PAID, "推理服务全部停止", "今晨升级驱动后所有推理节点无法启动。", S1
    )
    _ask(
        who, now - timedelta(minutes=15), OPENLY, "Which driver fits release 2.4?", "The table names two.", S3
    )
