"""Builders of exam items for tests: people of the bank, bilingual items in use, a GIFT file of every type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask_babel import force_locale

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.certs import items
from portal.certs.item_content import Content
from portal.certs.models.bank import Ground, ItemVersion
from portal.core.db import db
from tests.people import make_person

EVERY = """$CATEGORY: operators

::O1:: Which one is a kernel? {=add #yes ~table ~%50%graph}

::O2:: Which are parallel? {~%50%blocks ~%50%warps ~%-100%files}

::O3:: A kernel is a function. {TRUE}

::O4:: Name the language {=Triton =%50%triton-lang ####See the guide}

$CATEGORY: memory/layout
// numbers
::M1:: How many bytes has an fp16? {#2}

::M2:: Between one and five? {#1..5}

::M3:: [html]When? <b onclick="x()">year</b><script>x</script> {#=1822:0 =%50%1822:2}

::M4:: The {=cache} is fast.

Just a note for the reader.

::P1:: Write an operator for softmax. {}
"""
ZH = """::O1:: 哪一个是内核？ {=加法 #对 ~表 ~%50%图}
"""


@contextmanager
def english(app: Flask) -> Iterator[None]:
    """Open the application's context in which refusals are told in English."""
    with app.app_context(), force_locale("en"):
        yield


class Bank:
    """The people of the bank; call inside a transaction."""

    def __init__(self) -> None:
        self.author = make_person("author@house.example", "Ou", staff=(StaffRole.AUTHOR,))
        self.checker = make_person("check@house.example", "Ivan", staff=(StaffRole.ITEM_REVIEWER,))
        self.chief = make_person("chief@house.example", "Chi", staff=(StaffRole.CHIEF_EXAMINER,))


def who(name: str) -> Person:
    """Return somebody of the bank by the part of the address before the @."""
    return db.session.query(Person).filter_by(email=f"{name}@house.example").one()


def content(n: int = 0) -> Content:
    """Return a single item in both languages."""
    texts = [("加法", "add"), ("表", "table"), ("图", "graph")]
    options = [
        {"code": "abc"[at], "text": {"zh": zh, "en": en}, "weight": "0" if at else "1", "feedback": {}, "pinned": False}
        for at, (zh, en) in enumerate(texts)
    ]  # fmt: skip
    from portal.certs.gift_answers import Kind

    return Content(Kind.SINGLE, {"zh": f"第 {n} 题", "en": f"Question {n}"}, options=options)


def approved(key: str, topic: str, n: int = 0, exam: str = "OPDEV") -> ItemVersion:
    """Write, submit and approve an item; call inside a transaction."""
    item = items.begin(exam, key, by=who("author"), topic=topic)
    version = items.write(item, content(n), by=who("author"), reference="Guide, 3")
    items.submit(version, by=who("author"))
    items.review(version, by=who("check"), approved=True, ticked=list(items.CHECKS), comments={})
    return version


def in_use(key: str, topic: str, n: int = 0, exam: str = "OPDEV") -> ItemVersion:
    """Take an item into use by a panel's rating; call inside a transaction."""
    version = approved(key, topic, n, exam)
    items.take_into_use(version, by=who("chief"), ground=Ground.ANGOFF, rating="0.65")
    return version
