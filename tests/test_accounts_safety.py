"""People, kept safe: passwords, waits, factors, sessions, step-up, lost factors, changed addresses, demo doors."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.ctx import RequestContext
from flask.testing import FlaskClient

from portal.accounts import factors, passwords, throttle
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.people import Person, SignInAttempt, TicketKind, UserSession
from portal.core import clock, vault
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from tests.conftest import build
from tests.people import PASSWORD, browser, last_mail, link_in, make_org, make_person, post, token

OTHER = "violet engine counts nine geese"


@pytest.fixture
def chen(app: Flask) -> str:
    """One person with an organisation."""
    with app.app_context(), transaction():
        person = make_person("chen@chips.example", "Zbigniew Okonjo")
        make_org("Kumquat Lattice Ltd", (person, ContactRole.OWNER))
    return "chen@chips.example"


def fresh_browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as state:
        state["language"] = "en"
    return client


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, **more: str) -> int:
    data = {"csrf_token": token(client, "/sign-in"), "email": email, "password": password}
    environ = {"REMOTE_ADDR": more["address"]} if "address" in more else None
    return client.post("/sign-in", data=data, environ_overrides=environ).status_code


def asked_from(app: Flask, address: str) -> RequestContext:
    return app.test_request_context(method="POST", environ_base={"REMOTE_ADDR": address})


def mail_code(app: Flask, email: str) -> str:
    found = re.search(r"\b\d{8}\b", last_mail(app, email).text)
    assert found is not None
    return found.group()


@pytest.mark.parametrize(
    "password",
    [
        "Zbigniew-Okonjo-1",
        "kumquat lattice",
        "chen@chips.example1",
        "flagos foundation",
        "passwordpassword1",
    ],
)
def test_passwords_built_on_names_or_lists_are_refused(app: Flask, chen: str, password: str) -> None:
    client = browser(app, chen)
    answer = post(client, "/account/password", "/account/password", current=PASSWORD, password=password)
    assert answer.status_code == 422
    with app.app_context(), reading():
        stored = db.session.query(Person).filter_by(email=chen).one().password_hash
    assert stored is not None
    PasswordHasher().verify(stored, PASSWORD)


def test_long_passwords_are_taken_whole_and_every_character_counts(app: Flask, chen: str) -> None:
    long = "Ünïcode 长长的密码 🔑 \t" + "seven quiet rivers meet the old lantern " * 5
    assert 64 < len(long) <= passwords.LONGEST
    client = browser(app, chen)
    done = post(client, "/account/password", "/account/password", current=PASSWORD, password=long)
    assert done.status_code == 303
    assert sign_in(fresh_browser(app), chen, long) == 303
    assert sign_in(fresh_browser(app), chen, long[:-1]) == 422
    assert sign_in(fresh_browser(app), chen, long + "x" * 300) == 422
    with app.app_context():
        hashed = passwords.hashed("a" * passwords.LONGEST)
        assert passwords.matches("a" * passwords.LONGEST, hashed)
        assert not passwords.matches("a" * (passwords.LONGEST + 1), hashed)


def test_a_change_asks_for_the_present_password_and_an_old_hash_is_made_anew(app: Flask, chen: str) -> None:
    client = browser(app, chen)
    wrong = post(client, "/account/password", "/account/password", current="not this one", password=OTHER)
    assert wrong.status_code == 422
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with app.app_context(), transaction():
        db.session.query(Person).filter_by(email=chen).one().password_hash = weak
    assert sign_in(fresh_browser(app), chen) == 303
    with app.app_context(), reading():
        stored = db.session.query(Person).filter_by(email=chen).one().password_hash
    assert stored is not None
    assert stored != weak
    assert "m=19456,t=2,p=1" in stored


def test_a_file_of_leaked_passwords_is_searched(app: Flask, tmp_path: Path) -> None:
    leaked = [f"violet engine counts {n} geese" for n in range(200)]
    lines = sorted(f"{hashlib.sha1(word.encode()).hexdigest().upper()}:{n}" for n, word in enumerate(leaked))
    file = tmp_path / "leaked.txt"
    file.write_text("\n".join(lines) + "\n", "ascii")
    made = build(tmp_path, app.config["SQLALCHEMY_DATABASE_URI"], PORTAL_LEAKED_PASSWORDS=str(file))
    with made.app_context():
        for word in leaked:
            with pytest.raises(Refused, match=r"leak|泄露"):
                passwords.check_strength(word)
        passwords.check_strength("violet engine counts many geese")
        db.engine.dispose()


def test_unknown_accounts_cost_the_same_work(app: Flask, chen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same number of hashes and mails, whoever is asked for: what a clock could tell is not there."""
    work: list[str] = []
    real_hash, real_verify = passwords.HASHER.hash, passwords.HASHER.verify

    class Counting:
        def hash(self, password: str) -> str:
            work.append("hash")
            return real_hash(password)

        def verify(self, stored: str, password: str) -> bool:
            work.append("verify")
            return real_verify(stored, password)

        def check_needs_rehash(self, stored: str) -> bool:
            return False

    monkeypatch.setattr(passwords, "HASHER", Counting())

    def effort(path: str, email: str, **fields: str) -> tuple[list[str], int, int]:
        work.clear()
        with app.app_context(), reading():
            before = db.session.execute(db.text("SELECT count(*) FROM mail_message")).scalar()
        status = post(fresh_browser(app), path, path, email=email, **fields).status_code
        with app.app_context(), reading():
            after = db.session.execute(db.text("SELECT count(*) FROM mail_message")).scalar()
        return list(work), status, int(after or 0) - int(before or 0)

    for path, fields in (
        ("/sign-in", {"password": "wrong wrong wrong"}),
        ("/reset", {}),
        ("/register", {"name": "Somebody", "password": OTHER}),
    ):
        known, unknown = effort(path, chen, **fields), effort(path, f"un{path[1:]}@chips.example", **fields)
        assert known == unknown, path
    assert last_mail(app, "unreset@chips.example").title.startswith("No account at")


