"""Who is written to along the road, in which order and language; one button, a plain twin, sent once."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.people import Person
from portal.core.db import db, transaction
from portal.core.mail import MailMessage
from tests import road
from tests.people import post

STRAIGHT = [
    ("chen", "We have your application to FlagOS Foundation: Galaxy Chips"),
    ("rui", "New application: Galaxy Chips"),
    ("rong", "New application: Galaxy Chips"),
    ("chen", "Galaxy Chips: your application needs a few more answers"),
    ("chen", "Galaxy Chips: we have your answers"),
    ("rui", "Galaxy Chips has answered"),
    ("chen", "Galaxy Chips: your application to FlagOS Foundation is approved"),
    ("chen", "Please sign the membership agreement of 星河芯片有限公司"),
    ("cao", "To be counter-signed: 星河芯片有限公司"),
    ("chen", "The membership agreement of 星河芯片有限公司 is signed by both sides"),
    ("chen", "Welcome to FlagOS Foundation, Galaxy Chips"),
]
CHINESE = [
    ("chen", "FlagOS 基金会已收到您的入会申请：星河芯片"),
    ("rui", "新的入会申请：星河芯片"),
    ("rong", "新的入会申请：星河芯片"),
    ("chen", "星河芯片：您的入会申请需要补充材料"),
    ("chen", "星河芯片：已收到您的答复"),
    ("rui", "星河芯片已答复"),
]
MEMBERS = ("application:", "agreement:", "membership:")


def letters(app: Flask) -> list[MailMessage]:
    with app.app_context():
        rows = db.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
        return [row for row in rows if row.topic.startswith(MEMBERS)]


def heard(app: Flask) -> list[tuple[str, str]]:
    return [(row.address.split("@")[0], row.title) for row in letters(app)]


def speak(app: Flask, language: str) -> None:
    with app.app_context(), transaction():
        for person in db.session.scalars(select(Person)):
            person.language = language


def walk(app: Flask, language: str) -> None:
    house, client = road.staff(app), road.company(app)
    speak(app, language)
    uid = road.apply(client)
    post(house["rui"], road.case(uid, "ownership"))
    post(house["rui"], road.case(uid, "questions"), **{"ask-why": "Which models?"})
    post(client, f"/applications/{uid}/form/membership", why="All open models.")
    assert post(client, f"/applications/{uid}/submission").status_code == 303
    for name in ("lena", "fang"):
        post(house[name], road.case(uid, "recommendations"), in_favour="yes", reason="sound")
    road.attach_minute(house["rui"], uid)
    assert post(house["dai"], road.case(uid, "approval")).status_code == 303
    road.sign(app, house, client, uid)
    road.work(app)
    road.pay(app, house, "400,000.00", road.invoice_of(app, uid).reference)
    road.work(app)


def test_the_straight_road_in_english(app: Flask) -> None:
    walk(app, "en")
    assert heard(app) == STRAIGHT
    for row in letters(app):
        assert row.html.count("<a ") == 1
        link = re.search(r'<a href="([^"]+)"', row.html)
        assert link is not None
        assert link.group(1) in row.text
        assert not re.search("[一-鿿]", row.text.replace("星河芯片有限公司", ""))


def test_the_straight_road_in_chinese(app: Flask) -> None:
    walk(app, "zh_Hans_CN")
    assert len(heard(app)) == len(STRAIGHT)
    assert [who for who, _title in heard(app)] == [who for who, _title in STRAIGHT]
    assert heard(app)[: len(CHINESE)] == CHINESE
    assert all(re.search("[一-鿿]", title) for _who, title in heard(app))


@pytest.mark.parametrize("step", ["withdrawn", "rejected", "declined"])
def test_the_side_roads(app: Flask, step: str) -> None:
    house, client = road.staff(app), road.company(app)
    uid = road.apply(client)
    if step == "withdrawn":
        post(house["rui"], road.case(uid, "ownership"))
        post(client, f"/applications/{uid}/withdrawal")
        assert heard(app)[3:] == [
            ("chen", "Galaxy Chips: the application is withdrawn"),
            ("rui", "Withdrawn: Galaxy Chips"),
        ]
    elif step == "rejected":
        road.review(house, uid)
        words = {"reason_zh": "否。", "reason_en": "No."}
        post(house["dai"], road.case(uid, "rejection"), code="papers", **words)
        post(client, f"/applications/{uid}/appeal", reason="The papers are complete.")
        post(house["sun"], road.case(uid, "appeal-hearing"))
        assert heard(app)[3:] == [
            ("chen", "Galaxy Chips: the decision on your application to FlagOS Foundation"),
            ("sun", "Appeal: Galaxy Chips"),
            ("chen", "Galaxy Chips: your appeal is heard"),
        ]
    else:
        road.review(house, uid)
        post(house["dai"], road.case(uid, "approval"))
        road.work(app)
        post(house["lena"], road.case(uid, "agreement/sending"))
        path = f"/agreements/{road.agreement_of(app, uid)[0]}"
        post(client, f"{path}/refusal", reason="Clause 2.")
        assert heard(app)[5:] == [
            ("chen", "The membership agreement of 星河芯片有限公司 is void"),
            ("lena", "Void: agreement of 星河芯片有限公司"),
            ("lou", "Void: agreement of 星河芯片有限公司"),
        ]
