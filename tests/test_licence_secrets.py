"""A key of a licence is in no table, log, mail, event, file or address; limits of requests hold, and a clock is not believed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text

from portal.accounts.may import ContactRole
from portal.core import clock, outbox, signing
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences import keyring, keys, quick
from portal.services.licences.models.licence import LicenceKey
from portal.services.licences.models.record import LicenceEvent, LicenceRefusal
from portal.services.licences.verify import verify_licences
from tests.conftest import build
from tests.licences import claim, licence
from tests.people import make_org, make_person
from tests.test_licence_api import API, Tool

NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def keyed(app: Flask) -> Iterator[tuple[Flask, str, str]]:
    """A licence of two nodes with two keys, whose owner has a mail address; the second key has ended."""
    with app.app_context():
        with transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
            org = make_org("Galaxy Ltd", (make_person("own@galaxy.example", "Own"), ContactRole.OWNER))
            row, key = licence(2, org=org)
            ended, gone = keyring.make(row.id, label="old", by="test")
        with transaction():
            keyring.end(ended, by="test")
    yield app, key, gone
    with app.app_context(), reading():
        assert verify_licences()[1] == []


def spellings(secret: str) -> list[str]:
    """Return a key as it is typed, without hyphens, without its brand, and in small letters."""
    bare = secret.partition("-")[2]
    return [found for one in (secret, bare, bare.replace("-", "")) for found in (one, one.lower())]


def traces(app: Flask, home: Path, said: str, secrets: list[str]) -> list[str]:
    """Return where a key stands: tables, what was printed, files of the installation."""
    wanted = [one for secret in secrets for one in spellings(secret)]
    found = ["printed" for one in wanted if one in said]
    with app.app_context(), reading():
        for table in inspect(db.engine).get_table_names():
            rows = str([tuple(row) for row in db.session.execute(text(f'SELECT * FROM "{table}"'))])
            found += [table for one in wanted if one in rows]
    for file in home.rglob("*"):
        if file.is_file() and file.stat().st_size < 50_000_000:
            body = file.read_bytes()
            found += [str(file) for one in wanted if one.encode() in body]
    return found


def test_a_key_is_found_nowhere_whatever_was_done_with_it(
    keyed: tuple[Flask, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 18: good, ended, mistyped, in an address, in a body, and while the portal breaks."""
    app, key, gone = keyed
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    heard = io.StringIO()
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    with redirect_stdout(heard), redirect_stderr(heard):
        for secret in (key, gone, wrong, key.lower().replace("-", " ")):
            tool = Tool(app, secret)
            tool.validate(fingerprint="node-1")
            tool.put("node-1", run="r", name="gpu")
            tool.put("node-2")
            tool.put("node-3")
            tool.get("current")
        tool = Tool(app, key)
        assert [tool.get(f"current?key={key}").status_code, tool.drop(query=f"?run={key}").status_code] == [
            400,
            400,
        ]
        assert tool.put(key).status_code == 400
        for method, path in (
            ("GET", f"{API}/{key}"),
            ("GET", f"{API}/{key}/nodes"),
            ("PUT", f"{API}/nodes/{key}"),
            ("GET", f"/{key}"),
        ):
            assert tool.client.open(path, method=method).status_code in (400, 401, 404), path
        assert tool.put("node-1", key=key).status_code == 422
        assert tool.validate(fingerprint="node-1", nonce=key, licence_key=key).status_code == 422
        with monkeypatch.context() as broken:
            broken.setattr(quick, "_rows", lambda *_words: 1 / 0)
            assert tool.validate(fingerprint="node-1").status_code == 500
            assert tool.put("node-1").status_code == 500
        with app.app_context():
            outbox.drain()
    said = heard.getvalue()
    assert '"event": "refused"' in said or "event='refused'" in said
    assert traces(app, tmp_path, said, [key, gone, wrong]) == []
    with app.app_context(), reading():
        stored = set(db.session.scalars(select(LicenceKey.key_hash)))
        bodies = [keys.read(one) for one in (key, gone)]
        assert stored == {keys.digest(one) for one in bodies if one is not None}
        assert all(len(one.hint) == 5 for one in db.session.scalars(select(LicenceKey)))
        events = json.dumps(list(db.session.scalars(select(LicenceEvent.detail).order_by(LicenceEvent.id))))
        assert "key_hash" not in events


