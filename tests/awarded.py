"""Holders, keys and awards for tests: a level decided for an invented person, by invented staff, in the real tables."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask

from portal.accounts.may import StaffRole
from portal.accounts.people import Person
from portal.certs import awarding
from portal.certs.documents import fonts, layout
from portal.certs.models.award import Award
from portal.certs.naming import Names
from portal.core import certifying, clock, outbox, signing
from portal.core.db import db, transaction
from portal.core.signing import KeyUse
from tests.people import make_person

STAFF = {
    "cen@house.example": ("Cen", StaffRole.CERTIFICATION),
    "clara@house.example": ("Clara", StaffRole.CERTIFICATION),
    "deng@house.example": ("Deng", StaffRole.DECIDER),
    "ding@house.example": ("Ding", StaffRole.DECIDER),
    "ada@house.example": ("Ada", StaffRole.ADMINISTRATOR),
}
ZHANG = Names("张伟", "Zhang Wei")
DECIDED = date(2026, 11, 20)
USES = (KeyUse.PDF, KeyUse.BADGE, KeyUse.BADGE_RSA)


TESTS = Path(__file__).parent
ROOT = TESTS.parent
_fresh = signing._fresh


@cache
def _secret(use: KeyUse, turn: int) -> Any:
    """Return a key pair made once per process: an RSA key takes a second."""
    return _fresh(use)


def make_keys(*uses: KeyUse, turn: int = 0, months: int | None = None) -> list[signing.SigningKey]:
    """Make keys with material of the tests' own; call inside a transaction."""
    with mock.patch.object(signing, "_fresh", lambda use: _secret(use, turn)):
        return [
            certifying.make(use, by="Ada <ada@house.example>", second="Deng <deng@house.example>")
            for use in uses or USES
        ]


def staff() -> None:
    """Add the staff of certification; call inside a transaction."""
    for mail, (name, role) in STAFF.items():
        make_person(mail, name, staff=(role,))


def person(mail: str) -> Person:
    """Return the person of an address."""
    return db.session.query(Person).filter_by(email=mail).one()


def house(app: Flask, *, at: datetime | date = DECIDED) -> None:
    """Prepare an application: staff, keys made some days before the first decision, one holder."""
    with app.app_context(), clock.stopped_at(at):
        with transaction():
            staff()
            make_keys()
            make_person("zhang@holder.example", "Zhang Wei")
        db.session.remove()


def award(
    mail: str = "zhang@holder.example", level: str = "OPDEV", *, on: date = DECIDED, decision: str = "decision:1",
    names: Names = ZHANG, **more: Any,
) -> Award:  # fmt: skip
    """Grant a level; call inside a transaction."""
    return awarding.grant(
        person(mail), level=level, names=names, decision=decision, decided_on=on, by=person("deng@house.example"), **more
    )  # fmt: skip


def granted(app: Flask, *, at: date = DECIDED, **more: Any) -> str:
    """Grant a level on a day, make its papers, and return the award's uid."""
    with app.app_context(), clock.stopped_at(at):
        with transaction():
            uid = award(on=at, **more).uid
        outbox.drain()
        db.session.remove()
    return uid


def _letters() -> list[int]:
    """Return those letters of the family *text* that papers of tests are set in; all 7 700 take a minute and a half."""
    written = [
        ROOT / "templates" / "papers" / "award.html", *(ROOT / "catalogue").glob("*.yml"), *TESTS.glob("*certificate*.py"),
        TESTS / "awarded.py", Path(layout.__file__),
    ]  # fmt: skip
    wanted = {ord(char) for file in written for char in file.read_text("utf-8")}
    return [code for code in fonts._letters() if code < 0x3000 or code in wanted]


def families(app: Flask) -> None:
    """Give an application the faces of certificates, cut to the letters of tests and kept between runs on this machine."""
    letters = _letters()
    name = hashlib.sha256(repr((fonts.EDITION, letters)).encode()).hexdigest()[:12]
    kept = Path(tempfile.gettempdir()) / f"portal-faces-{name}"
    with mock.patch.object(fonts, "_letters", return_value=letters):
        fonts.build(kept)
    home = Path(app.extensions["settings"].home) / "fonts"
    shutil.copytree(kept, home, dirs_exist_ok=True)
