"""What the demo shows of statements, sponsorship and slots: a correction, an edition with two places, a quarter's queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from portal.accounts.people import Person
from portal.billing.months import first_of
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.core.periods import nth
from portal.demo.support import org_of
from portal.services.slots import giving
from portal.services.slots.kinds import WorkKind
from portal.services.slots.models import SlotQuarter
from portal.services.sponsors import editions, fulfilling, taking
from portal.services.sponsors.kinds import PromiseKind, Scope
from portal.services.statements import figures, reporting, sellers, settling
from portal.services.statements.models import ComputeStatement
from portal.services.statements.reading import Told

Who = Callable[[str], Person]
SELLER, SPONSOR, HOLDER = "polaris-compute", "galaxy-chips", "spruce-software"
# Who waits for a slot: company, kind of work, days ago, wish.
QUEUE = (
    ("galaxy-chips", WorkKind.CHIP, 24, "G3 芯片：注意力与矩阵乘算子"),
    ("lumenflow", WorkKind.CHIP, 40, "Bring FlagGems to LF200 cards"),
    ("qinghe-models", WorkKind.MIGRATION, 31, "青禾 72B 迁移至两款国产芯片"),
    ("example-tech-edu", WorkKind.SCENARIO, 18, "气象大模型推理加速"),
    ("spruce-software", WorkKind.MIGRATION, 12, "Speech model on three chips"),
    ("seachart-ai", WorkKind.SCENARIO, 9, "Chart reading for harbours"),
)


def fill(who: Who, today: date) -> None:
    """Let a member report three months, sponsors take two places, and six companies wait for a slot."""
    _statements(who, today)
    _edition(who, today)
    _slots(who, today)


def _told(month: date, *lines: tuple[str, int, int, str]) -> list[Told]:
    return [
        Told(month, package, hours * 1000, price, figures.amount(hours * 1000, price), evidence)
        for package, hours, price, evidence in lines
    ]


def _statements(who: Who, today: date) -> None:
    """Of three months one is invoiced, one sent with a correction of the first, and one still to be told."""
    months = [nth(first_of(today), 1, -n) for n in (3, 2, 1)]
    biller, finance, other = who(SELLER), who("finance"), who("finance2")
    with transaction():
        seller = sellers.begin(org_of(biller), since=months[0], contract="算力合作 2026-07", by=finance)
        rows = [sellers.expect(seller, month) for month in months]
        ids = [row.id for row in rows if row is not None]
    first = _told(
        months[0],
        ("A800 训练套餐", 1_240, 16_800, "计量日志 0117"),
        ("G2 推理套餐", 960, 9_450, "计量日志 0118"),
    )
    with transaction():
        row = db.session.get_one(ComputeStatement, ids[0])
        reporting.report(row, first, by=biller)
        settling.send(row, by=finance)
        settling.confirm(row, by=biller, sending=row.sending)
        settling.invoice(row, by=other)
    second = _told(
        months[1],
        ("A800 训练套餐", 1_410, 16_800, "计量日志 0203"),
        ("G2 推理套餐", 1_120, 9_450, "计量日志 0204"),
    )
    second += _told(months[0], ("G2 推理套餐", -40, 9_450, "退还 40 小时，工单 T-000003"))
    with transaction():
        row = db.session.get_one(ComputeStatement, ids[1])
        reporting.report(row, second, by=biller, note="其中一行为上月更正。")
        settling.send(row, by=finance)


PROMISES = (
    (PromiseKind.ASSET, -30, "提供标志（SVG）与品牌规范", "Logo as SVG with brand rules"),
    (PromiseKind.BENEFIT, -14, "官网与海报展示标志", "Logo on site and posters"),
    (PromiseKind.ASSET, -7, "确认演讲人与题目", "Speaker and title of the talk"),
    (PromiseKind.BENEFIT, 0, "主会场演讲 20 分钟", "Talk of 20 minutes on the main stage"),
    (PromiseKind.BENEFIT, 14, "活动总结报告", "Report after the event"),
)


def _edition(who: Who, today: date) -> None:
    """An edition in two months: one place is signed with its checklist under way, another one is held."""
    lead, first = who("servicelead"), today + timedelta(days=62)
    with transaction():
        edition = editions.announce(
            event="operators", year=first.year, names={"zh": f"{first.year} 算子挑战赛", "en": f"Operator Challenge {first.year}"},
            city="Beijing", first_day=first, last_day=first + timedelta(days=2), by=lead,
        )  # fmt: skip
        packages = [
            editions.offer(
                edition, names={"zh": zh, "en": en}, product=product, price=Money(price), quantity=quantity, scope=scope,
                title=title, by=lead,
            )
            for zh, en, product, price, quantity, scope, title in (
                ("冠名赞助", "Title sponsor", "sponsorship", 80_000_000, 1, Scope.CATEGORY, True),
                ("赛道赞助", "Track sponsor", "sponsorship.partner", 20_000_000, 3, Scope.NONE, False),
            )
        ]  # fmt: skip
        for package in packages:
            for kind, days, zh, en in PROMISES:
                editions.promise(package, kind=kind, words={"zh": zh, "en": en}, days=days, by=lead)
        title = taking.hold(packages[0], org_of(who(SPONSOR)), by=lead)
        taking.sign(title, contract="SP-2026-01", by=lead)
        taking.hold(packages[1], org_of(who(HOLDER)), by=lead)
    with transaction():
        logo = next(one for one in fulfilling.items(title) if one.kind is PromiseKind.ASSET)
        fulfilling.hand_in(logo, by=who(SPONSOR), words="https://galaxy-chips.example/brand")


def _slots(who: Who, today: date) -> None:
    """A quarter with four slots, two of them taken, and whoever still waits."""
    start = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    with transaction():
        quarter = giving.set_capacity(start, slots=2, person_days=60, by=who("servicemanager"))
        number = quarter.id
        giving.set_capacity(nth(start, 3, 1), slots=3, person_days=90, by=who("servicemanager"))
    for site, kind, ago, wish in QUEUE:
        with clock.stopped_at(today - timedelta(days=ago)), transaction():
            giving.ask(org_of(who(site)), kind=kind, wish=wish, by=who(site))
    with transaction():
        made = giving.offer(db.session.get_one(SlotQuarter, number), by=who("servicelead"))
        giving.take(made[0], by=made[0].by)