def test_waits_grow_and_survive_a_restart(app: Flask, chen: str, tmp_path: Path) -> None:
    start = clock.now()
    with clock.stopped_at(start):
        assert [sign_in(fresh_browser(app), chen, "wrong wrong wrong") for _ in range(6)] == [422] * 5 + [429]
    restarted = build(tmp_path, app.config["SQLALCHEMY_DATABASE_URI"])
    at, waits = start, []
    for _ in range(5):
        with clock.stopped_at(at):
            page = post(
                fresh_browser(restarted), "/sign-in", "/sign-in", email=chen, password="wrong wrong wrong"
            )
            assert page.status_code == 429
            waits.append(int(page.headers["Retry-After"]))
        at += timedelta(seconds=waits[-1])
        with clock.stopped_at(at):
            assert sign_in(fresh_browser(restarted), chen, "wrong wrong wrong") == 422
    assert waits == sorted(set(waits))
    with restarted.app_context():
        db.engine.dispose()


def test_a_stranger_slows_its_owner_by_seconds_at_most(app: Flask, chen: str) -> None:
    now = clock.now()
    with app.app_context(), asked_from(app, "203.0.113.9"), transaction():
        for key, _limit in throttle._keys(chen):
            for n in range(500):
                db.session.add(SignInAttempt(key=key, at=now - timedelta(seconds=n), good=False))
    client = fresh_browser(app)
    with clock.stopped_at(now + timedelta(seconds=20)):
        assert sign_in(client, chen, address="198.51.100.7") == 303
        assert sign_in(fresh_browser(app), chen, address="203.0.113.9") == 429


def test_an_own_account_does_not_wash_off_tries_at_others(app: Flask, chen: str) -> None:
    with app.app_context(), transaction():
        make_person("thief@else.example", "Thief")
        for n in range(throttle.ADDRESS.free + 5):
            make = SignInAttempt(key=_address_key(app), at=clock.now() - timedelta(seconds=n), good=False)
            db.session.add(make)
    with app.app_context(), asked_from(app, "127.0.0.1"):
        throttle.note("thief@else.example", good=True)
    assert sign_in(fresh_browser(app), chen) == 429


