"""Badges before strangers of another language: Digital Bazaar's verifiable credentials, and `jose`, take ours and no other."""

from __future__ import annotations

import copy
import json
import subprocess
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from portal.certs import award_steps, awarding, badges, proofs
from portal.certs.models.award import RevokeCause
from portal.core import clock, outbox, signing
from portal.core.db import transaction
from portal.core.signing import KeyUse
from tests.awarded import award, house, make_keys, person
from tests.people import make_person
from tests.test_badges import download, forms, issued
from tools import badge_checkers, node_packages

# Nothing is fetched: a document that is not handed over cannot be loaded, and fails the check.
CHECK = """
import * as vc from '@digitalbazaar/vc';
import * as jose from 'jose';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {contexts as own} from '@digitalbazaar/credentials-context';
const {documents, cases} = JSON.parse(await new Response(process.stdin).text());
const did = documents[Object.keys(documents).find(one => one.startsWith('did:'))];
const methods = new Map(did.verificationMethod.map(one => [one.id, one]));
const loaderOf = more => async url => {
  const found = own.get(url) ?? more?.[url] ?? documents[url] ?? (methods.has(url)
    ? {'@context': 'https://w3id.org/security/multikey/v1', ...methods.get(url)} : null);
  if(!found) throw new Error(`not handed over: ${url}`);
  return {document: found, documentUrl: url};
};
const suite = new DataIntegrityProof({cryptosuite});
const proofOf = async ({credential, now, lists}) => {
  const documentLoader = loaderOf(lists);
  const seen = await vc.verifyCredential({credential, suite, documentLoader, checkStatus, now: now && new Date(now)});
  if(!seen.verified) return 'refused: ' + (seen.error?.errors?.map(e => e.message).join('; ') ?? seen.error?.message ?? 'status');
  const bits = seen.statusResult.results.filter(one => one.status).map(one => one.credentialStatus.statusPurpose);
  return bits.join(' ') || 'good';
};
const keyOf = head => {
  if(!methods.has(head.kid)) throw new Error('no such key');
  return jose.importJWK(methods.get(head.kid).publicKeyJwk, 'RS256');
};
const tokenOf = async ({token, now, embedded}) => {
  const seen = await jose.jwtVerify(token, embedded ? jose.EmbeddedJWK : keyOf,
    {issuer: did.id, algorithms: ['RS256'], requiredClaims: ['jti', 'sub', 'nbf', 'exp'], currentDate: now && new Date(now)});
  return seen.payload.jti ? 'good' : 'empty';
};
const answers = {};
for(const [name, one] of Object.entries(cases)) {
  try { answers[name] = await (one.token ? tokenOf(one) : proofOf(one)); } catch(e) { answers[name] = 'refused: ' + e.message; }
}
process.stdout.write(JSON.stringify(answers));
"""


@pytest.fixture
def certs(sqlite_app: Flask) -> Flask:
    house(sqlite_app, at=clock.now() - timedelta(days=2))
    return sqlite_app


