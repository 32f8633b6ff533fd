"""What the demo shows of benefits and people: claims in every state, a waiting list, a vacancy, a request, a silent owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select

from portal.accounts import confirming, contacts, joining, vacancies
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import db, transaction
from portal.members import claiming
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import Claim

Who = Callable[[str], Person]
STAFF = frozenset({StaffRole.REVIEWER, StaffRole.COMMITTEE, StaffRole.DIRECTOR})
# Days ago, whose, which benefit, how many, what for, and how far it came.
CLAIMS = [
    (30, "galaxy-chips", "custom_support", 6, "第二代加速卡上线支持", "used"),
    (12, "galaxy-chips", "custom_support", 3, "性能调优", "confirmed"),
    (9, "spruce-software", "custom_support", 2, "Migration to the new compiler", "claimed"),
    (6, "qinghe-models", "talent", 2, "大模型训练工程师", "declined"),
    (0, "galaxy-chips", "adaptation_test", 4, "G2 加速卡适配测试", "confirmed"),
    (0, "polaris-compute", "adaptation_test", 4, "整机适配测试", "claimed"),
    (0, "lumenflow", "adaptation_test", 2, "新一代芯片适配测试", "claimed"),
    (0, "qinghe-models", "event_naming", 1, "年度开发者大会", "confirmed"),
    (0, "spruce-software", "event_naming", 1, "Developer day", "claimed"),
    (0, "lumenflow", "event_naming", 1, "芯片论坛", "waiting"),
]  # fmt: skip


def fill(who: Who, today: date) -> None:
    """Let members claim, and their people come and go."""
    for ago, site, benefit, quantity, note, stage in CLAIMS:
        with clock.stopped_at(today - timedelta(days=ago)):
            _claim(who, site, benefit, quantity, note, stage)
    with clock.stopped_at(today), transaction():
        _people(who)


def _org(site: str) -> Organisation:
    return db.session.scalars(
        select(Organisation).where(Organisation.homepage == f"https://www.{site}.example")
    ).one()


def _claim(who: Who, site: str, benefit: str, quantity: int, note: str, stage: str) -> None:
    with transaction():
        grant = db.session.scalars(
            select(Grant)
            .join(Membership, Grant.membership_id == Membership.id)
            .where(Membership.org_id == _org(site).id, Grant.benefit == benefit)
            .order_by(Grant.id.desc())
        ).first()
        if grant is None:
            return
        row = claiming.claim(grant, quantity, by=who(site), note=note)
        _decide(row, stage, who("rui"))


def _decide(row: Claim, stage: str, by: Person) -> None:
    if stage == "declined":
        claiming.decline(row, by=by, roles=STAFF, reason="本季度暂无合适人选，下季度再为您推荐。")
    if stage in {"confirmed", "used"}:
        claiming.confirm(row, by=by, roles=STAFF)
    if stage == "used":
        claiming.use(row, by=by, roles=STAFF, on=clock.today(), reason="现场支持六天")


def _people(who: Who) -> None:
    galaxy, qinghe = _org("galaxy-chips"), _org("qinghe-models")
    joining.open_domain(galaxy, by=who("galaxy-chips"))
    wei = Person(email="wei@galaxy-chips.example", name="魏来", language="zh_Hans_CN", demo=True)
    wei.verified_at, wei.password_hash = clock.now(), who("galaxy-chips").password_hash
    gone = Person(email="former@qinghe-models.example", name="祁然", language="zh_Hans_CN", demo=True)
    gone.verified_at = clock.now()
    db.session.add_all([wei, gone])
    db.session.flush()
    joining.ask(wei, galaxy, ContactRole.TECHNICAL, note="我负责算子库，希望查看技术权益。")
    contacts.appoint(gone, qinghe, ContactRole.MARKETING, by=who("qinghe-models"), tell=False)
    held = select(Contact).where(Contact.person_id == gone.id, Contact.ended_at.is_(None))
    vacancies.declare(db.session.scalars(held).one(), by=who("qinghe-models"), reason="已离职")
    for site in ("galaxy-chips", "spruce-software", "seachart-ai"):
        confirming.ask(_org(site))
    confirming.confirm(_org("seachart-ai"), by=who("seachart-ai"))
