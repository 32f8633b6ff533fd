"""People from the command line: the first administrator comes in, later ones need a note, lost factors are forgotten."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from portal.accounts import factors
from portal.accounts.may import StaffRole
from portal.accounts.people import Grant, Person
from portal.cli import cli
from portal.core import audit
from portal.core.db import db, transaction
from tests.people import browser, last_mail, link_in, make_person, post

BOSS = "boss@flagos.example"


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run commands against the test's own database."""
    monkeypatch.setattr("portal.cli.staff.prepared", lambda: app)
    return lambda *words: CliRunner().invoke(cli, list(words))


def invite(run: object, mail: str, role: str, *more: str) -> Result:
    assert callable(run)
    found: Result = run("invite-staff", mail, "--role", role, "--name", "Bo Ss", "--language", "en", *more)
    return found


def test_the_first_administrator_chooses_a_password_and_must_set_up_a_factor(app: Flask, run: object) -> None:
    assert invite(run, "Boss@FlagOS.example", "administrator").exit_code == 0
    client = app.test_client()
    client.get(link_in(last_mail(app, BOSS)))
    words = {"password": "seven lanterns over quiet rivers"}
    assert post(client, "/reset/new", "/reset/new", **words).status_code == 303
    post(client, "/sign-in", "/sign-in", email=BOSS, **words)
    code = last_mail(app, BOSS).title.split()[0]
    post(client, "/sign-in/code?way=mail", "/sign-in/code", code=code)
    assert client.get("/office/staff/").location.startswith("/account")
    with app.app_context():
        entry = db.session.scalars(select(audit.AuditEntry).filter_by(verb="staff.role_given")).one()
        assert (entry.actor, entry.detail) == ("command line", {"role": "administrator", "agreed": ""})


def test_the_first_role_is_administrator_and_a_bad_address_is_refused(app: Flask, run: object) -> None:
    refused = invite(run, BOSS, "finance")
    assert (refused.exit_code, str(refused.exception)) == (
        1,
        "There is no administrator yet: the first role to give is administrator.",
    )
    assert "does not look like a mail address" in str(invite(run, "boss", "administrator").exception)
    with app.app_context():
        assert db.session.scalars(select(Person)).all() == []


def test_with_an_administrator_it_takes_a_note_and_he_is_told(app: Flask, run: object) -> None:
    assert invite(run, BOSS, "administrator").exit_code == 0
    refused = invite(run, "two@flagos.example", "administrator")
    assert "say with --agreed who agreed and why" in str(refused.exception)
    note = "Director Dai and Ada Novak, administrator on leave"
    assert invite(run, "two@flagos.example", "finance", "--agreed", note).exit_code == 0
    assert "already" in str(invite(run, "two@flagos.example", "finance", "--agreed", note).exception)
    told = last_mail(app, BOSS)
    assert told.title == "Bo Ss was given a role from the command line"
    assert note in told.text
    with app.app_context():
        assert sorted(row.role for row in db.session.scalars(select(Grant))) == ["administrator", "finance"]


def test_lost_factors_are_forgotten_with_a_note_and_every_session_ends(app: Flask, run: object) -> None:
    assert callable(run)
    with app.app_context(), transaction():
        person = make_person("lin@firm.example", staff=(StaffRole.FINANCE,))
        person.totp_sealed = "v1:00"
        factors.fresh_recovery_codes(person)
    client = browser(app, "lin@firm.example")
    assert client.get("/account").status_code == 200
    note = "Ada Novak and Dai Bo, passport shown in the office"
    assert run("forget-factors", "lin@firm.example", "--agreed", "yes").exit_code == 1
    assert run("forget-factors", "nobody@firm.example", "--agreed", note).exit_code == 1
    assert client.get("/account").status_code == 200
    assert run("forget-factors", "lin@firm.example", "--agreed", note).exit_code == 0
    assert client.get("/account").status_code == 303
    assert last_mail(app, "lin@firm.example").title.startswith("A change to your account")
    with app.app_context():
        kept = db.session.scalars(select(Person)).one()
        assert (kept.totp_sealed, factors.recovery_left(kept)) == (None, 0)
        entry = db.session.scalars(select(audit.AuditEntry).filter_by(verb="person.factors_forgotten")).one()
        assert entry.detail == {"agreed": note}
