"""Refusals for programs: RFC 9457 problem documents in the language the program asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

MEDIA_TYPE = "application/problem+json"
ROOT = "/api/"
PAGE = "/api/v1/"
FILES = {"/members.json", "/members/landscape.yml", "/metrics"}


def for_programs(path: str) -> bool:
    """Whether an address is for programs: below `/api/`, but for the page that describes it to people, or a file."""
    return (path.startswith(ROOT) and path != PAGE) or path in FILES


def by_program() -> bool:
    """Whether a program is calling: it has no cookies, and refusals to it are problem documents."""
    return for_programs(request.path)


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, for people alone: what a program sends as a cookie is never looked at."""

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return what signs and reads sessions: made once for the keys in force, not at each request."""
        keys = (app.secret_key, *app.config["SECRET_KEY_FALLBACKS"])
        held = app.extensions.get("signer")
        if held is None or held[0] != keys:
            held = app.extensions["signer"] = (keys, super().get_signing_serializer(app))
        return held[1]

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a browser; an empty one that cannot be written for a program."""
        if for_programs(request.path):
            return self.make_null_session(app)
        return super().open_session(app, request)


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    errors: Iterable[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document: what went wrong in words, where in the request, and the number to quote.

    Nothing that was sent is repeated in it.
    """
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "reference": g.get("request_id", ""),
    }
    if found := list(errors):
        body["errors"] = found
    answer = Response(json.dumps(body, ensure_ascii=False), status=status, content_type=MEDIA_TYPE)
    answer.headers.update(headers or {})
    answer.headers["Cache-Control"] = "no-store"
    return answer
