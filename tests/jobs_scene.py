"""Builders for tests of the job board: members who recruit, moderators, posts in any state, a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from typing import Any

from flask import Flask
from flask_babel import force_locale

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import catalogue, clock, files
from portal.core.db import db, transaction
from portal.demo.cast import credit_code
from portal.jobs import employers, moderating, submitting, writing
from portal.jobs.kinds import ApplyBy
from portal.jobs.models import Post
from portal.jobs.said import Said
from tests import membership
from tests.people import make_person
from tests.worlds import stand_on

CHINA = timezone(timedelta(hours=8))
START = date(2026, 3, 2)  # a Monday
STAFF = {"mo": StaffRole.JOB_MODERATOR, "max": StaffRole.JOB_MODERATOR, "eva": StaffRole.EXECUTIVE}
OWNER, HR, SILVER = "boss@galaxy.example", "hr@galaxy.example", "sam@spruce.example"
DEMO = {"licence_number": "DEMO-2026", "licence_issuer": {"en": "Demo office", "zh": "演示机关"}, "licence_valid_until": "2027-03-02"}  # fmt: skip
CODE = credit_code(1)
NO = ("不符合要求。", "It does not fit.")


def mode(value: str, **more: Any) -> None:
    """Set the mode of the board from today on; call inside a transaction."""
    catalogue.take("job_board", {"code": "jobs.mode", "value": value, **more}, clock.today())


def house(app: Flask, *, full: bool = True, tier: str = "gold") -> None:
    """Let a fresh database hold moderators and two employers."""
    stand_on(app, f"jobs {full} {tier}", lambda: _house(app, full=full, tier=tier))


def _house(app: Flask, *, full: bool, tier: str) -> None:
    """Add moderators, a member of a tier and a silver one that are confirmed as employers."""
    with app.app_context(), clock.stopped_at(START), transaction():
        if full:
            mode("full", **DEMO)
        for name, role in STAFF.items():
            make_person(f"{name}@house.example", name.title(), staff=(role,))
        for name, email, site, level in (
            ("Galaxy Chips Ltd", OWNER, "https://www.galaxy.example", tier),
            ("Spruce Software", SILVER, "https://spruce.example", "silver"),
        ):
            org = membership.company(
                name, email, homepage=site, display_name_en=name, display_name_zh=f"{name} 公司"
            )
            membership.member(org, tier=level, start=START)
            confirm(org)
        helper = make_person(HR, "Hana", language="zh_Hans_CN")
        db.session.add(Contact(person=helper, org=org_of(OWNER), role=ContactRole.HR, start=START))


def confirm(org: Organisation) -> None:
    """Let an employer be confirmed; call inside a transaction."""
    by = db.session.query(Contact).filter_by(org_id=org.id).order_by(Contact.id).first()
    assert by is not None
    row = employers.ask(org, code=CODE, file=(files.Content("0" * 64, 9, files.PDF), "a.pdf"), by=by.person)
    employers.confirm(row, by=person("max"))


def person(name: str) -> Person:
    """Return somebody by address, or by the first part of it."""
    found = Person.email == name if "@" in name else Person.email.startswith(f"{name}@")
    return db.session.query(Person).filter(found).one()


def org_of(email: str) -> Organisation:
    """Return the organisation of a person."""
    return (
        db.session.query(Organisation)
        .join(Contact)
        .join(Person)
        .filter(Person.email == email)
        .order_by(Organisation.id)
        .limit(1)
        .one()
    )


def china(moment: str) -> datetime:
    """Return a moment of the office (`2026-03-02T10:00`)."""
    return datetime.fromisoformat(moment).replace(tzinfo=CHINA)


@contextmanager
def at(app: Flask, moment: str) -> Iterator[None]:
    """Work in one transaction at a moment of the office, with refusals in English."""
    with app.app_context(), clock.stopped_at(china(moment)), force_locale("en"), transaction():
        yield


@contextmanager
def on(moment: str) -> Iterator[None]:
    """Stop the clock at a moment of the office, for pages and chores that open their own transactions."""
    with clock.stopped_at(china(moment)):
        yield


def said(**more: Any) -> Said:
    """Return what a complete post says, in both languages."""
    whole: dict[str, Any] = {
        "title_zh": "算子开发工程师", "title_en": "Operator developer", "text_zh": "为多种芯片编写 Triton 算子。",
        "text_en": "Write **Triton** operators for many chips.", "duties_zh": "调优", "duties_en": "- Tune\n- Test",
        "requirements_zh": "熟悉 C++", "requirements_en": "C++ and patience", "city": "beijing", "pay_low": 2_500_000,
        "pay_high": 4_500_000, "pay_months": 14, "skills": ("Triton", "C++"), "apply_by": ApplyBy.LINK,
        "link": "https://jobs.galaxy.example/1",
    }  # fmt: skip
    return Said(**{**whole, **more})


def draft(email: str = OWNER, **more: Any) -> Post:
    """Write a draft; call inside a transaction."""
    begins = more.pop("begins_on", None)
    who = person(email)
    own = {"link": "https://spruce.example/jobs"} if email == SILVER else {}
    return writing.begin(org_of(email), said(**{**own, **more}), by=who, begins_on=begins)


def sent(email: str = OWNER, **more: Any) -> Post:
    """Write a post and send it; call inside a transaction."""
    row = draft(email, **more)
    submitting.submit(row, by=person(email))
    return row


def live(email: str = OWNER, **more: Any) -> Post:
    """Write, send and approve a post; call inside a transaction."""
    row = sent(email, **more)
    moderating.approve(row, by=person("mo"))
    return row


def the(uid: str) -> Post:
    """Return a post, fresh from the database."""
    return db.session.query(Post).filter_by(uid=uid).populate_existing().one()