def asked(app: Flask, **cases: dict[str, Any]) -> dict[str, str]:
    """Return what strangers say of each case, with our published documents as they stand now in their hands."""
    try:
        folder = badge_checkers.installed()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"the independent checkers of badges cannot be installed here: {error}")
    fetch = download(app, "application/ld+json, application/json")
    did = json.loads(fetch("x127.0.0.1:8000/.well-known/did.json"))
    documents = {did["id"]: did, proofs.OPEN_BADGES: proofs._context(proofs.OPEN_BADGES), **lists(app)}
    done = subprocess.run(
        [str(node_packages.node()), "--input-type=module", "-e", CHECK], cwd=folder, text=True, capture_output=True,
        input=json.dumps({"documents": documents, "cases": cases}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers: dict[str, str] = json.loads(done.stdout)
    return answers


def lists(app: Flask) -> dict[str, Any]:
    """Return both status lists as they stand now."""
    fetch = download(app, "application/ld+json, application/json")
    addresses = [f"http://127.0.0.1:8000/badges/status/{purpose}/1" for purpose in badges.PURPOSES]
    return {address: json.loads(fetch(address)) for address in addresses}


def with_change(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a document in which one value differs."""
    changed = copy.deepcopy(document)
    *way, last = path.split(".")
    place: Any = changed
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return changed


def test_strangers_take_both_forms_and_refuse_every_change_and_every_other_day(certs: Flask) -> None:
    _uid, document, token = issued(certs)
    head, body, signature = token.split(".")
    claims = json.loads(proofs.from_base64url(body))
    forged = proofs.base64url(json.dumps({**claims, "name": "Another"}).encode())
    none = proofs.base64url(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    end = datetime.fromisoformat(document["validUntil"])
    late, early = (
        badges.instant(end + timedelta(minutes=6)),
        "2026-01-01T00:00:00Z",
    )  # they allow for clocks 5 minutes off
    changes = {
        "title": ("name", "Another title"),
        "level": ("credentialSubject.achievement.name", "Enterprise Architect"),
        "holder": ("credentialSubject.id", "urn:uuid:00000000-0000-4000-8000-000000000000"),
        "issuer": ("issuer.id", "did:web:another.example"),
        "end": ("validUntil", "2099-01-01T00:00:00Z"),
        "place": ("credentialStatus.0.statusListIndex", "7"),
        "moment": ("proof.created", "2026-01-01T00:00:00Z"),
        "value": ("proof.proofValue", document["proof"]["proofValue"][:-4] + "1111"),
        "word": ("extra", "not in any context"),
    }
    tampered = {
        f"changed_{name}": {"credential": with_change(document, *one)} for name, one in changes.items()
    }
    said = asked(
        certs,
        badge={"credential": document},
        token={"token": token},
        own_key={"token": token, "embedded": True},
        **tampered,
        late={"credential": document, "now": late},
        early={"credential": document, "now": early},
        token_late={"token": token, "now": late},
        token_early={"token": token, "now": early},
        token_changed={"token": f"{head}.{forged}.{signature}"},
        token_unsigned={"token": f"{none}.{body}."},
        token_cut={"token": token[:-6] + "AAAAAA"},
    )
    good = {name for name, word in said.items() if word == "good"}
    assert good == {"badge", "token", "own_key"}, said
    assert {word.split(":")[0] for name, word in said.items() if name not in good} == {"refused"}, said


def test_strangers_see_a_hold_and_a_revocation_and_refuse_a_list_that_was_changed(certs: Flask) -> None:
    uid, document, _token = issued(certs)
    clean, staff = lists(certs), "cen@house.example"
    address = "http://127.0.0.1:8000/badges/status/revocation/1"
    emptied = {address: with_change(clean[address], "credentialSubject.encodedList", badges.encoded([3]))}
    other = {address: with_change(clean[address], "issuer", "did:web:another.example")}
    said = asked(
        certs,
        clean={"credential": document},
        emptied={"credential": document, "lists": emptied},
        another={"credential": document, "lists": other},
    )
    assert said["clean"] == "good"
    assert said["emptied"].startswith("refused")
    assert said["another"].startswith("refused")
    with certs.app_context(), transaction():
        award_steps.suspend(awarding.found(uid), reason="x", by=person(staff), second="Deng")
    assert asked(certs, held={"credential": document}) == {"held": "suspension"}
    with certs.app_context(), transaction():
        award_steps.revoke(awarding.found(uid), cause=RevokeCause.ERROR, by=person(staff), reason="x")
    assert asked(certs, gone={"credential": document}) == {"gone": "revocation"}


def test_strangers_take_old_badges_after_a_rotation_and_none_of_a_key_that_leaked(certs: Flask) -> None:
    _uid, old, old_token = issued(certs)
    with certs.app_context(), transaction():
        make_keys(KeyUse.BADGE, KeyUse.BADGE_RSA, turn=1)
        for use in (KeyUse.BADGE, KeyUse.BADGE_RSA):
            signing.rotate(use, by="Ada", second="Deng")
        make_person("li@holder.example", "Li Na")
    with certs.app_context():
        with transaction():
            uid = award("li@holder.example", on=clock.today(), decision="decision:2").uid
        outbox.drain()
    new, new_token = forms(certs, uid)
    assert old["proof"]["verificationMethod"] != new["proof"]["verificationMethod"]
    both: dict[str, dict[str, Any]] = {
        "old": {"credential": old}, "old_token": {"token": old_token}, "new": {"credential": new},
        "new_token": {"token": new_token},
    }  # fmt: skip
    assert set(asked(certs, **both).values()) == {"good"}
    with certs.app_context(), transaction():
        for one in signing.every(KeyUse.BADGE, KeyUse.BADGE_RSA):
            if one.state.value == "retired":
                signing.compromise(one.kid, by="Ada", second="Deng")
    said = asked(certs, **both)
    assert {name for name, word in said.items() if word == "good"} == {"new", "new_token"}
