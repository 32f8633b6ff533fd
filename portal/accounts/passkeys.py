"""Passkeys: registering a device's key, and signing in with it as the second step."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import webauthn
from flask import Response, abort, jsonify, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.accounts import door, factors, letters
from portal.accounts.access import found_session, half_way, me, own_account
from portal.accounts.people import Passkey, Person
from portal.accounts.views import accounts
from portal.core import audit, clock
from portal.core.catalogue import brand
from portal.core.db import db, transaction
from portal.core.settings import settings
from portal.core.web import safe_next


def _party() -> tuple[str, list[str]]:
    """Return the relying party's id and the origins it is reached at; a bare loopback address counts as localhost."""
    parts = urlsplit(settings().public_url)
    host = parts.hostname or "localhost"
    origins = [settings().public_url]
    if host == "127.0.0.1":
        host = "localhost"
        origins.append(request.host_url.rstrip("/"))
    return host, origins


def _described(person: Person) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id))
        for key in factors.passkeys(person)
    ]


def _challenge() -> bytes:
    found = session.pop("challenge", None)
    if not isinstance(found, str):
        abort(400)
    return base64url_to_bytes(found)


def _answer(options: Any) -> Response:
    session["challenge"] = bytes_to_base64url(options.challenge)
    return Response(webauthn.options_to_json(options), mimetype="application/json")


@accounts.post("/account/passkeys/challenge")
@own_account
def passkey_offer() -> Response:
    """Return what the browser needs to make a passkey."""
    person = me().person
    host, _origins = _party()
    return _answer(
        webauthn.generate_registration_options(
            rp_id=host,
            rp_name=brand().short,
            user_id=person.uid.encode(),
            user_name=person.email,
            user_display_name=person.name,
            exclude_credentials=_described(person),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
    )


def _credential() -> tuple[dict[str, Any], str]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("credential"), dict):
        abort(400)
    return body["credential"], str(body.get("name", ""))[:80].strip()


@accounts.post("/account/passkeys")
@own_account
def passkey_add() -> Response:
    """Keep a new passkey."""
    person = me().person
    credential, name = _credential()
    host, origins = _party()
    try:
        made = webauthn.verify_registration_response(
            credential=json.dumps(credential), expected_challenge=_challenge(), expected_rp_id=host,
            expected_origin=origins, require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError):
        abort(400)
    with transaction():
        row = Passkey(
            person=person, name=name or _("Passkey"), credential_id=bytes_to_base64url(made.credential_id),
            public_key=made.credential_public_key.hex(), sign_count=made.sign_count,
        )  # fmt: skip
        db.session.add(row)
        audit.record("person.passkey_added", person, by=person, name=row.name)
        letters.changed(person, "factor")
    return jsonify(go=url_for("accounts.security"))


@accounts.post("/sign-in/passkey/challenge")
@half_way
def passkey_challenge() -> Response:
    """Return what the browser needs to use a passkey."""
    found = found_session()
    if found is None:
        abort(401)
    host, _origins = _party()
    return _answer(
        webauthn.generate_authentication_options(
            rp_id=host,
            allow_credentials=_described(found.person),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


@accounts.post("/sign-in/passkey")
@half_way
def passkey_use() -> Response:
    """Complete the sign-in with a passkey."""
    found = found_session()
    if found is None:
        abort(401)
    credential, _name = _credential()
    host, origins = _party()
    with transaction():
        row = db.session.scalars(
            select(Passkey).where(
                Passkey.person_id == found.person.id, Passkey.credential_id == str(credential.get("id"))
            )
        ).first()
        if row is None:
            abort(400)
        try:
            seen = webauthn.verify_authentication_response(
                credential=json.dumps(credential), expected_challenge=_challenge(), expected_rp_id=host,
                expected_origin=origins, credential_public_key=bytes.fromhex(row.public_key),
                credential_current_sign_count=row.sign_count, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, KeyError):
            abort(400)
        row.sign_count, row.used_at = seen.new_sign_count, clock.now()
        door.complete(found.session)
    return jsonify(go=url_for("accounts.arrive", next=safe_next(request.args.get("next"), "") or None))