def _address_key(app: Flask) -> str:
    with asked_from(app, "127.0.0.1"):
        return throttle._keys("anybody")[1][0]


def test_mail_codes_run_out_and_belong_to_the_sign_in_that_asked(app: Flask, chen: str) -> None:
    one, two = fresh_browser(app), fresh_browser(app)
    assert sign_in(one, chen) == 303
    first = mail_code(app, chen)
    assert sign_in(two, chen) == 303
    second = mail_code(app, chen)
    assert post(one, "/sign-in/code", "/sign-in/code", code=second).status_code == 422
    assert post(one, "/sign-in/code", "/sign-in/code", code=first).status_code == 422
    with clock.stopped_at(clock.now() + timedelta(minutes=10, seconds=1)):
        assert post(two, "/sign-in/code", "/sign-in/code", code=second).status_code == 422


def test_secrets_are_kept_as_hashes_or_sealed(app: Flask, chen: str) -> None:
    client = browser(app, chen)
    seed = re.search(r"<code>([A-Z2-7]{32})</code>", client.get("/account/app").text)
    assert seed is not None
    cookie = client.get_cookie("portal")
    assert cookie is not None
    assert seed.group(1) not in cookie.value
    now = clock.now()
    with clock.stopped_at(now):
        page = post(client, "/account/app", "/account/app", code=pyotp.TOTP(seed.group(1)).at(now)).text
    codes = re.findall(r"<code>([0-9a-f-]{34})</code>", page)
    post(fresh_browser(app), "/reset", "/reset", email=chen)
    secret = link_in(last_mail(app, chen)).rsplit("/", 1)[1]
    with app.app_context(), db.engine.connect() as conn:
        kept = " ".join(
            str(row)
            for table in ("person", "recovery_code", "ticket", "user_session")
            for row in conn.execute(db.text(f"SELECT * FROM {table}"))
        )
        conn.rollback()
    with client.session_transaction() as state:
        key = state["key"]
    for plain in (seed.group(1), secret, key, *codes):
        assert plain not in kept
    assert len(bytes.fromhex(codes[0].replace("-", ""))) * 8 == 120


def test_a_factor_change_ends_other_sessions_and_tells_the_person(app: Flask, chen: str) -> None:
    one, two = browser(app, chen), browser(app, chen)
    assert post(one, "/account/recovery-codes", "/account").status_code == 200
    assert (one.get("/account").status_code, two.get("/account").status_code) == (200, 303)
    assert last_mail(app, chen).title.startswith("A change to your account")


def test_a_step_up_is_asked_after_ten_minutes_and_gives_a_new_token(app: Flask, chen: str) -> None:
    client = browser(app, chen)
    with client.session_transaction() as state:
        before = state["key"]
    form = token(client, "/account")
    with clock.stopped_at(clock.now() + timedelta(minutes=11)):
        assert client.get("/account").status_code == 200
        for path in ("/account/password", "/account/app", "/account/mail"):
            assert client.get(path).location == f"/sign-in/again?next={path}"
        sent = client.post(
            "/account/recovery-codes",
            data={"csrf_token": form},
            headers={"Referer": "http://localhost/account"},
        )
        assert sent.location == "/sign-in/again?next=/account"
        elsewhere = client.post(
            "/account/recovery-codes", data={"csrf_token": form}, headers={"Referer": "http://evil.example/x"}
        )
        assert elsewhere.location == "/sign-in/again?next=/"
        asked = client.post("/account/passkeys/challenge", json={}, headers={"X-CSRFToken": form})
        assert (asked.status_code, asked.json) == (401, {"go": "/sign-in/again?next=/"})
        again = post(client, "/sign-in/again?next=/account/mail", "/sign-in/again", current=PASSWORD)
        assert again.location == "/sign-in/code?next=/account/mail"
        done = post(client, "/sign-in/code", "/sign-in/code", code=mail_code(app, chen))
        assert done.status_code == 303
        assert client.get("/account/mail").status_code == 200
        with client.session_transaction() as state:
            assert state["key"] != before
        with app.app_context(), reading():
            old = db.session.query(UserSession).filter_by(token_hash=vault.digest(before)).one()
            assert old.ended_at is not None


