"""What programs read and do beside nodes, keys and files: terms, use, CSV, the list of nodes, steps of staff, limits."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from portal.accounts import tokens
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.scopes import Scope
from portal.core.db import db, reading, transaction
from portal.services.licences import nodes
from portal.services.licences.kinds import Policy
from portal.services.licences.models.licence import Licence, LicenceState
from portal.services.licences.models.node import Node
from tests import licences as l
from tests.people import make_org, make_person

SCOPES = [Scope.LICENCES_READ, Scope.LICENCES_WRITE]


@pytest.fixture
def world(app: Flask) -> tuple[Flask, dict[str, str], str]:
    """A company with a licence and two nodes; tokens of its owner, another's, and two of staff."""
    with app.app_context():
        with transaction():
            chen = make_person("chen@galaxy.example", "Chen")
            galaxy = make_org("Galaxy", (chen, ContactRole.OWNER))
            rho = make_person("rho@rival.example", "Rho")
            make_org("Rival", (rho, ContactRole.OWNER))
            staff = [
                make_person(f"{name}@house.example", name, staff=(StaffRole.SUPPORT_AGENT,))
                for name in ("an", "bo")
            ]
            row, key = l.licence(2, org=galaxy)
            uid = row.uid
            made = {
                name: tokens.give(name, SCOPES, 30, by=one)[1]
                for name, one in (("chen", chen), ("rho", rho), ("an", staff[0]), ("bo", staff[1]))
            }
        for one in ("node-a", "node-b"):
            l.claim(key, one)
    return app, made, uid


def ask(world: tuple[Flask, dict[str, str], str], who: str, method: str, path: str, **more: Any) -> Any:
    app, made, uid = world
    headers = {"Authorization": f"Bearer {made[who]}", **more.pop("headers", {})}
    return app.test_client().open(f"/api/v1/licences/{uid}{path}", method=method, headers=headers, **more)


def test_terms_and_use_are_read_as_json_and_as_csv(world: Any) -> None:
    terms = ask(world, "chen", "GET", "/terms").get_json()
    assert [(one["kind"], one["nodes"]) for one in terms["items"]] == [("base", 2)]
    use = ask(world, "chen", "GET", "/usage?interval=hour&from=2020-01-01T00:00:00Z").get_json()
    assert use["items"][-1]["live"] == 2
    assert use["items"][-1]["limit"] == 2
    assert ask(world, "chen", "GET", "/usage?from=9999-12-31T00:00:00Z").get_json()["items"] == []
    assert ask(world, "chen", "GET", "/usage?from=2020-01-01T00:00:00").status_code == 422
    assert ask(world, "chen", "GET", "/usage?since=2020-01-01T00:00:00Z").status_code == 422
    assert ask(world, "chen", "GET", "/usage?interval=year").status_code == 422
    sheet = ask(world, "chen", "GET", "/nodes?limit=1", headers={"Accept": "text/csv"})
    assert sheet.mimetype == "text/csv"
    assert sheet.text.splitlines()[0].startswith("id,fingerprint,name")
    assert len(sheet.text.splitlines()) == 2
    assert 'rel="next"' in sheet.headers["Link"]
    onward = sheet.headers["Link"].split(world[2])[1].split(">")[0]
    rest = ask(world, "chen", "GET", onward, headers={"Accept": "text/csv"})
    assert "node-a" in rest.text
    assert "Link" not in rest.headers
    for path in ("/terms", "/usage", "/events", "/files", "/named", ""):
        mine = ask(world, "chen", "GET", path, headers={"Accept": "text/csv"})
        assert mine.status_code == 200, path
        assert ask(world, "rho", "GET", path).status_code == 404, path


def test_a_name_that_is_a_formula_is_none_in_csv(world: Any) -> None:
    app = world[0]
    with app.app_context(), transaction():
        db.session.execute(update(Node).values(name="=1+1"))
    assert "'=1+1" in ask(world, "chen", "GET", "/nodes", headers={"Accept": "text/csv"}).text


