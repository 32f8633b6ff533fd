"""Signed proofs: leases end, files hold their seats, keys turn; what strangers verify is in `test_licence_strangers.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.may import StaffRole
from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.signing import KeyUse
from portal.services.licences import files, life, nodes, proofs, proving
from portal.services.licences.denial import Denied
from portal.services.licences.kinds import ClosedWhy, HoldReason
from portal.services.licences.models.licence import LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceFile
from portal.services.licences.verify import verify_licences
from tests import strangers
from tests.licence_forgeries import case
from tests.licences import claim, code_of, goodbye, licence
from tests.nursery import command
from tests.people import make_person
from tests.strangers import by_python
from tests.test_processes import environment

NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        with clock.stopped_at(NOW - 10 * DAY), transaction():
            signing.create(KeyUse.LICENCE, by="One", second="Other")
        yield app
        with reading():
            assert verify_licences()[1] == []


def issued(row: Any, *named: str, days: int = 30) -> LicenceFile:
    with transaction():
        return files.issue(row.id, named, days, by="test")


def public() -> dict[str, Any]:
    with reading():
        found = proving.public_set()
    assert all(set(one) == {"kty", "crv", "kid", "use", "alg", "x"} for one in found["keys"])
    return found


def holds(token: str, node: str, at: datetime) -> bool:
    """Whether a stranger lets a node run, by the set published now."""
    one = case(token, "", now=int(at.timestamp()), ask=("http://127.0.0.1:8000", "flagscale", node))
    return by_python(one, public(), strangers.module().verify)


def test_a_lease_is_proved_until_it_ends_and_no_longer_than_grace(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            key = licence(2, days=0.02)[1]
        seated = claim(key, "node-1")
        token = proving.lease(seated)
    assert token is not None
    assert seated.lease_until == NOW + HOUR
    assert [holds(token, "node-1", NOW + HOUR - timedelta(seconds=n)) for n in (1, 0)] == [True, False]
    assert not holds(token, "node-2", NOW)


def test_a_file_holds_its_seats_whatever_happens_until_it_ends(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            row, key = licence(2)
        claim(key, "node-1")
        file = issued(row, "node-1", "node-2")
        assert file.expires_at == NOW + 30 * DAY
        assert holds(file.token, "node-2", NOW + 30 * DAY - timedelta(seconds=1))
        for gone in ("node-1", "node-2"):
            with pytest.raises(Denied) as caught:
                goodbye(key, gone)
            assert caught.value.code.value == "SEAT_BORROWED"
        with reading():
            seats = list(db.session.scalars(select(Node).order_by(Node.id)))
        for verb in (nodes.release, lambda node, by: nodes.move(node, "node-9", by=by)):
            with pytest.raises(Denied) as caught, transaction():
                verb(seats[0], by="test")
            assert caught.value.code.value == "SEAT_BORROWED"
        with transaction():
            nodes.block(row, "node-2", reason="lost", by="test")
        again = issued(row, "node-1", days=10)
        assert again.jti != file.jti
    with clock.stopped_at(NOW + 30 * DAY - HOUR):
        with pytest.raises(Denied) as caught:
            claim(key, "node-3")
        assert caught.value.code.value == "NODE_LIMIT_REACHED"
        assert caught.value.facts["next_free_at"] == "2027-03-31T02:00:00Z"
        assert code_of(key, "node-1") == "VALID"
        with transaction():
            life.suspend(row.id, HoldReason.ABUSE, words=("a", "b"), source="x", by="test")
        assert holds(file.token, "node-1", clock.now())
        with transaction():
            life.lift(life.open_holds(row.id)[0], by="test")
    with clock.stopped_at(NOW + 30 * DAY):
        assert claim(key, "node-3").new


def test_a_file_is_for_all_its_nodes_or_for_none_and_never_beyond_grace(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            row, key = licence(2, days=3)
        with pytest.raises(Denied) as caught:
            issued(row, "node-1", "node-2", "node-3")
        assert caught.value.code.value == "NODE_LIMIT_REACHED"
        assert len(caught.value.facts["refused"]) == 3
        with reading():
            assert db.session.scalars(select(Node)).all() == []
        with pytest.raises(Denied) as caught:
            issued(row, "node-1", days=36)
        assert caught.value.code.value == "DAYS_TOO_LONG"
        assert issued(row, "node-1").expires_at == NOW + 18 * DAY
        claim(key, "node-2")
        with transaction():
            base = db.session.scalars(select(LicenceTerm)).one()
            life.close_term(base, NOW + DAY, ClosedWhy.CREDIT_NOTE, by="test")
        assert claim(key, "node-1").lease_until <= NOW + DAY
        assert issued(row, "node-2", days=9).expires_at == NOW + DAY


def test_staff_take_a_file_back_seldom_and_it_is_listed(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            row, key = licence(3)
        taken = [issued(row, f"node-{n}") for n in (1, 2, 3)]
        for file in taken[:2]:
            with transaction():
                files.give_back(file, reason="the machine is lost", by="test")
        with pytest.raises(Refused), transaction():
            files.give_back(taken[2], reason="the machine is lost", by="test")
        goodbye(key, "node-1")
        with reading():
            listed = proofs.opened(proving.revocations(), proving.public_set(), proofs.REVOCATIONS)
        assert [one["jti"] for one in listed["files"]] == [one.jti for one in taken[:2]]
        with transaction():
            life.revoke(row.id, reason="x", by="One", second="Other")
        with reading():
            listed = proofs.opened(proving.revocations(), proving.public_set(), proofs.REVOCATIONS)
        assert {one["jti"] for one in listed["files"]} == {one.jti for one in taken}


def test_keys_turn_and_old_files_live_to_their_end_unless_their_key_leaked(house: Flask) -> None:
    with clock.stopped_at(NOW), transaction():
        row, key = licence(9, days=800)
        old = signing.active(KeyUse.LICENCE).kid
        signing.create(KeyUse.LICENCE, by="One", second="Other")
    with clock.stopped_at(NOW + 89 * DAY):
        assert len(public()["keys"]) == 2
        file = issued(row, "node-1", days=35)
        with pytest.raises(Refused), transaction():
            proving.rotate(by="One", second="Other")
    with clock.stopped_at(NOW + 90 * DAY):
        with transaction():
            fresh = proving.rotate(by="One", second="Other").kid
        later = issued(row, "node-2", days=35)
        assert (file.kid, later.kid) == (old, fresh)
        with reading():
            told = proofs.opened(
                proving.signed_set(), {"keys": [k for k in public()["keys"] if k["kid"] == old]}, proofs.KEYS
            )
        assert {one["kid"] for one in told["keys"]} == {old, fresh}
        assert holds(file.token, "node-1", clock.now())
        assert holds(later.token, "node-2", clock.now())
    with clock.stopped_at(file.expires_at):
        assert [one["kid"] for one in public()["keys"]] == [fresh]
        with transaction():
            lost = proving.compromise(fresh, by="One", second="Other")
        assert [one.jti for one in lost] == [later.jti]
        assert public()["keys"] == []
        assert not holds(later.token, "node-2", clock.now())
        assert proving.lease(claim(key, "node-3")) is None
        with pytest.raises(Refused) as caught:
            issued(row, "node-4")
        assert caught.value.status == 503


def test_the_commands_make_a_key_sign_a_file_and_check_it(app: Flask, tmp_path: Path) -> None:
    with app.app_context(), transaction():
        make_person("ada@house.example", "Ada", staff=(StaffRole.ADMINISTRATOR,))
        make_person("deng@house.example", "Deng", staff=(StaffRole.DECIDER,))
        uid = licence(2)[0].uid
    env, two = environment(app, tmp_path), ("--by", "ada@house.example", "--second", "deng@house.example")
    (tmp_path / "nodes.txt").write_text("node-1\nnode-2\n")
    place = tmp_path / "file.lic"
    sign = (
        "licence",
        "file",
        uid,
        "--nodes",
        str(tmp_path / "nodes.txt"),
        "--days",
        "7",
        "--out",
        str(place),
    )
    assert command(tmp_path, env, *sign).code == 1
    made = command(tmp_path, env, "licence", "signing-keys", "add", *two)
    assert (made.code, made.said.split()[-1]) == (0, "active."), made.wrong
    assert command(tmp_path, env, *sign).code == 0
    checked = command(tmp_path, env, "licence", "check", str(place))
    assert json.loads(checked.said)["nodes"] == ["node-1", "node-2"]
    place.write_text(place.read_text()[:-9] + "AAAAAAAAA")
    assert command(tmp_path, env, "licences", "check", str(place)).code == 1
    shown = command(tmp_path, env, "licence", "show", uid)
    assert json.loads(shown.said)["live"] == 2
