"""The outer shield: limits in memory and in a real Redis, what starts refuse, logs without secrets, light start-up."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Flask

from portal.core import logs
from portal.core.shield import QuietMemory
from tests.conftest import build
from tests.people import make_person, post
from tests.ports import free_port

SECRET = "Zr8-qk2Pw9_xv4Lm7tBn3Ys6Hd1Jf5Gc0Ra"
GOOD = {
    "PORTAL_MODE": "production", "PORTAL_SECRET_KEY": SECRET, "PORTAL_PUBLIC_URL": "https://portal.example",
    "PORTAL_MAIL_URL": "smtps://mail.example", "PORTAL_HOME": "/nonexistent/portal",
}  # fmt: skip


def read(**more: str) -> Any:
    return sys.modules["portal_config"].read_settings({**GOOD, **more})


def refused(words: str, **more: str) -> bool:
    with pytest.raises(sys.modules["portal_config"].Misconfigured) as caught:
        read(**more)
    return words in str(caught.value)


def test_an_unsafe_start_in_production_is_refused_with_a_sentence(app: Flask) -> None:
    assert read().hosts == ("portal.example",)
    assert refused("PORTAL_SECRET_KEY must be at least 32", PORTAL_SECRET_KEY="")
    assert refused("PORTAL_SECRET_KEY must be at least 32", PORTAL_SECRET_KEY=SECRET[:31])
    assert refused("placeholder", PORTAL_SECRET_KEY="changeme-changeme-changeme-changeme")
    assert refused("placeholder", PORTAL_SECRET_KEY="0123" * 10)
    assert refused("FALLBACKS must be at least", PORTAL_SECRET_KEY_FALLBACKS="short")
    assert refused("must begin with https://", PORTAL_PUBLIC_URL="http://portal.example")
    assert refused("must name a mail server", PORTAL_MAIL_URL="")
    assert refused("FLASK_DEBUG must be off", FLASK_DEBUG="1")
    assert refused("testing mode", PORTAL_TESTING="1")
    assert refused("test gateway", STRIPE_SECRET_KEY="sk_test_x", STRIPE_WEBHOOK_SECRET="whsec_x")
    assert refused("test gateway", PORTAL_TEST_GATEWAY="1")
    assert refused("STRIPE_WEBHOOK_SECRET must be set", STRIPE_SECRET_KEY="sk_live_x")
    assert refused("PORTAL_LIMITS", PORTAL_LIMITS="nonsense")
    assert refused("PORTAL_MODE", PORTAL_MODE="prod")
    assert refused("postgresql+psycopg", PORTAL_DATABASE_URL="postgres://x")


def test_the_scanners_switch_is_for_tests_on_loopback_alone(app: Flask, tmp_path: Path) -> None:
    home = {"PORTAL_HOME": str(tmp_path)}
    module = sys.modules["portal_config"]
    for more in (
        {},
        {"PORTAL_TESTING": "1", "PORTAL_BIND": "0.0.0.0"},
        {"PORTAL_TESTING": "1", "PORTAL_PUBLIC_URL": "http://portal.example"},
    ):
        with pytest.raises(module.Misconfigured, match="tests on loopback alone"):
            module.read_settings({**home, "PORTAL_SHIELD": "off", **more})
    assert refused("tests on loopback alone", PORTAL_SHIELD="off", PORTAL_TESTING="1")
    made = build(tmp_path, app.config["SQLALCHEMY_DATABASE_URI"], PORTAL_SHIELD="off")
    assert made.test_client().post("/language", data={"language": "en"}).status_code == 303
    assert app.test_client().post("/language", data={"language": "en"}).status_code == 400


def test_production_does_not_serve_demo_data(app: Flask, tmp_path: Path) -> None:
    from portal.cli import refuse_demo
    from portal.core import flags
    from portal.core.db import db, transaction
    from portal.core.errors import Refused
    from tests.test_accounts_safety import production

    real = production(app, tmp_path)
    with real.app_context():
        refuse_demo()
    with app.app_context(), transaction():
        db.session.add(flags.Flag(name=flags.DEMO))
    with app.app_context():
        refuse_demo()
    with real.app_context():
        with pytest.raises(Refused, match="demo data"):
            refuse_demo()
        db.engine.dispose()
    ready = real.test_client().get("/readyz", base_url="https://portal.example")
    assert (ready.status_code, ready.text) == (503, "this database holds demo data\n")


def test_the_factory_is_light_and_starts_nothing(tmp_path: Path) -> None:
    code = """
import socket, sys, threading
def no_socket(*_a, **_k): raise AssertionError("a connection")
socket.socket.connect = no_socket
from portal import create_app
create_app()
heavy = {"weasyprint", "webauthn", "authlib", "sentry_sdk", "obstore", "stripe", "celery", "pyhanko", "pyld", "pikepdf",
         "uharfbuzz", "pypdf", "openpyxl", "redis", "playwright", "fontTools"}