def test_every_act_of_the_list_asks_for_a_fresh_factor(app: Flask) -> None:
    from portal.accounts.access import FRESH_MARK

    wanted = {
        "accounts.change_mail", "accounts.change_password", "accounts.enrol_app", "accounts.drop_app",
        "accounts.new_recovery_codes", "accounts.passkey_offer", "accounts.passkey_add", "accounts.passkey_drop",
        "staff.grant", "staff.end_grant", "helpdesk.report", "helpdesk.decide", "helpdesk.close", "helpdesk.reopen",
        "helpdesk.end_sessions", "apply.sign", "apply.chop",
    }  # fmt: skip
    assert {name for name in wanted if not getattr(app.view_functions[name], FRESH_MARK, False)} == set()


@pytest.mark.parametrize(("staff", "idle", "longest"), [(False, 2, 24), (True, 0.5, 12)])
def test_sessions_end_by_rest_and_by_age(app: Flask, staff: bool, idle: float, longest: int) -> None:
    with app.app_context(), transaction():
        make_person("one@house.example", staff=(StaffRole.REVIEWER,) if staff else ())
    client, start = browser(app, "one@house.example"), clock.now()
    with clock.stopped_at(start + timedelta(hours=idle, seconds=5)):
        assert client.get("/account").status_code == 303
    client = browser(app, "one@house.example")
    at = start
    while at < start + timedelta(hours=longest - idle):
        at += timedelta(hours=idle) * 0.9
        with clock.stopped_at(at):
            assert client.get("/account").status_code == 200
    with clock.stopped_at(start + timedelta(hours=longest, minutes=1)):
        assert client.get("/account").status_code == 303


def test_a_changed_address_is_proved_first_and_the_old_one_is_told(app: Flask, chen: str) -> None:
    client, other = browser(app, chen), browser(app, chen)
    with app.app_context(), transaction():
        make_person("taken@chips.example")
    same = post(client, "/account/mail", "/account/mail", email="taken@chips.example")
    sent = post(client, "/account/mail", "/account/mail", email="New@chips.example")
    assert (same.status_code, sent.status_code, same.location) == (303, 303, sent.location)
    assert last_mail(app, "taken@chips.example").title.startswith("You already have an account")
    link = link_in(last_mail(app, "new@chips.example"))
    assert sign_in(fresh_browser(app), chen) == 303
    client.get(link)
    assert "new@chips.example" in client.get("/confirm").text
    assert post(client, "/confirm", "/confirm").location == "/account"
    assert (client.get("/account").status_code, other.get("/account").status_code) == (200, 303)
    assert "mail address of your account was changed" in last_mail(app, chen).text
    assert sign_in(fresh_browser(app), chen) == 422
    assert sign_in(fresh_browser(app), "new@chips.example") == 303
    assert client.get(link, follow_redirects=True).status_code == 410


def helpers(app: Flask) -> tuple[FlaskClient, FlaskClient, str]:
    with app.app_context(), transaction():
        make_person("ada@house.example", "Ada", staff=(StaffRole.ADMINISTRATOR,))
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
        person = db.session.query(Person).filter_by(email="chen@chips.example").one()
        person.totp_sealed = vault.seal(factors.new_seed(), bound_to=f"person:{person.uid}")
        factors.fresh_recovery_codes(person)
        uid = person.uid
    return browser(app, "ada@house.example"), browser(app, "sun@house.example"), uid


def test_a_lost_factor_needs_two_of_staff(app: Flask, chen: str) -> None:
    inside = browser(app, chen)
    ada, sun, uid = helpers(app)
    path = f"/office/accounts/{uid}"
    assert post(ada, f"{path}/loss", "/account").status_code == 422
    assert post(ada, f"{path}/loss", "/account", reason="called back, passport seen").status_code == 303
    assert post(ada, f"{path}/loss", "/account", reason="again").status_code == 409
    assert post(ada, f"{path}/loss/agreement", "/account").status_code == 403
    assert "passport seen" in sun.get(path).text
    assert inside.get("/account").status_code == 200
    assert post(sun, f"{path}/loss/agreement", "/account").status_code == 303
    assert inside.get("/account").status_code == 303
    assert post(sun, f"{path}/loss/agreement", "/account").status_code == 404
    assert "reported lost" in last_mail(app, chen).text
    with app.app_context(), reading():
        person = db.session.query(Person).filter_by(email=chen).one()
        assert (person.totp_sealed, factors.recovery_left(person)) == (None, 0)