def test_limits_of_requests_hold_for_each_key_or_licence_and_let_a_cluster_boot(
    sqlite_template: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copy(sqlite_template, tmp_path / "portal.sqlite3")
    limits = "licence-validate=5/10 seconds, licence-claim=4/20 seconds, licence-unknown=3/minute"
    app = build(tmp_path, f"sqlite:///{tmp_path / 'portal.sqlite3'}", PORTAL_LIMITS=limits)
    with app.app_context(), transaction():
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        row, one = licence(9)
        second, other = (
            keyring.make(row.id, label="lab", by="test")[1],
            licence(9, org=make_org("Other Ltd"))[1],
        )
    tool = Tool(app, one)
    assert [tool.validate(fingerprint="n-1").status_code for _ in range(7)] == [200] * 5 + [429] * 2
    assert tool.validate(fingerprint="n-1").headers["Retry-After"].isdigit()
    assert [tool.put(f"n-{n}").status_code for n in range(6)] == [201] * 4 + [429] * 2
    told = tool.put("n-5").get_json(force=True)
    assert told["code"] == "TOO_MANY_REQUESTS"
    assert Tool(app, second).validate(fingerprint="n-1").status_code == 200
    assert Tool(app, second).put("n-1").status_code == 429  # all keys of a licence claim its seats
    assert Tool(app, other).validate(fingerprint="n-1").status_code == 200
    assert Tool(app, other).put("n-1").status_code == 201
    guess = Tool(app, "FLAG-00000-00000-00000-00000-00000")
    codes = [guess.validate(fingerprint="n-1").status_code for _ in range(2)] + [
        guess.put("n-1").status_code for _ in range(2)
    ]
    assert codes == [200, 200, 401, 429]
    with app.app_context():
        db.engine.dispose()


def test_refused_claims_are_counted_and_write_nothing_else(app: Flask) -> None:
    with app.app_context(), clock.stopped_at(NOW):
        with transaction():
            key = licence(1)[1]
        claim(key, "node-1")
        tool = Tool(app, key)
        assert [tool.put("node-2").status_code for _ in range(5)] == [409] * 5
        with reading():
            counted = db.session.execute(select(LicenceRefusal.code, LicenceRefusal.count)).all()
            assert [tuple(one) for one in counted] == [("NODE_LIMIT_REACHED", 5)]


def test_a_clock_set_back_gives_no_lease_twice_and_takes_none(app: Flask) -> None:
    """Another host of ours whose clock is behind by hours neither shortens a lease nor gives a seat on."""
    with app.app_context():
        with clock.stopped_at(NOW):
            with transaction():
                key = licence(1)[1]
            until = claim(key, "node-1").lease_until
        with clock.stopped_at(NOW - timedelta(hours=5)):
            assert claim(key, "node-1").lease_until == until
            assert Tool(app, key).put("node-2").status_code == 409
        with clock.stopped_at(NOW):
            assert not claim(key, "node-1").new
        with reading():
            assert verify_licences()[1] == []


def test_a_fingerprint_that_changes_at_each_start_meets_the_limit_and_then_the_fuse(app: Flask) -> None:
    with app.app_context(), clock.stopped_at(NOW):
        with transaction():
            key = licence(2)[1]
        tool = Tool(app, key)
        codes = []
        for n in range(30):
            codes.append(tool.put(f"pod-{n:03d}").status_code)
            if codes[-1] == 201:
                assert tool.drop(f"pod-{n:03d}").status_code == 204
                assert tool.drop(f"pod-{n:03d}").status_code == 204  # released twice
        assert codes == [201] * 20 + [429] * 10
        told = tool.put("pod-031")
        assert told.get_json(force=True)["code"] == "TOO_MANY_NEW_NODES"
        assert int(told.headers["Retry-After"]) == 14 * 3600
        assert tool.put("pod-003").status_code == 201
