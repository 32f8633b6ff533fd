"""Builders for tests of candidates: member employers with open posts, people with certificates, profiles and applications."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

from flask import Flask
from pypdf import PdfWriter
from sqlalchemy import select

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.certs.models.award import Award, AwardState
from portal.certs.models.document import Certificate
from portal.core import catalogue, clock, files
from portal.core.db import db, transaction
from portal.jobs import applying, consents, profiles
from portal.jobs.application_models import JobApplication
from portal.jobs.applying import Handed
from portal.jobs.kinds import Need, PostState
from portal.jobs.models import Post, PostVersion
from portal.jobs.profiles import Written
from portal.jobs.stages import TO_APPLY, Field
from portal.members import names
from tests import membership as m
from tests.people import make_org, make_person
from tests.worlds import stand_on

DAY = date(2026, 6, 15)
LEVELS = ("OPDEV", "ADAPT", "ARCH")


def full(until: date = date(2030, 1, 1)) -> None:
    """Open the whole board; call inside a transaction."""
    body = dict(catalogue.entries("job_board")["jobs.mode"])
    body |= {
        "value": "full", "licence_number": "DEMO-1", "licence_issuer": {"zh": "测试", "en": "Test"},
        "licence_valid_until": until.isoformat(),
    }  # fmt: skip
    catalogue.put("job_board", "jobs.mode", body, date(2026, 1, 1))


def employer(name: str, tier: str = "gold") -> Organisation:
    """Add a member employer with an owner and somebody who recruits."""
    owner = make_person(f"owner@{name}.example", f"{name.title()} Owner")
    hr = make_person(f"hr@{name}.example", f"{name.title()} Recruiter")
    org = make_org(f"{name.title()} Ltd", (owner, ContactRole.OWNER), (hr, ContactRole.HR))
    db.session.flush()
    names.index(org)
    if tier:
        m.member(org, tier=tier, start=date(2026, 1, 1))
    return org


def post(org: Organisation, title: str = "Kernel engineer", *, need: Need = Need.NONE, level: str = "", days: int = 90, by: Person | None = None) -> Post:  # fmt: skip
    """Add a post that is live; as if a moderator had approved it."""
    by = by or person(f"hr@{org.legal_name.split()[0].lower()}.example")
    row = Post(org=org, by=by)
    db.session.add(row)
    db.session.flush()
    version = PostVersion(
        post=row, n=1, by=by, title_en=title, text_en="Write kernels.", city="beijing", pay_low=30_000_00, pay_high=50_000_00,
        need=need, level=level,
    )  # fmt: skip
    db.session.add(version)
    db.session.flush()
    row.starts_on, row.ends_on = clock.today(), clock.today() + timedelta(days=days)
    row.shown, row.posted_at = version, clock.now()
    db.session.flush()  # the check of the state sees the version shown
    row.state = PostState.LIVE
    db.session.flush()
    return row


def person(email: str) -> Person:
    """Return somebody by address."""
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def certified(who: Person, level: str, *, end: date = date(2029, 1, 1)) -> Award:
    """Give somebody an award with its document, without exams."""
    row = Award(
        level=level, scheme_version=1, person=who, name_zh="", name_latin=who.name, decision=f"decision:{who.id}{level}{end}",
        decided_on=date(2026, 1, 2), start=date(2026, 1, 2), end=end,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    db.session.add(
        Certificate(
            award=row,
            number=f"T{row.id:06d}{level}",
            issued_at=clock.now(),
            snapshot_sha256="0" * 64,
            variant="paper",
        )
    )
    db.session.flush()
    return row


def revoke(award: Award) -> None:
    """Let an award be revoked."""
    award.state, award.revoked_at = AwardState.REVOKED, clock.now()
    db.session.flush()


def candidate(name: str, level: str = "", **said: Any) -> Person:
    """Add a candidate with a profile, and a certificate if there is a level."""
    who = make_person(f"{name}@people.example", f"{name.title()} Quokka")
    if level:
        certified(who, level)
    given = {"city": "beijing", "skills": ["Triton", "算子开发"], "kinds": ["full_time"], "languages": ["zh", "en"], "reach": f"wechat {name}"}  # fmt: skip
    profiles.save(who, Written(**{**given, **said}))
    return who


@cache
def pdf() -> bytes:
    """Return a small PDF, always the same."""
    out, writer = io.BytesIO(), PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(out)
    return out.getvalue()


def resume(who: Person) -> None:
    """Put a résumé into a profile; opens its own transaction."""
    content = files.put(pdf(), files.PDF)
    with transaction():
        profiles.attach(who, content, f"{who.name} cv.pdf")


def applied(to: Post, who: Person, *, fields: Sequence[Field] = TO_APPLY[:-1], **more: Any) -> JobApplication:
    """Let somebody apply, showing all but a résumé."""
    return applying.apply(to, Handed(f"Dear employer, {who.name}", list(fields), **more), by=who)


def house(app: Flask, *candidates: tuple[str, str]) -> None:
    """Let a fresh database hold two member employers and staff who read figures, and candidates with a level each."""
    stand_on(app, f"job people {candidates}", lambda: _house(app, candidates))


def _house(app: Flask, candidates: tuple[tuple[str, str], ...]) -> None:
    with app.app_context(), clock.stopped_at(DAY), transaction():
        full()
        make_person("mod@house.example", "Mod", staff=(StaffRole.JOB_MODERATOR,))
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
        make_person("ada@house.example", "Ada", staff=(StaffRole.ADMINISTRATOR,))
        for name in ("galaxy", "alder"):
            post(employer(name))
        for name, level in candidates:
            candidate(name, level)


def pooled(*people: Person) -> None:
    """Let people be found in the pool."""
    for who in people:
        consents.enter_pool(who, True)


def post_of(name: str) -> Post:
    """Return the first post of an employer."""
    rows = select(Post).join(Organisation, Post.org_id == Organisation.id)
    found = db.session.scalars(
        rows.where(Organisation.legal_name == f"{name.title()} Ltd").order_by(Post.id)
    ).first()
    assert found is not None
    return found