def test_nobody_helps_himself(app: Flask, chen: str) -> None:
    ada, sun, _uid = helpers(app)
    with app.app_context(), reading():
        own = db.session.query(Person).filter_by(email="ada@house.example").one().uid
    for step in ("loss", "closing"):
        assert post(ada, f"/office/accounts/{own}/{step}", "/account", reason="mine").status_code == 403
    assert post(sun, f"/office/accounts/{own}/loss", "/account", reason="asked").status_code == 303
    assert post(ada, f"/office/accounts/{own}/loss/agreement", "/account").status_code == 403


def test_staff_end_sessions_and_close_accounts_at_once(app: Flask, chen: str) -> None:
    ada, _sun, uid = helpers(app)
    one = browser(app, chen)
    assert post(ada, f"/office/accounts/{uid}/sessions/end", "/account").status_code == 303
    assert one.get("/account").status_code == 303
    two = browser(app, chen)
    assert (
        post(ada, f"/office/accounts/{uid}/closing", "/account", reason="left the company").status_code == 303
    )
    assert two.get("/account").status_code == 303
    assert sign_in(fresh_browser(app), chen) == 422
    assert post(ada, f"/office/accounts/{uid}/opening", "/account").status_code == 303
    assert sign_in(fresh_browser(app), chen) == 303
    found = ada.get("/office/accounts/?q=zbig").text
    assert chen in found


def test_a_second_staff_factor_stands_before_the_office_opens(app: Flask) -> None:
    with app.app_context(), transaction():
        person = make_person("rui@house.example", staff=(StaffRole.REVIEWER,))
        person.demo = False
        person.totp_sealed = vault.seal(factors.new_seed(), bound_to=f"person:{person.uid}")
    client = fresh_browser(app)
    assert sign_in(client, "rui@house.example") == 303
    assert client.get("/office/").location == "/sign-in/code?next=/office/"
    assert client.get("/sign-in/code?way=mail").status_code == 404
    assert post(client, "/sign-in/code/mail", "/sign-in/code").status_code == 403


def test_demo_doors_open_only_below_the_demo_flag_and_never_in_production(app: Flask, tmp_path: Path) -> None:
    from portal.accounts import tickets
    from portal.core import flags

    with app.app_context(), transaction():
        person = make_person("demo@house.example", staff=(StaffRole.REVIEWER,))
        secret, uid = tickets.give(TicketKind.DEMO, person), person.uid
    client = fresh_browser(app)
    assert client.get(f"/demo/{secret}").status_code == 404
    assert post(client, f"/demo/as/{uid}").status_code == 404
    with app.app_context(), transaction():
        db.session.add(flags.Flag(name=flags.DEMO))
    assert client.get(f"/demo/{secret}").status_code == 200
    assert post(client, f"/demo/as/{uid}").status_code == 303
    real = production(app, tmp_path)
    stranger = real.test_client()
    for path in (f"/demo/{secret}", "/mailbox", "/mailbox/1", "/test-gateway/x"):
        assert stranger.get(path, base_url="https://portal.example").status_code == 404
    with real.app_context():
        db.engine.dispose()


def production(app: Flask, home: Path) -> Flask:
    """The application in production, on the same database."""
    import sys

    from portal.app import create_app

    return create_app(
        sys.modules["portal_config"].read_settings(
            {
                "PORTAL_MODE": "production", "PORTAL_HOME": str(home), "PORTAL_SECRET_KEY": vault.token(),
                "PORTAL_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
                "PORTAL_PUBLIC_URL": "https://portal.example", "PORTAL_MAIL_URL": "smtps://mail.example",
            }
        )
    )  # fmt: skip