def test_the_list_of_named_nodes_is_kept_by_program(world: Any) -> None:
    app = world[0]
    assert ask(world, "chen", "PUT", "/named/node-c").status_code == 409
    with app.app_context(), transaction():
        db.session.execute(update(Licence).values(policy=Policy.NODE_NAMED))
    headers = {"Idempotency-Key": "one"}
    assert ask(world, "chen", "PUT", "/named/node-c", headers=headers).status_code == 204
    again = ask(world, "chen", "PUT", "/named/node-c", headers=headers)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (204, "true")
    assert [one["fingerprint"] for one in ask(world, "chen", "GET", "/named").get_json()["items"]] == [
        "node-c"
    ]
    assert ask(world, "rho", "PUT", "/named/node-c").status_code == 404
    assert ask(world, "chen", "DELETE", "/named/node-c").status_code == 204
    assert ask(world, "chen", "DELETE", "/named/node-c").status_code == 204
    assert ask(world, "chen", "GET", "/named").get_json()["items"] == []


def test_a_key_ends_on_a_day_and_belongs_to_the_customer_alone(world: Any) -> None:
    made = ask(world, "chen", "POST", "/keys", json={"label": "next"})
    assert made.status_code == 201
    key = made.get_json()["id"]
    late = ask(world, "chen", "DELETE", f"/keys/{key}?at=2099-01-01T00:00:00Z").get_json()
    assert late["ends_at"] == "2099-01-01T00:00:00Z"
    assert ask(world, "an", "POST", "/keys", json={"label": "staff"}).status_code == 403
    assert ask(world, "an", "DELETE", f"/keys/{key}").status_code == 403


def test_two_of_staff_revoke_and_hold_for_their_office(world: Any) -> None:
    app = world[0]
    words = {"words_en": "x", "words_zh": "x"}
    assert ask(world, "an", "POST", "/holds", json={"reason": "payment", **words}).status_code == 403
    assert ask(world, "an", "POST", "/holds", json={"reason": "abuse", **words}).status_code == 201
    assert ask(world, "chen", "POST", "/revocation", json={"reason": "x"}).status_code == 403
    asked = ask(world, "an", "POST", "/revocation", json={"reason": "It is public"})
    assert asked.status_code == 201
    path = f"/proposals/{asked.get_json()['id']}/decision"
    assert ask(world, "an", "POST", path, json={"confirmed": True}).status_code == 403
    assert ask(world, "rho", "POST", path, json={"confirmed": True}).status_code == 404
    done = ask(world, "bo", "POST", path, json={"confirmed": True})
    assert done.get_json()["state"] == "confirmed"
    with app.app_context(), reading():
        assert db.session.query(Licence).one().state is LicenceState.REVOKED


def test_a_blocked_node_is_let_in_again_and_a_file_is_taken_back(world: Any) -> None:
    from portal.core import signing
    from portal.core.signing import KeyUse

    app = world[0]
    with app.app_context(), transaction():
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        row = db.session.query(Licence).one()
        nodes.block(row, "node-a", reason="x", by="test")
    node = next(
        one["id"]
        for one in ask(world, "chen", "GET", "/nodes").get_json()["items"]
        if one["fingerprint"] == "node-a"
    )
    assert ask(world, "chen", "POST", f"/nodes/{node}/unblock").status_code == 200
    file = ask(world, "chen", "POST", "/files", json={"fingerprints": ["node-a"], "days": 3}).get_json()["id"]
    assert ask(world, "chen", "POST", f"/files/{file}/return", json={"reason": "gone"}).status_code == 403
    assert ask(world, "an", "POST", f"/files/{file}/return", json={"reason": "gone"}).get_json()[
        "returned_at"
    ]
    assert ask(world, "an", "POST", f"/files/{file}/return", json={"reason": "gone"}).status_code == 409


def test_more_nodes_are_quoted_only_where_a_paid_year_runs(world: Any) -> None:
    refused = ask(world, "chen", "POST", "/changes", json={"nodes": 5})
    assert refused.status_code in (409, 422), refused.text
    assert ask(world, "rho", "POST", "/changes", json={"nodes": 5}).status_code == 404
    assert ask(world, "chen", "POST", "/changes/lq_01M8D7VA3VGKN52DFP1PM9CZME/acceptance").status_code == 404


def test_a_token_may_ask_so_often_a_minute(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []

    def hit(_self: Any, item: Any, *names: str, **_more: Any) -> bool:
        counted.append(f"{names[0]} {item}")
        return names[0] != "licence-token"

    app = world[0]
    gate = app.extensions["portal_limiter"]
    monkeypatch.setattr(type(gate.limiter), "hit", hit)
    monkeypatch.setattr(gate, "enabled", True)
    answer = ask(world, "chen", "GET", "/terms")
    assert (answer.status_code, answer.get_json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert int(answer.headers["Retry-After"]) > 0
    assert "licence-token 120 per 1 minute" in counted
