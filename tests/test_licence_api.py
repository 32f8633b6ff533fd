"""The door of nodes: every answer by its status and code, keys in headers alone, one statement per validation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from portal.core import clock, signing
from portal.core import db as core_db
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences import keyring, life, proofs, quick
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.verify import verify_licences
from tests.licences import licence

NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
API = "/api/v1/licences"
FP = "k8s:prod-1.gpu-017"


class Tool:
    """A program with a licence key."""

    def __init__(self, app: Flask, key: str | None, language: str = "en") -> None:
        self.client, self.headers = app.test_client(), {"Accept-Language": language}
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def validate(self, **asked: str) -> TestResponse:
        return self.client.post(f"{API}/validate", json=asked, headers=self.headers)

    def put(self, fingerprint: str = FP, **said: str) -> TestResponse:
        return self.client.put(f"{API}/nodes/{fingerprint}", json=said, headers=self.headers)

    def drop(self, fingerprint: str = FP, query: str = "") -> TestResponse:
        return self.client.delete(f"{API}/nodes/{fingerprint}{query}", headers=self.headers)

    def get(self, path: str) -> TestResponse:
        return self.client.get(f"{API}/{path}", headers=self.headers)


def body(answer: TestResponse) -> Any:
    return answer.get_json(force=True)


@pytest.fixture
def held(app: Flask) -> Iterator[tuple[Flask, str]]:
    """A licence of two nodes and its key, at a stopped clock."""
    with clock.stopped_at(NOW):
        with app.app_context(), transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
            key = licence(2)[1]
        yield app, key
    with app.app_context(), reading():
        assert verify_licences()[1] == []


def test_a_node_validates_claims_renews_and_goes(held: tuple[Flask, str]) -> None:
    app, key = held
    tool = Tool(app, key)
    first = tool.validate(fingerprint=FP, tool="flagscale", feature="cluster-view", nonce="8d1f")
    assert first.status_code == 200
    told = body(first)
    assert (told["valid"], told["code"], told["nonce"]) == (False, "NODE_UNKNOWN", "8d1f")
    assert told["licence"] | {"id": ""} == {
        "id": "", "stage": "in_force", "ends_at": "2028-02-29T02:00:00Z", "limit": 2, "live": 0,
    }  # fmt: skip
    seat = tool.put(run="r1", name="gpu-017", machine="sha256:41aa", platform="linux/arm64", tool="flagscale")
    assert seat.status_code == 201, seat.text
    assert body(seat)["lease_until"] == "2027-03-01T03:00:00Z"
    assert body(seat)["renew_after_s"] == 1200
    claims = proofs.verify(
        body(seat)["proof"], body(tool.get("jwks.json")), issuer="http://127.0.0.1:8000", tool="flagscale", node=FP,
        now=NOW.timestamp() + 3599,
    )  # fmt: skip
    assert (claims["kind"], claims["licence"]["limit"]) == ("lease", 2)
    again = tool.put(run="r1")
    assert (again.status_code, body(again)["code"]) == (200, "VALID")
    assert body(tool.validate(fingerprint=FP))["code"] == "VALID"
    assert body(tool.validate(fingerprint=FP, tool="other"))["code"] == "TOOL_NOT_ENTITLED"
    assert [tool.drop(query="?run=r1").status_code for _ in range(2)] == [204, 204]
    assert body(tool.get("current")) | {"id": "", "terms": []} == {
        "id": "", "plan": "flagscale-node", "policy": "floating", "tools": ["flagscale"], "code": "VALID", "stage": "in_force",
        "ends_at": "2028-02-29T02:00:00Z", "limit": 2, "live": 0, "terms": [],
    }  # fmt: skip


def test_refusals_are_problems_with_codes_in_the_callers_language(held: tuple[Flask, str]) -> None:
    app, key = held
    tool = Tool(app, key, "zh-CN")
    for n in (1, 2):
        tool.put(f"node-{n}")
    full = tool.put("node-3")
    assert (full.status_code, full.content_type) == (409, "application/problem+json")
    told = body(full)
    assert (told["code"], told["limit"], told["live"]) == ("NODE_LIMIT_REACHED", 2, 2)
    assert told["next_free_at"] == "2027-03-01T03:01:00Z"
    assert told["detail"] == "已有 2 个节点在用，上限 2 个。"
    assert told["type"].endswith("/problems/node-limit-reached")
    assert body(tool.put("-bad")) | {"instance": "", "type": ""} == {
        "type": "", "title": told_title(app, "FINGERPRINT_INVALID"), "status": 422, "detail": told_title(app, "FINGERPRINT_INVALID"),
        "code": "FINGERPRINT_INVALID", "instance": "",
    }  # fmt: skip
    assert tool.client.put(f"{API}/nodes/{FP}", json={"run": 5}, headers=tool.headers).status_code == 422
    assert (
        tool.client.put(f"{API}/nodes/{FP}", json={"state": "live"}, headers=tool.headers).status_code == 422
    )


def told_title(app: Flask, code: str) -> str:
    found = body(app.test_client().get(f"{API}/codes"))["items"]
    return next(str(one["words"]["zh"]) for one in found if one["code"] == code)


def test_unknown_ended_and_mistyped_keys_are_answered_alike(held: tuple[Flask, str]) -> None:
    app, key = held
    with app.app_context():
        with transaction():
            row = db.session.query(LicenceKey).one()
            ended, secret = keyring.make(row.licence_id, label="old", by="test")
        with transaction():
            keyring.end(ended, by="test")
    answers = [Tool(app, one).put() for one in (secret, "FLAG-00000-00000-00000-00000-00000", "nonsense")]
    assert {one.status_code for one in answers} == {401}
    assert len({one.data for one in answers}) == 1
    seen = [body(Tool(app, one).validate(fingerprint=FP)) for one in (secret, "nonsense")]
    assert seen[0] == seen[1]
    assert (seen[0]["code"], seen[0]["licence"]) == ("KEY_UNKNOWN", None)
    assert Tool(app, None).validate().status_code == 401
    assert Tool(app, key).drop(query=f"?run={key}").status_code == 400
    assert Tool(app, key).put(key).status_code == 400


def test_a_suspended_licence_says_why_and_takes_no_claim(held: tuple[Flask, str]) -> None:
    app, key = held
    tool = Tool(app, key)
    with app.app_context(), transaction():
        row = db.session.query(LicenceKey).one()
        life.suspend(
            row.licence_id, HoldReason.PAYMENT, words=("a", "b"), source="x", by="test", notice=timedelta()
        )
    told = body(tool.validate(fingerprint=FP))
    assert (told["code"], told["reason"]) == ("SUSPENDED", "payment")
    refused = tool.put()
    assert (refused.status_code, body(refused)["reason"]) == (403, "payment")
    assert tool.drop().status_code == 204


def test_few_unknown_keys_are_tried_from_one_address(held: tuple[Flask, str]) -> None:
    app, _key = held
    tool = Tool(app, "nonsense")
    codes = [tool.put().status_code for _ in range(21)]
    assert codes == [401] * 20 + [429]
    assert tool.put().headers["Retry-After"]


def test_one_statement_per_validation_and_none_of_them_writes(
    held: tuple[Flask, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, key = held
    tool = Tool(app, key)
    tool.put()
    looked, asked = quick._rows, list[str]()

    def rows(*words: Any) -> Any:
        asked.append("looked")
        return looked(*words)

    monkeypatch.setattr(quick, "_rows", rows)

    def before(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", before)
    wanted = [
        ({"fingerprint": FP, "tool": "flagscale"}, "VALID"), ({"fingerprint": "other-node"}, "NODE_UNKNOWN"),
        ({}, "NODE_REQUIRED"), ({"fingerprint": FP, "tool": "none"}, "TOOL_NOT_ENTITLED"),
        ({"fingerprint": FP, "tool": "flagscale", "feature": "none"}, "FEATURE_NOT_ENTITLED"),
    ]  # fmt: skip
    try:
        assert [body(tool.validate(**words))["code"] for words, _code in wanted] == [
            code for _words, code in wanted
        ]
        assert body(Tool(app, "FLAG-00000-00000-00000-00000-00000").validate())["code"] == "KEY_UNKNOWN"
    finally:
        event.remove(engine, "before_cursor_execute", before)
    assert asked == ["looked"] * 6
    with app.app_context():
        raw = quick._kept().raw
        with pytest.raises(Exception, match=r"readonly|read-only"):
            raw.execute("UPDATE licence SET rev = 0")


def test_a_heartbeat_of_nothing_new_is_one_update_outside_any_session(
    held: tuple[Flask, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, key = held
    tool = Tool(app, key)
    first = body(tool.put(run="r1", machine="m1", name="alpha"))
    asked, wrote, written = list[str](), list[str](), core_db.write_one

    def write_one(raw: Any, statement: str, values: Any) -> Any:
        wrote.append(statement)
        return written(raw, statement, values)

    monkeypatch.setattr(quick, "write_one", write_one)

    def before(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
        quick.write("UPDATE licence_node SET name = name WHERE id = :id RETURNING id", {"id": 0})  # opens it
    wrote.clear()
    event.listen(engine, "before_cursor_execute", before)
    try:
        with clock.stopped_at(clock.now() + timedelta(minutes=10)):
            again = tool.put(run="r1", machine="m1", platform="linux")
            assert again.status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", before)
    assert (len(asked), len(wrote)) == (0, 1)
    later = body(again)
    assert later["lease_until"] > first["lease_until"]
    assert proofs.opened(later["proof"], body(Tool(app, None).get("jwks.json")))["nodes"] == [FP]
    with app.app_context():
        node = db.session.scalars(select(Node).where(Node.fingerprint == FP)).one()
        assert (node.name, node.platform, node.run) == ("alpha", "linux", "r1")


def test_a_heartbeat_whose_own_connection_is_lost_is_answered_in_a_session(
    held: tuple[Flask, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, key = held
    tool = Tool(app, key)
    first = body(tool.put())

    def gone(*_words: Any) -> Any:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(quick, "write_one", gone)
    with clock.stopped_at(clock.now() + timedelta(minutes=10)):
        again = tool.put()
    assert again.status_code == 200
    assert body(again)["lease_until"] > first["lease_until"]


def test_what_is_signed_for_the_public_is_there(held: tuple[Flask, str]) -> None:
    app, _key = held
    tool = Tool(app, None)
    keys = body(tool.get("jwks.json"))
    assert set(keys["keys"][0]) == {"kty", "crv", "kid", "use", "alg", "x"}
    assert proofs.opened(tool.get("keys.jws").text, keys, proofs.KEYS)["keys"] == keys["keys"]
    assert proofs.opened(tool.get("revocations").text, keys, proofs.REVOCATIONS)["files"] == []
    assert {one["code"] for one in body(tool.get("codes"))["items"]} >= {"VALID", "SEAT_BORROWED"}
