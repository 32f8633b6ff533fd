"""Seats: who gets one, who keeps it, what a lost reply or a late packet does; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError

from portal.core import catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.services.licences import keyring, keys, life, nodes, plans
from portal.services.licences.denial import Denied
from portal.services.licences.kinds import ClosedWhy, HoldReason, Policy, TermKind
from portal.services.licences.models.licence import Hold, Licence, LicenceKey, LicenceTerm
from portal.services.licences.models.node import Node, NodeRule
from portal.services.licences.models.record import LicenceEvent, LicenceRefusal
from portal.services.licences.verify import verify_licences
from tests.licences import claim, code_of, goodbye, licence
from tests.people import make_org

NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def house(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app
        with reading():
            assert verify_licences()[1] == []


def denied(key: str, fingerprint: str, **said: str) -> str:
    with pytest.raises(Denied) as caught:
        claim(key, fingerprint, **said)
    return caught.value.code.value


def state() -> tuple[object, ...]:
    """Return everything a refused claim must leave as it is."""
    with reading():
        rows = db.session.execute(
            select(Licence.rev, Licence.sequence, Licence.live_nodes, Licence.fuse_count)
        ).all()
        return (
            tuple(rows),
            tuple(db.session.execute(select(Node.id, Node.released_at, Node.lease_until).order_by(Node.id)).all()),
            db.session.scalar(select(func.count(LicenceEvent.id))),
        )  # fmt: skip


def made(nodes_: int = 2, **columns: object) -> str:
    with transaction():
        return licence(nodes_, **columns)[1]  # type: ignore[arg-type]


def test_seats_are_given_until_the_limit_and_a_refused_claim_changes_nothing(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(2)
        first = claim(key, "node-1")
        assert (first.new, first.code.value, first.lease_until) == (True, "VALID", NOW + HOUR)
        again = claim(key, "node-1")
        assert (again.new, again.lease_until) == (False, NOW + HOUR)
        assert claim(key, "node-2").new
        before = state()
        assert denied(key, "node-3") == "NODE_LIMIT_REACHED"
        assert state() == before
        assert code_of(key, "node-3") == "NODE_UNKNOWN"
        with reading():
            refused = db.session.execute(select(LicenceRefusal.code, LicenceRefusal.count)).all()
        assert refused == [("NODE_LIMIT_REACHED", 1)]
        goodbye(key, "node-1")
        goodbye(key, "node-1")
        assert claim(key, "node-3").new
        assert denied(key, "node-1") == "NODE_LIMIT_REACHED"


def test_a_refusal_says_when_the_next_seat_is_free(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1)
        claim(key, "node-1")
        with pytest.raises(Denied) as caught:
            claim(key, "node-2")
    assert caught.value.facts == {"limit": 1, "live": 1, "next_free_at": "2027-03-01T03:01:00Z"}


def test_a_lapsed_seat_goes_to_whoever_asks_and_comes_back_if_nobody_did(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1)
        claim(key, "node-1")
    with clock.stopped_at(NOW + HOUR):
        assert code_of(key, "node-1") == "LEASE_LAPSED"
        assert denied(key, "node-2") == "NODE_LIMIT_REACHED"
        assert not claim(key, "node-1").new
    later = NOW + 2 * HOUR
    with clock.stopped_at(later + MINUTE):
        assert denied(key, "node-2") == "NODE_LIMIT_REACHED"
    with clock.stopped_at(later + MINUTE + timedelta(microseconds=1)):
        assert claim(key, "node-2").new
        assert code_of(key, "node-1") == "NODE_UNKNOWN"
        assert denied(key, "node-1") == "NODE_LIMIT_REACHED"
    with reading():
        kinds = list(db.session.scalars(select(LicenceEvent.kind).order_by(LicenceEvent.sequence)))
    assert kinds[-2:] == ["node.reclaimed", "node.activated"]


def test_a_locked_seat_stays_and_its_moves_are_counted(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1, policy=Policy.NODE_LOCKED, lease_seconds=604800)
        claim(key, "n-0")
    with clock.stopped_at(NOW + 30 * 24 * HOUR):
        assert code_of(key, "n-0") == "VALID"
        assert denied(key, "n-1") == "NODE_LIMIT_REACHED"
        for n in range(3):
            goodbye(key, f"n-{n}")
            claim(key, f"n-{n + 1}")
        with pytest.raises(Denied) as caught:
            goodbye(key, "n-3")
        assert caught.value.code.value == "MOVE_LIMIT_REACHED"
    with clock.stopped_at(NOW + 61 * 24 * HOUR):
        goodbye(key, "n-3")


def test_only_named_nodes_claim_where_the_policy_says_so(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1, policy=Policy.NODE_NAMED)
        assert denied(key, "node-1") == "NODE_NOT_NAMED"
        with reading():
            row = db.session.scalars(select(Licence)).one()
        with transaction():
            nodes.name(row, "node-1", by="test")
            nodes.name(row, "node-2", by="test")
        assert claim(key, "node-1").new
        with pytest.raises(Refused), transaction():
            nodes.name(row, "node-3", by="test")


def test_an_old_packet_takes_no_seat_back_and_one_process_keeps_the_seat_of_another(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(2)
        claim(key, "node-1", run="a")
        goodbye(key, "node-1", run="a")
        assert denied(key, "node-1", run="a") == "NODE_RELEASED"
        assert claim(key, "node-1", run="b").new
        claim(key, "node-1", run="c")
        claim(key, "node-1", run="b")
        goodbye(key, "node-1", run="b")
        assert code_of(key, "node-1") == "VALID"
        assert denied(key, "node-1", run="b") == "NODE_RELEASED"
        claim(key, "node-1", run="c")
        goodbye(key, "node-1", run="c")
        assert code_of(key, "node-1") == "NODE_UNKNOWN"
        claim(key, "node-2", run="x")
        claim(key, "node-2", run="y")
    with clock.stopped_at(NOW + HOUR + MINUTE):
        claim(key, "node-2", run="y")
        goodbye(key, "node-2", run="y")  # x is silent for a lease
        assert code_of(key, "node-2") == "NODE_UNKNOWN"


def test_what_a_person_releases_stays_out_for_a_while_and_a_move_is_one_step(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1)
        claim(key, "node-1")
        with transaction():
            row = db.session.scalars(select(Node)).one()
            assert nodes.release(row, by="test")
            assert not nodes.release(row, by="test")
        with pytest.raises(Denied) as caught:
            claim(key, "node-1")
        assert (caught.value.code.value, caught.value.retry_after) == ("NODE_RELEASED", 3600)
        claim(key, "node-2")
        with transaction():
            seat = db.session.scalars(select(Node).where(Node.fingerprint == "node-2")).one()
            nodes.move(seat, "node-3", by="test")
        assert [code_of(key, f"node-{n}") for n in (2, 3)] == ["NODE_UNKNOWN", "VALID"]
    with clock.stopped_at(NOW + HOUR):
        assert denied(key, "node-1") == "NODE_LIMIT_REACHED"


def test_a_blocked_node_is_out_until_it_is_let_in(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1)
        claim(key, "node-1")
        with transaction():
            row = db.session.scalars(select(Licence)).one()
            nodes.block(row, "node-1", reason="stolen", by="test")
            nodes.block(row, "node-1", reason="again", by="test")
        assert denied(key, "node-1") == "NODE_BLOCKED"
        assert code_of(key, "node-1") == "NODE_BLOCKED"
        claim(key, "node-2")
        goodbye(key, "node-2")
        with transaction():
            nodes.unblock(row, "node-1", by="test")
        assert claim(key, "node-1").new
        with reading():
            assert db.session.scalar(select(func.count(NodeRule.id))) == 1


def test_two_machines_of_one_name_are_told_once_and_not_punished(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1)
        for machine in ("m-1", "m-2", "m-1", "m-2", "m-1"):
            assert claim(key, "node-1", machine=machine).code.value == "VALID"
    with reading():
        told = db.session.scalars(select(LicenceEvent).where(LicenceEvent.kind == "node.shared")).all()
    assert len(told) == 1


def test_too_many_new_fingerprints_on_one_day_blow_the_fuse(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(3)
        for n in range(20):
            claim(key, f"pod-{n}")
            goodbye(key, f"pod-{n}")
        with pytest.raises(Denied) as caught:
            claim(key, "pod-20")
        assert (caught.value.code.value, caught.value.status) == ("TOO_MANY_NEW_NODES", 429)
        assert caught.value.retry_after == 14 * 3600
        assert claim(key, "pod-3").new  # known since this morning
    with clock.stopped_at(NOW + 14 * HOUR):
        assert claim(key, "pod-20").new


def test_the_plans_overage_is_one_term_a_year_and_its_end_stops_the_last(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(10, sold={**_sold(), "overage": {"percent": 10, "days": 30}})
        for n in range(10):
            claim(key, f"node-{n}")
        assert claim(key, "node-10").code.value == "VALID_OVERAGE"
        assert denied(key, "node-11") == "NODE_LIMIT_REACHED"
        assert code_of(key, "node-10") == "VALID_OVERAGE"
        assert code_of(key, "node-0") == "VALID"
    with clock.stopped_at(NOW + 30 * 24 * HOUR):
        codes = [code_of(key, f"node-{n}") for n in range(11)]
        assert codes == ["LEASE_LAPSED"] * 10 + ["NODE_OVER_LIMIT"]
        assert denied(key, "node-10") == "NODE_OVER_LIMIT"
        for n in range(10):
            claim(key, f"node-{n}")
        goodbye(key, "node-10")
        assert denied(key, "node-12") == "NODE_LIMIT_REACHED"
    with reading():
        kinds = db.session.scalars(select(LicenceTerm.kind).order_by(LicenceTerm.id)).all()
    assert kinds == [TermKind.BASE, TermKind.OVERAGE]


def _sold() -> dict[str, object]:
    return {
        key: value
        for key, value in catalogue.entries("licence_plan")["flagscale-node"].items()
        if key != "order"
    }


def test_a_key_has_a_cap_an_end_and_a_pepper_that_may_turn(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            row, key = licence(3)
            capped, second = keyring.make(row.id, label="edge", by="test", most_nodes=1)
        assert claim(second, "edge-1").new
        assert denied(second, "edge-2") == "KEY_LIMIT_REACHED"
        assert claim(key, "edge-2").new
        with transaction():
            keyring.end(capped, by="test", at=NOW + HOUR)
        assert code_of(second, "edge-1") == "VALID"
    with clock.stopped_at(NOW + HOUR):
        assert code_of(second, "edge-1") == "KEY_UNKNOWN"
        assert denied(second, "edge-1") == "KEY_UNKNOWN"
        body = keys.read(key.lower().replace("-", " "))
        assert body is not None
        assert keys.digest(body) != keys.digest(body, secret="another secret of the portal, turned")
        with reading():
            stored = db.session.scalars(select(LicenceKey.key_hash)).all()
        assert key not in stored
        assert keys.digest(body) in stored


def test_typed_keys_are_read_leniently_and_a_wrong_letter_never_reaches_the_database(house: Flask) -> None:
    key = keys.fresh(plans.prefix())
    body = keys.read(key)
    assert body is not None
    assert keys.read(key.lower().replace("1", "l").replace("0", "o")) == body
    for at in range(25):
        for letter in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
            if letter != body[at]:
                assert keys.read(body[:at] + letter + body[at + 1 :]) is None
    assert keys.read("") is None
    assert keys.read("FLAG-ÄÄÄÄÄ") is None


def test_suspend_and_lift_in_any_order_restore_every_node_without_a_claim(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            row, key = licence(2)
        for n in (1, 2):
            claim(key, f"node-{n}")
        held = []
        for reason in (HoldReason.ABUSE, HoldReason.PAYMENT):
            with transaction():
                held.append(
                    life.suspend(row.id, reason, words=("Why", "原因"), source=reason.value, by="test")
                )
        with transaction():
            assert life.suspend(row.id, HoldReason.ABUSE, words=("a", "b"), source="abuse", by="test") is None
        assert code_of(key, "node-1") == "SUSPENDED"
        assert denied(key, "node-1") == "SUSPENDED"
        with transaction():
            abuse = db.session.scalars(select(Hold).where(Hold.reason == HoldReason.ABUSE)).one()
            life.lift(abuse, by="test")
        assert code_of(key, "node-1") == "VALID"  # the other one begins after its days of notice
        assert code_of(key, "node-1", at=NOW + 7 * 24 * HOUR) == "SUSPENDED"
        with transaction():
            life.lift(db.session.scalars(select(Hold).where(Hold.lifted_at.is_(None))).one(), by="test")
        assert [code_of(key, f"node-{n}") for n in (1, 2)] == ["VALID", "VALID"]
        with reading():
            assert db.session.scalar(select(func.count(Node.id))) == 2


def test_a_revoked_licence_is_never_valid_again_and_its_tool_may_be_licensed_anew(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            org = make_org("Galaxy Ltd")
            row, key = licence(2, org=org)
        claim(key, "node-1")
        with pytest.raises(Denied) as caught, transaction():
            life.order(org, "flagscale-node", by="test")
        assert caught.value.code.value == "LICENCE_EXISTS"
        with transaction():
            life.revoke(row.id, reason="abuse", by="One", second="Other")
        assert code_of(key, "node-1") == "REVOKED"
        with pytest.raises(Refused), transaction():
            life.revoke(row.id, reason="abuse", by="One", second="Other")
        with transaction():
            life.order(org, "flagscale-node", by="test")
        with pytest.raises(Refused), transaction():
            life.add_term(row.id, TermKind.BASE, 1, start=NOW, end=NOW + HOUR, source="late", by="test")


def test_terms_stand_are_written_once_and_close_with_what_stands_on_them(house: Flask) -> None:
    with clock.stopped_at(NOW):
        with transaction():
            row, _key = licence(2)
            base = db.session.scalars(select(LicenceTerm)).one()
            more: dict[str, Any] = {"start": NOW, "end": base.ends_at, "source": "line:2", "by": "test"}
            assert life.add_term(row.id, TermKind.INCREASE, 3, **more) is not None
            assert life.add_term(row.id, TermKind.INCREASE, 3, **more) is None
        for changed in ({"nodes": 9}, {"source": "x"}, {"ends_at": NOW + HOUR}):
            with pytest.raises(DBAPIError, match="on record"), transaction():
                db.session.execute(update(LicenceTerm).values(**changed))
        with transaction():
            life.close_term(base, NOW + HOUR, ClosedWhy.CREDIT_NOTE, by="test")
        with reading():
            assert set(db.session.scalars(select(LicenceTerm.closed_at))) == {NOW + HOUR}
        with pytest.raises(DBAPIError, match="on record"), transaction():
            db.session.execute(update(LicenceTerm).values(closed_at=NOW))


def test_what_happened_and_a_lease_never_go_back(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(1)
        claim(key, "node-1")
    for statement in (
        update(LicenceEvent).values(kind="x"), update(Node).values(lease_until=NOW), update(Node).values(fingerprint="y-1"),
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="on record"), transaction():
            db.session.execute(statement)
    with clock.stopped_at(NOW - HOUR):  # another host's clock is behind
        assert claim(key, "node-1").lease_until == NOW + HOUR


def test_in_grace_nodes_go_on_and_nobody_comes_in(house: Flask) -> None:
    with clock.stopped_at(NOW):
        key = made(2, days=1)
        claim(key, "node-1")
    with clock.stopped_at(NOW + 24 * HOUR):
        seated = claim(key, "node-1")
        assert (seated.code.value, seated.lease_until) == ("VALID_GRACE", NOW + 25 * HOUR)
        assert denied(key, "node-2") == "GRACE_NO_NEW_NODES"
    over = NOW + 16 * 24 * HOUR
    with clock.stopped_at(over - MINUTE):
        assert claim(key, "node-1").lease_until == over
    with clock.stopped_at(over):
        assert denied(key, "node-1") == "EXPIRED"
