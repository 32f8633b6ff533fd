"""A crowd of invented members with terms and invoices, written straight into the tables, without keys for duplicates."""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import insert, select

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import new_uid
from portal.billing.models import Invoice, InvoiceState, Order, Party
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.core.paging import folded
from portal.members import grams, names
from portal.members.belonging import Membership, Term, TermKind
from portal.members.models import NameGram
from portal.members.standing import Standing
from tests.people import make_person, session_for

FIRST = [
    "Apex",
    "Beacon",
    "Cedar",
    "Delta",
    "Ember",
    "Fjord",
    "Garnet",
    "Harbor",
    "Iris",
    "Juniper",
    "Kestrel",
    "Lumen",
    "Maple",
    "Nimbus",
    "Onyx",
    "Prism",
    "Quartz",
    "Raven",
    "Sable",
    "Tundra",
]
SECOND = [
    "Systems",
    "Semiconductor",
    "Models",
    "Robotics",
    "Cloud",
    "Computing",
    "Networks",
    "Dynamics",
    "Research",
    "Integration",
]
ZH = [
    "星河",
    "北辰",
    "青禾",
    "远航",
    "云杉",
    "流明",
    "白石",
    "长风",
    "松林",
    "曙光",
    "海图",
    "赤崖",
    "银杏",
    "沧浪",
    "玄武",
]
ZH2 = ["芯片", "计算", "智能", "科技", "软件", "系统", "网络", "数据"]
TIERS = ["platinum"] + ["gold"] * 3 + ["silver"] * 8 + ["startup"] * 8
CATEGORIES = ["chip", "server", "software", "model", "integrator", "university"]
BATCH = 1000


def _rows(n: int, dice: random.Random) -> dict[str, Any]:
    en = f"{dice.choice(FIRST)} {dice.choice(SECOND)} {n}"
    zh = f"{dice.choice(ZH)}{dice.choice(ZH2)}{n}"
    return {
        "uid": new_uid(), "legal_name": f"{zh}有限公司", "legal_name_en": f"{en} Ltd", "display_name_zh": zh,
        "display_name_en": en, "country": "CN", "legal_key": f"CN:CROWD{n:09d}", "registration_verdict": "valid",
        "category": dice.choice(CATEGORIES), "homepage": f"https://www.crowd-{n}.example", "address": f"示例路 {n} 号",
        "about": "", "search_text": "\n".join(sorted({folded(name) for name in (f"{zh}有限公司", f"{en} Ltd", zh, en)})),
        "sort_zh": names.sort_key(zh), "sort_en": names.sort_key(en), "listing_consent": True, "unclaimed": False, "created_at": clock.now(), "version": 1,
    }  # fmt: skip


def crowd(members: int) -> None:
    """Write members with a term and an invoice each."""
    dice = random.Random(5)
    today = clock.today()
    for start in range(0, members, BATCH):
        with transaction():
            _batch(range(start + 1, min(start + BATCH, members) + 1), dice, today)


def fill(app: Flask, members: int) -> tuple[str, dict[str, str]]:
    """Write members, index their names, sign a reviewer with finance in; return the cookie and the pages to measure."""
    with app.app_context():
        crowd(members)
        with transaction():
            staff = make_person("bench@house.example", "Bench", staff=(StaffRole.REVIEWER, StaffRole.FINANCE))
            key = session_for(staff)
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.exec_driver_sql("VACUUM ANALYZE")  # as autovacuum does
        else:
            with transaction():
                db.session.connection().exec_driver_sql("ANALYZE")
        some = db.session.scalars(select(Organisation).order_by(Organisation.id).offset(members // 2)).first()
        assert some is not None
        uid, needle = some.uid, some.display_name_en
        db.session.rollback()
    cookie = _cookie(app, key)
    last = -(-members // 25)
    return cookie, {
        "sign-in page": "/sign-in",
        "member list, first": "/office/members/",
        "member list, last": f"/office/members/?page={last}",
        "member list, by tier": "/office/members/?tier=gold&sort=-since",
        "search": "/office/members/?q=" + re.sub(r"\s", "+", needle),
        "member page": f"/office/members/{uid}",
        "invoice list": "/office/money/invoices",
        "member wall, public": "/members",
    }


def _cookie(app: Flask, key: str) -> str:
    client = app.test_client()
    with client.session_transaction() as state:
        state["key"], state["language"] = key, "zh_Hans_CN"
    name = str(app.config["SESSION_COOKIE_NAME"])
    found = client.get_cookie(name)
    assert found is not None
    return f"{name}={found.value}"


def _batch(numbers: range, dice: random.Random, today: date) -> None:
    session = db.session
    session.execute(insert(Organisation), [_rows(n, dice) for n in numbers])
    keys = [f"CN:CROWD{n:09d}" for n in numbers]
    orgs = session.scalars(
        select(Organisation).where(Organisation.legal_key.in_(keys)).order_by(Organisation.id)
    ).all()
    pieces = [
        {"gram": gram, "org_id": org.id} for org in orgs for gram in sorted(grams.grams(org.search_text))
    ]
    session.execute(insert(NameGram), pieces)
    for n, org in zip(numbers, orgs, strict=True):
        start = today - timedelta(days=dice.randrange(5, 340))
        membership = Membership(
            org=org,
            standing=Standing.ACTIVE,
            tier=dice.choice(TIERS),
            member_since=start,
            founding=n % 40 == 0,
        )
        party = Party(org=org, title=org.legal_name)
        order = Order(party=party, ordered_subject=f"crowd:{n}")
        session.add_all([membership, party, order])
        invoice = Invoice(
            party=party,
            order=order,
            billed_subject=f"crowd:{n}",
            language="zh_Hans_CN",
            buyer_name=org.legal_name,
            state=InvoiceState.PAID if n % 5 else InvoiceState.OPEN,
            number=f"INV-2026-{n:06d}",
            reference=f"FO{n:08d}",
            issued_on=start,
            due_on=start + timedelta(days=30),
            gross=Money(2_000_000),
            net=Money(2_000_000),
            seller={"bank": {}},
            buyer={},
        )
        session.add(invoice)
        session.add(
            Term(
                membership=membership,
                kind=TermKind.NEW,
                tier=membership.tier,
                category=org.category,
                start=start,
                end=start + timedelta(days=365),
                anchor=start,
                k=0,
                period_price=Money(2_000_000),
                charged=Money(2_000_000),
                cover="invoice",
                by_name="crowd",
                invoice=invoice,
            )
        )
    session.flush()
