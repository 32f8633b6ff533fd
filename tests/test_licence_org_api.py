"""The organisation's operations: keys shown once, nodes, files, holds by staff; foreign rows look missing."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, text
from werkzeug.test import TestResponse

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.scopes import Scope
from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.signing import KeyUse
from portal.services.licences import proofs
from portal.services.licences.verify import verify_licences
from tests.licences import licence
from tests.people import make_org, make_person
from tests.test_api import Program, give
from tests.test_licence_api import Tool

NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
BOTH = (Scope.LICENCES_READ, Scope.LICENCES_WRITE)


def body(answer: TestResponse) -> Any:
    return answer.get_json()


@pytest.fixture
def house(app: Flask) -> Iterator[tuple[Flask, str, str]]:
    """Galaxy with an owner, a technical and a billing contact and a licence; Li of another company; Fang of finance."""
    with clock.stopped_at(NOW):
        with app.app_context(), transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
            people = {
                name: make_person(f"{name}@galaxy.example", name.title())
                for name in ("owner", "tech", "bill")
            }
            roles = (ContactRole.OWNER, ContactRole.TECHNICAL, ContactRole.BILLING)
            galaxy = make_org("Galaxy Ltd", *zip(people.values(), roles, strict=True))
            make_org("Other Ltd", (make_person("li@other.example", "Li"), ContactRole.OWNER))
            make_person("fang@house.example", "Fang", staff=(StaffRole.FINANCE, StaffRole.SUPPORT_AGENT))
            row, key = licence(3, org=galaxy)
            uid = row.uid
        yield app, uid, key
    with app.app_context(), reading():
        assert verify_licences()[1] == []


def program(app: Flask, name: str, *scopes: Scope) -> Program:
    mail = {"li": "li@other.example", "fang": "fang@house.example"}.get(name, f"{name}@galaxy.example")
    return Program(app, give(app, mail, *(scopes or BOTH)))


def test_a_technical_contact_makes_a_key_that_nothing_keeps(house: tuple[Flask, str, str]) -> None:
    app, uid, _key = house
    tech = program(app, "tech")
    listed = body(tech.get("/licences"))["items"]
    assert [(one["id"], one["stage"], one["limit"], one["code"]) for one in listed] == [
        (uid, "in_force", 3, "VALID")
    ]
    made = tech.send("POST", f"/licences/{uid}/keys", {"label": "edge", "most_nodes": 1})
    assert made.status_code == 201, made.text
    secret = body(made)["key"]
    assert Tool(app, secret).put().status_code == 201
    assert _kept_anywhere(app, secret) == []
    ended = [tech.send("DELETE", f"/licences/{uid}/keys/{body(made)['id']}", None) for _ in range(2)]
    assert [one.status_code for one in ended] == [200, 200], ended[0].text
    assert body(ended[0])["key"] is None
    assert Tool(app, secret).put().status_code == 401


def _kept_anywhere(app: Flask, secret: str) -> list[str]:
    """Return the tables in which a key stands, with or without its hyphens."""
    bare, found = secret.replace("-", "")[4:], []
    with app.app_context(), reading():
        for table in inspect(db.engine).get_table_names():
            for row in db.session.execute(text(f'SELECT * FROM "{table}"')):
                said = str(tuple(row))
                found += [table] if secret in said or bare in said else []
    return found


def test_nodes_are_released_moved_blocked_and_kept_once_per_key_of_the_request(
    house: tuple[Flask, str, str],
) -> None:
    app, uid, key = house
    for n in (1, 2, 3):
        Tool(app, key).put(f"node-{n}")
    owner = program(app, "owner")
    nodes = {
        one["fingerprint"]: one["id"] for one in body(owner.get(f"/licences/{uid}/nodes?state=live"))["items"]
    }
    place = f"/licences/{uid}/nodes"
    moved = [
        owner.send("POST", f"{place}/{nodes['node-1']}/move", {"fingerprint": "node-9"}, key="one")
        for _ in range(2)
    ]
    assert [one.status_code for one in moved] == [201, 201], moved[0].text
    assert body(moved[0]) == body(moved[1])
    assert moved[1].headers["Idempotency-Replayed"] == "true"
    other = owner.send("POST", f"{place}/{nodes['node-1']}/move", {"fingerprint": "node-8"}, key="one")
    assert other.status_code == 422
    released = owner.send("POST", f"{place}/{nodes['node-2']}/release", {})
    assert (released.status_code, body(released)["state"]) == (200, "released")
    assert Tool(app, key).put("node-2").status_code == 409
    blocked = owner.send("POST", f"{place}/{nodes['node-3']}/block", {"reason": "stolen"})
    assert blocked.status_code == 200
    assert Tool(app, key).put("node-3").status_code == 403
    assert (
        owner.send("POST", f"{place}/{body(moved[0])['id']}/keep", {"kept": True}).get_json()["kept"] is True
    )
    kinds = [one["type"] for one in body(owner.get(f"/licences/{uid}/events"))["items"]]
    assert kinds[:3] == ["node.released", "node.blocked", "node.released"]
    live = body(owner.get(f"{place}?state=live"))["items"]
    assert [one["fingerprint"] for one in live] == ["node-9"]


def test_a_file_is_signed_fetched_and_holds_its_seats(house: tuple[Flask, str, str]) -> None:
    app, uid, key = house
    owner = program(app, "owner")
    asked = {"fingerprints": ["node-1", "node-2"], "days": 30}
    made = [owner.send("POST", f"/licences/{uid}/files", asked, key="file") for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201], made[0].text
    assert len(body(owner.get(f"/licences/{uid}/files"))["items"]) == 1
    fetched = owner.get(f"/licences/{uid}/files/{body(made[0])['id']}")
    assert (fetched.content_type, fetched.headers["Content-Disposition"][-5:]) == ("application/jwt", '.lic"')
    keys = body(Tool(app, None).get("jwks.json"))
    claims = proofs.verify(
        fetched.text, keys, issuer="http://127.0.0.1:8000", tool="flagscale", node="node-2", now=NOW.timestamp()
    )  # fmt: skip
    assert claims["jti"] == body(made[0])["id"]
    held = Tool(app, key).drop("node-1")
    assert (held.status_code, body(held)["code"], body(held)["until"]) == (
        409,
        "SEAT_BORROWED",
        "2027-03-31T02:00:00Z",
    )
    long = owner.send("POST", f"/licences/{uid}/files", {**asked, "days": 36})
    assert (long.status_code, body(long)["code"]) == (422, "DAYS_TOO_LONG")


def test_staff_suspend_and_lift_and_nobody_else_does(house: tuple[Flask, str, str]) -> None:
    app, uid, key = house
    wanted = {"reason": "abuse", "words_en": "Resold", "words_zh": "转售"}
    assert program(app, "owner").send("POST", f"/licences/{uid}/holds", wanted).status_code == 403
    fang = program(app, "fang")
    hold = fang.send("POST", f"/licences/{uid}/holds", wanted)
    assert hold.status_code == 201, hold.text
    assert Tool(app, key).put().status_code == 403
    lifted = fang.send("DELETE", f"/licences/{uid}/holds/{body(hold)['id']}", None)
    assert lifted.status_code == 200
    assert Tool(app, key).put().status_code == 201


def test_what_is_anothers_looks_missing_and_what_is_not_ones_own_to_do_is_refused(
    house: tuple[Flask, str, str],
) -> None:
    app, uid, key = house
    Tool(app, key).put("node-1")
    owner, li = program(app, "owner"), program(app, "li")
    node = body(owner.get(f"/licences/{uid}/nodes"))["items"][0]["id"]
    nobody = uid[:-1] + ("0" if uid[-1] != "0" else "1")
    reads = ("", "/nodes", "/events", "/files")
    for path in reads:
        foreign, none = li.get(f"/licences/{uid}{path}"), li.get(f"/licences/{nobody}{path}")
        assert (foreign.status_code, none.status_code) == (404, 404)
        assert {**body(foreign), "reference": ""} == {**body(none), "reference": ""}
    writes: list[tuple[str, str, Any]] = [
        ("PATCH", "", {"name": "mine"}), ("POST", "/keys", {"label": "x"}), ("POST", f"/nodes/{node}/release", {}),
        ("POST", f"/nodes/{node}/block", {"reason": "x"}), ("POST", "/files", {"fingerprints": ["node-1"], "days": 3}),
    ]  # fmt: skip
    with app.app_context(), reading():
        before = db.session.execute(text("SELECT rev, sequence, live_nodes FROM licence")).all()
    for method, path, sent in writes:
        assert li.send(method, f"/licences/{uid}{path}", sent).status_code == 404, path
        assert program(app, "bill").send(method, f"/licences/{uid}{path}", sent).status_code == 403, path
        assert (
            program(app, "owner", Scope.LICENCES_READ)
            .send(method, f"/licences/{uid}{path}", sent)
            .status_code
            == 403
        )
    with app.app_context(), reading():
        assert db.session.execute(text("SELECT rev, sequence, live_nodes FROM licence")).all() == before
    assert body(li.get("/licences"))["items"] == []
    named = owner.send("PATCH", f"/licences/{uid}", {"name": "Cluster", "lease_seconds": 600})
    assert (named.status_code, body(named)["name"], body(named)["lease_seconds"]) == (200, "Cluster", 600)
    assert owner.send("PATCH", f"/licences/{uid}", {"lease_seconds": 90_000}).status_code == 422


def test_one_key_of_a_request_sent_at_once_by_many_makes_one_change(house: tuple[Flask, str, str]) -> None:
    """Invariant 19 under a race: each is told the same, or to wait for the first; one file is signed, one seat is held."""
    app, uid, _key = house
    owner = program(app, "owner")
    asked = {"fingerprints": ["node-1"], "days": 3}
    answers: list[TestResponse] = []

    def send() -> None:
        answers.append(owner.send("POST", f"/licences/{uid}/files", asked, key="at-once"))

    crew = [
        threading.Thread(target=contextvars.copy_context().run, args=(send,)) for _ in range(6)
    ]  # at our clock
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    assert {one.status_code for one in answers} <= {201, 409}
    good = [body(one) for one in answers if one.status_code == 201]
    assert good
    assert all(one == good[0] for one in good)
    again = owner.send("POST", f"/licences/{uid}/files", asked, key="at-once")
    assert (again.status_code, body(again)) == (201, good[0])
    assert [one["id"] for one in body(owner.get(f"/licences/{uid}/files"))["items"]] == [good[0]["id"]]
    assert [one["fingerprint"] for one in body(owner.get(f"/licences/{uid}/nodes"))["items"]] == ["node-1"]
