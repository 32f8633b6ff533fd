"""Operations of nodes: validate, claim and renew, say goodbye; and what the public needs to verify proofs."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any

from flask import Response, g
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.core import clock
from portal.core.api import (
    PUBLIC_PROBLEMS,
    WRITE_PROBLEMS,
    Responses,
    Words,
    operations,
    share,
    shared,
    told,
)
from portal.core.db import db, reading
from portal.core.errors import Missing
from portal.core.signing import NoKey
from portal.core.web import public
from portal.services.licences import door, putting, quick
from portal.services.licences.denial import STATUS, Denied, Not, spelt
from portal.services.licences.door import answers, by_key
from portal.services.licences.facts import Found
from portal.services.licences.judge import Ask, Verdict, judge
from portal.services.licences.kinds import VALID, Code
from portal.services.licences.models.licence import Licence, LicenceTerm
from portal.services.licences.node_shapes import (
    CodeSaid,
    CodesSaid,
    Current,
    Goodbye,
    JsonKeys,
    Judged,
    NodePath,
    NodeReport,
    NodeSeen,
    Seat,
    TermSeen,
    Validation,
)
from portal.services.licences.proving import lease, public_set, revocations, signed_set
from portal.services.licences.seats import FINGERPRINT, Report

nodes_api = operations("api_licence_nodes", __name__, str(_l("Licences: nodes")))
nodes_api.register_error_handler(Denied, door.refused)
KEY: list[dict[str, list[Any]]] = [{"token": []}]
BASE = "/licences"
_WRITTEN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _judged(found: Found | None, verdict: Verdict, ask: Ask, nonce: str, now: datetime) -> dict[str, Any]:
    """Return a `Judged`, spelt as it is answered: reading our own words once more would take as long as judging."""
    known = found is not None and verdict.code is not Code.KEY_UNKNOWN
    hidden = verdict.code in (Code.KEY_UNKNOWN, Code.SUPERSEDED)
    seat = found.facts.seat if found is not None and known else None
    licence = None
    if found is not None and not hidden:
        licence = {
            "id": found.uid, "stage": verdict.stage, "ends_at": None if verdict.ends_at is None else spelt(verdict.ends_at),
            "limit": verdict.limit, "live": found.facts.live,
        }  # fmt: skip
    return {
        "valid": verdict.valid, "code": verdict.code, "detail": door.said_back(verdict.code), "checked_at": spelt(now),
        "nonce": nonce, "reason": verdict.reason, "licence": licence,
        "node": None if seat is None else {"fingerprint": ask.fingerprint, "lease_until": spelt(seat.lease_until)},
    }  # fmt: skip


@nodes_api.post(
    f"{BASE}/validate", operation_id="validate_licence", summary=str(_l("Ask whether a node may run a tool")),
    responses=answers(*WRITE_PROBLEMS, ok=Judged), security=[],
)  # fmt: skip
@by_key
def validate(body: Validation) -> Any:
    """Always 200 when a key was sent (Authorization: Bearer); nothing is written. Only a 200 says anything."""
    g.reader = True
    now, ask = clock.now(), Ask(body.fingerprint, body.tool, body.feature, body.version)
    key: tuple[str, ...] | None = g.licence_key
    if key is not None:
        door.limit("licence-validate", key[0])
    found = None if key is None else quick.look(key, ask, now)
    verdict = judge(found.facts if found else None, ask, now)
    if verdict.code is Code.KEY_UNKNOWN:
        door.count_unknown()
    answer = _judged(found, verdict, ask, body.nonce, now)
    return Response(_WRITTEN(answer), content_type="application/json")  # written once, and not sorted


@nodes_api.put(
    f"{BASE}/nodes/<fingerprint>", operation_id="claim_seat", summary=str(_l("Claim or renew the seat of a node")),
    responses=answers(*WRITE_PROBLEMS, ok=Seat, created=Seat), security=KEY,
)  # fmt: skip
@by_key
def put_node(path: NodePath, body: NodeReport) -> Any:
    """Claim, renewal and heartbeat in one; sent any number of times it is one seat. 201 for a new one, else 200."""
    key = door.hashed()
    ask = Ask(path.fingerprint, body.tool, "", body.tool_version if body.tool else "")
    report = Report(
        run=body.run, name=body.name, machine=body.machine, platform=body.platform, accelerator=body.accelerator,
        tool_version=body.tool_version,
    )  # fmt: skip
    try:
        seated = putting.put(key, ask, report, admit=partial(door.limit, "licence-claim"))
    except Denied as denied:
        if denied.code is Code.KEY_UNKNOWN:
            door.count_unknown()
        raise
    until = spelt(seated.lease_until)
    left = min(
        seated.lease_seconds // 3, max(1, int((seated.lease_until - clock.now()).total_seconds()) // 3)
    )
    answer = Seat(
        code=seated.code, node=NodeSeen(fingerprint=seated.fingerprint, lease_until=until), lease_until=until,
        renew_after_s=max(1, left), proof=lease(seated),
    )  # fmt: skip
    return told(answer, 201 if seated.new else 200)


@nodes_api.delete(
    f"{BASE}/nodes/<fingerprint>", operation_id="give_back_seat", summary=str(_l("Give the seat of a node back")),
    responses={**answers(*WRITE_PROBLEMS), "204": None}, security=KEY,
)  # fmt: skip
@by_key
def drop_node(path: NodePath, query: Goodbye) -> Any:
    """Repeated, it changes nothing. Other processes of the machine keep its seat."""
    key = door.hashed()
    if not FINGERPRINT.fullmatch(path.fingerprint):
        raise Denied(Not.FINGERPRINT_INVALID)
    putting.drop(key, path.fingerprint, query.run)
    return Response(status=204)


@nodes_api.get(
    f"{BASE}/current", operation_id="current_licence", summary=str(_l("The licence of the key")),
    responses=answers(*PUBLIC_PROBLEMS, 401, 403, ok=Current), security=KEY,
)  # fmt: skip
@by_key
def current() -> Any:
    """With its terms; it says where the licence stands, whatever that is."""
    now = clock.now()
    found = quick.look(door.hashed(), Ask(), now)
    verdict = judge(found.facts if found else None, Ask(), now)
    if found is None or verdict.code is Code.KEY_UNKNOWN:
        door.count_unknown()
        raise Denied(Code.KEY_UNKNOWN)
    with reading():
        row = db.session.get_one(Licence, found.licence_id)
        terms = db.session.scalars(
            select(LicenceTerm).where(LicenceTerm.licence_id == row.id).order_by(LicenceTerm.id)
        )
        standing = Code.VALID if verdict.code is Code.NODE_REQUIRED else verdict.code
        return told(
            Current(
                id=row.uid, plan=row.plan, policy=row.policy, tools=[one.tool for one in row.tools], code=standing,
                stage=verdict.stage, ends_at=None if verdict.ends_at is None else spelt(verdict.ends_at),
                limit=verdict.limit, live=found.facts.live,
                terms=[
                    TermSeen(
                        kind=one.kind.value, nodes=one.nodes, starts_at=spelt(one.starts_at), ends_at=spelt(one.closed_at or one.ends_at)
                    )
                    for one in terms
                ],
            )
        )  # fmt: skip


@nodes_api.get(
    f"{BASE}/jwks.json", operation_id="licence_keys", summary=str(_l("The public keys that sign licences")),
    responses=answers(*PUBLIC_PROBLEMS, ok=JsonKeys), security=[],
)  # fmt: skip
@public
def jwks() -> Response:
    """Ship a copy with your tool; a retired key stays until the last proof it signed is over."""
    return shared(JsonKeys.model_validate(public_set()), seconds=3600)


def _signed(make: Any) -> Response:
    try:
        made = Response(make(), content_type="application/jwt")
    except NoKey as missing:
        raise Missing(_l("No key signs licences yet.")) from missing
    return share(made, seconds=300)


JWT: Responses = {"200": {"content": {"application/jwt": {}}}}


@nodes_api.get(
    f"{BASE}/keys.jws", operation_id="signed_licence_keys", summary=str(_l("The public keys, signed by the key before")),
    responses={**answers(*PUBLIC_PROBLEMS, 404), **JWT}, security=[],
)  # fmt: skip
@public
def keys_signed() -> Response:
    """For tools without a network: whoever trusts the key before learns the next."""
    return _signed(signed_set)


@nodes_api.get(
    f"{BASE}/revocations", operation_id="licence_revocations", summary=str(_l("Files that no longer count, as a signed list")),
    responses={**answers(*PUBLIC_PROBLEMS, 404), **JWT}, security=[],
)  # fmt: skip
@public
def revoked() -> Response:
    """Revoked or taken back before their end."""
    return _signed(revocations)


@nodes_api.get(
    f"{BASE}/codes", operation_id="licence_codes", summary=str(_l("Every code and what it means")),
    responses=answers(*PUBLIC_PROBLEMS, ok=CodesSaid), security=[],
)  # fmt: skip
@public
def codes() -> Response:
    """In both languages; codes never change."""
    said: dict[str, list[str]] = {}
    for language in ("zh_Hans_CN", "en"):
        with force_locale(language):
            said[language] = [door.said(code) for code in (*Code, *Not)]
    items = [
        CodeSaid(
            code=code.value, status=200 if code in VALID else STATUS.get(code, 403), words=Words(zh=zh, en=en)
        )
        for code, zh, en in zip((*Code, *Not), said["zh_Hans_CN"], said["en"], strict=True)
    ]
    return shared(CodesSaid(items=items))
