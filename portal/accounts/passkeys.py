"""Passkeys: registering a device's key, and signing in with it as the second step."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, jsonify, request, session, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts import door, factors, keys
from portal.accounts.access import found_session, fresh_account, half_way, me
from portal.accounts.people import Passkey
from portal.accounts.views import accounts
from portal.core import audit, clock
from portal.core.catalogue import brand
from portal.core.db import db, transaction
from portal.core.forms import clean
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


def _challenge() -> str:
    found = session.pop("challenge", None)
    if not isinstance(found, str):
        abort(400)
    return found


def _answer(options: tuple[str, str]) -> Response:
    text, session["challenge"] = options
    return Response(text, mimetype="application/json")


@accounts.post("/account/passkeys/challenge")
@fresh_account
def passkey_offer() -> Response:
    """Return what the browser needs to make a passkey."""
    person = me().person
    known = [key.credential_id for key in factors.passkeys(person)]
    return _answer(
        keys.offer(
            host=_party()[0], brand=brand().short, uid=person.uid, email=person.email, name=person.name, known=known
        )
    )  # fmt: skip


def _credential() -> tuple[dict[str, Any], str]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("credential"), dict):
        abort(400)
    name = str(body.get("name", "")).encode("utf-8", "ignore").decode()
    return body["credential"], " ".join(clean(name).split())[:80]


@accounts.post("/account/passkeys")
@fresh_account
def passkey_add() -> Response:
    """Keep a new passkey; the person's other sessions end."""
    reader = me()
    person = reader.person
    credential, name = _credential()
    host, origins = _party()
    try:
        made = keys.taken(credential, _challenge(), host=host, origins=origins)
    except keys.NotAccepted:
        abort(400)
    with transaction():
        row = Passkey(
            person=person, name=name or _("Passkey"), credential_id=made.credential_id,
            public_key=made.public_key, sign_count=made.sign_count,
        )  # fmt: skip
        db.session.add(row)
        door.factor_changed(person, keep=reader.session)
        audit.record("person.passkey_added", person, by=person, name=row.name)
    return jsonify(go=url_for("accounts.security"))


@accounts.post("/sign-in/passkey/challenge")
@half_way
def passkey_challenge() -> Response:
    """Return what the browser needs to use a passkey."""
    found = found_session()
    if found is None:
        abort(401)
    known = [key.credential_id for key in factors.passkeys(found.person)]
    return _answer(keys.question(host=_party()[0], known=known))


@accounts.post("/sign-in/passkey")
@half_way
def passkey_use() -> Response:
    """Complete the sign-in with a passkey."""
    found = found_session()
    if found is None:
        abort(401)
    credential, _name = _credential()
    host, origins = _party()
    challenge = _challenge()
    with transaction():
        row = db.session.scalars(
            select(Passkey).where(
                Passkey.person_id == found.person.id, Passkey.credential_id == str(credential.get("id"))
            )
        ).first()
        if row is None:
            abort(400)
        try:
            row.sign_count = keys.used(
                credential, challenge, host=host, origins=origins, public_key=row.public_key, count=row.sign_count
            )  # fmt: skip
        except keys.NotAccepted:
            abort(400)
        row.used_at = clock.now()
        door.complete(found.session)
    return jsonify(go=url_for("accounts.arrive", next=safe_next(request.args.get("next"), "") or None))