print(sorted(heavy & set(sys.modules)), [t.name for t in threading.enumerate()])
"""
    env = {**os.environ, "PORTAL_HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] ['MainThread']"
    assert not (tmp_path / "portal.sqlite3").exists()


def entries(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def test_logs_are_json_with_who_asked_and_without_secrets(
    app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    from portal.core.db import transaction
    from tests.people import PASSWORD

    with app.app_context(), transaction():
        make_person("chen@chips.example")
    logs.configure(json=True)
    try:
        client = app.test_client()
        post(client, "/sign-in", "/sign-in", email="chen@chips.example", password="hunter-two-wrong-words")
        post(client, "/sign-in", "/sign-in", email="chen@chips.example", password=PASSWORD)
        client.get("/office/")
        client.post("/switch", data={})
        token = "tok_" + "a1B2" * 12
        structlog.get_logger("t").error(
            "odd\nline", password="hunter2", nested={"totp_code": "123456", "fine": "yes"}, path=f"/reset/{token}",
            url="smtps://user:hunter2@mail.example", key_used="sk_live_abc123", code="12345678", cookie="x", many=[token],
        )  # fmt: skip
        text = capsys.readouterr().out
    finally:
        logs.configure(json=False)
    lines = [json.loads(line) for line in text.splitlines()]
    for secret in ("hunter", PASSWORD, token, "sk_live_abc123", "123456"):
        assert secret not in text
    assert {"sign_in", "refused", "odd\nline"} <= {line["event"] for line in lines}
    refusal = next(line for line in lines if line["event"] == "refused")
    assert {"request_id", "address", "level", "timestamp", "status", "rule"} <= set(refusal)
    assert refusal["timestamp"].endswith("Z")
    assert next(line for line in lines if line["event"] == "odd\nline")["nested"]["fine"] == "yes"


def test_a_fault_is_logged_without_what_the_statement_carried(
    app: Flask, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.core.db import db

    def broken() -> str:
        db.session.execute(
            db.text("SELECT * FROM no_such_table WHERE a = :secret"), {"secret": "my-dear-secret"}
        )
        return ""

    broken.__dict__.update(app.view_functions["public.tiers"].__dict__)
    monkeypatch.setitem(app.view_functions, "public.tiers", broken)
    page = app.test_client().get("/tiers")
    text = capsys.readouterr().out
    assert page.status_code == 500
    assert "no_such_table" in text
    assert "my-dear-secret" not in text
    assert "no_such_table" not in page.text


def test_a_page_says_so_when_even_the_error_page_cannot_be_made(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_words: Any) -> str:
        raise OSError("the database is gone")

    client = app.test_client()
    broken.__dict__.update(app.view_functions["public.tiers"].__dict__)
    monkeypatch.setitem(app.view_functions, "public.tiers", broken)
    monkeypatch.setattr("portal.core.web.error_page", broken)
    page = client.get("/tiers")
    assert page.status_code == 500
    assert "Nothing was lost" in page.text
    assert "gone" not in page.text
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[tuple[str, Any]]:
    """A real Redis: the one given, or one started on a free loopback port; with a function that stops it."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given, None
        return
    port = free_port()
    found = shutil.which("redis-server")
    assert found is not None
    words = [found, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert time.monotonic() < end, "redis-server does not answer"
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0", server
    server.kill()
    server.wait()


def ask_reset(app: Flask, times: int) -> list[int]:
    """Post the form without its token: CSRF's refusals are counted, too."""
    client = app.test_client()
    return [client.post("/reset", data={"email": "a@b.example"}).status_code for _ in range(times)]


def test_limits_in_memory_count_what_csrf_refuses_and_say_when_to_come_again(
    app: Flask, tmp_path: Path
) -> None:
    made = build(tmp_path, app.config["SQLALCHEMY_DATABASE_URI"], PORTAL_LIMITS="reset=3/hour, search=2/hour")
    assert ask_reset(made, 4) == [400, 400, 400, 429]
    client = made.test_client()
    english = {"Accept-Language": "en"}
    assert [client.get("/members?q=a", headers=english).status_code for _ in range(3)] == [200, 200, 429]
    page = client.get("/members?q=a", headers=english)
    assert "Please wait a little" in page.text
    assert 0 < int(page.headers["Retry-After"]) <= 3600
    assert client.get("/members").status_code == 200
    elsewhere = client.get("/members?q=a", environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    assert elsewhere.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/sign-in", "sign-in"), ("POST", "/register", "register"), ("POST", "/reset", "reset"),
        ("GET", "/members?q=x", "search"), ("GET", "/invoices/abc/pdf", "paper"), ("GET", "/members.json", "export"),
        ("GET", "/members/landscape.yml", "export"), ("GET", "/membership/certificate", "paper"), ("GET", "/", ""),
    ],
)  # fmt: skip
def test_costly_things_have_a_limit(app: Flask, method: str, path: str, kind: str) -> None:
    from portal.core.shield import kind_of_request

    with app.test_request_context(path, method=method):
        assert kind_of_request() == kind


def test_counting_starts_no_thread_and_what_is_over_is_swept_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuietMemory, "EVERY", 0.0)
    before = threading.active_count()
    kept = QuietMemory()
    assert kept.incr("a", expiry=-1) == 1
    assert [kept.incr("b", expiry=60) for _n in range(3)] == [1, 2, 3]
    assert kept.acquire_entry("c", limit=2, expiry=60)
    assert (threading.active_count(), set(kept.storage), set(kept.events)) == (before, {"b"}, {"c"})


def test_limits_in_redis_count_across_instances_and_pages_answer_when_it_dies(
    app: Flask, tmp_path: Path, redis_server: tuple[str, Any]
) -> None:
    url, server = redis_server
    import redis

    redis.from_url(url).flushdb()
    where = app.config["SQLALCHEMY_DATABASE_URI"]
    one, two = (build(tmp_path, where, PORTAL_REDIS_URL=url, PORTAL_LIMITS="reset=4/hour") for _ in range(2))
    assert ask_reset(one, 2) + ask_reset(two, 2) == [400] * 4
    assert ask_reset(one, 1) + ask_reset(two, 1) == [429, 429]
    if server is not None and where.startswith("postgresql"):  # the last one to need it
        server.kill()
        server.wait()
        assert ask_reset(one, 1) == [400]
        assert one.test_client().get("/members?q=a").status_code == 200
        assert ask_reset(two, 5) == [400] * 4 + [429]
