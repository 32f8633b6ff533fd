"""Programs with a licence key at the door: the key in the Authorization header, limits, refusals as problem documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from flask import Response, current_app, g, request
from flask_babel import gettext as _
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond, parse

from portal.accounts.bearer import credentials
from portal.core import i18n, web
from portal.core.api import Responses, responses
from portal.core.problems import MEDIA_TYPE, problem
from portal.core.settings import settings
from portal.services.licences import keys
from portal.services.licences.denial import SAID, Denied, Not
from portal.services.licences.kinds import Code

View = TypeVar("View", bound=Callable[..., Any])
# So many on average, and as many at once as a cluster needs that boots.
LIMITS: dict[str, RateLimitItem] = {
    "licence-unknown": RateLimitItemPerMinute(20),
    "licence-validate": RateLimitItemPerSecond(500, 10),
    "licence-claim": RateLimitItemPerSecond(1000, 20),
    "licence-token": RateLimitItemPerMinute(120),
}
_WORDS = ("type", "title", "detail", "instance", "code", "reference", "reason", "next_free_at", "until")
_LIST = {"type": "object", "additionalProperties": {"type": "string"}}
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        **{name: {"type": "string"} for name in _WORDS},
        **{name: {"type": "integer"} for name in ("status", "limit", "live", "most")},
        **{name: {"type": "array", "items": _LIST} for name in ("errors", "refused")},
    },
    "additionalProperties": False,
}  # fmt: skip


def answers(*problems: int, **good: Any) -> Responses:
    """Return what an operation may answer: models, and problems that may carry a code."""
    made = responses(*problems, **good)
    content = {"content": {"application/problem+json": {"schema": SCHEMA}}}
    return {**made, **{str(one): content for one in problems}}


class ByKey(web.Lock):
    """A door for licence keys: one is sent, in the header and nowhere else. Whether it opens anything is judged inside."""

    def __str__(self) -> str:
        """Return how the list of permissions calls it."""
        return "whoever sends a licence's key"

    def open(self) -> Any:
        """Read the key once; None in `g.licence_key` for one that cannot be a key."""
        if _in_address():
            return problem(
                400, _("A key in the address"),
                _("A key belongs in the Authorization header, never in the address. Please end this one."),
            )  # fmt: skip
        given = credentials()
        if given is None:
            said = _("Please send the key of the licence: Authorization: Bearer …")
            return problem(401, _("A key is needed"), said, headers={"WWW-Authenticate": web.BEARER})
        g.private = True
        body = keys.read(given)
        g.licence_key = None if body is None else keys.digests(body)
        return None


def by_key(view: View) -> View:
    """Declare that a view opens to whoever sends a licence key."""
    return web.declare(view, ByKey())


def _in_address() -> bool:
    """Whether a key stands in the path or the query, where logs would keep it."""
    said = (
        [*request.path.split("/"), *request.args.values()]
        if request.query_string
        else request.path.split("/")
    )
    return any(keys.read(part) is not None for part in said if len(part) >= keys.LENGTH)


def hashed() -> tuple[str, ...]:
    """Return what may be stored of the key that was sent; raises `Denied` for one that is none."""
    found: tuple[str, ...] | None = g.licence_key
    if found is None:
        count_unknown()
        raise Denied(Code.KEY_UNKNOWN)
    return found


def count_unknown() -> None:
    """Let one address try few keys."""
    limit("licence-unknown", request.remote_addr or "")


def limit_token() -> None:
    """Count a request of a program that reads or manages licences with a token."""
    if g.get("token") is not None:
        limit("licence-token", str(g.token.id))


def limit(kind: str, who: str) -> None:
    """Count one request; raises `Denied` beyond the limit."""
    held = current_app.extensions
    gate: Limiter = held["portal_limiter"]
    own = held["settings"].limits.get(kind)
    most = LIMITS[kind] if own is None else _limit(own)
    if gate.enabled and not gate.limiter.hit(most, kind, who):
        raise Denied(Not.TOO_MANY_REQUESTS, retry_after=max(1, most.get_expiry() // 2))


@lru_cache(maxsize=16)
def _limit(words: str) -> RateLimitItem:
    return parse(words)


def said(code: Code | Not) -> str:
    """Return what a code means, in the reader's language."""
    return _said(code, i18n.language())


def said_back(code: Code) -> str:
    """Return what a code means in the language of the request, without asking the framework for its locale."""
    return _said(code, i18n.reader_language())


@lru_cache(maxsize=256)
def _said(code: Code | Not, _language: str) -> str:
    return str(SAID[code])


def refused(denied: Denied) -> Response:
    """Return a refusal as a problem document; for an unknown key always the same."""
    code = denied.code.value
    body: dict[str, Any] = {
        "type": f"{settings().public_url}/problems/{code.lower().replace('_', '-')}", "title": said(denied.code),
        "status": denied.status, "detail": _detail(denied), "code": code, **denied.facts,
    }  # fmt: skip
    if denied.status != 401:
        body["instance"] = f"urn:request:{g.get('request_id', '')}"
    made = Response(json.dumps(body, ensure_ascii=False), status=denied.status, content_type=MEDIA_TYPE)
    made.headers["Cache-Control"] = "no-store"
    if denied.status == 401:
        made.headers["WWW-Authenticate"] = f'{web.BEARER}, error="invalid_token"'
    if denied.retry_after is not None:
        g.retry_after = denied.retry_after
        made.headers["Retry-After"] = str(denied.retry_after)
    return made


def _detail(denied: Denied) -> str:
    if denied.code in (Not.NODE_LIMIT_REACHED, Not.KEY_LIMIT_REACHED):
        return _(
            "%(live)s of %(limit)s nodes are live.", live=denied.facts["live"], limit=denied.facts["limit"]
        )
    return str(denied)
