"""Web helpers: who may enter, response headers, refusals as pages, addresses that keep their filters."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)  # fmt: skip
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from portal.core.assets import LIBRARIES
from portal.core.db import let_go
from portal.core.errors import Refused
from portal.core.problems import by_program, problem
from portal.core.retry import lost_race
from portal.core.settings import settings

log = structlog.get_logger(__name__)
View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"
LONG_QUERY = 300
SIGNED_IN = "signed in"
ACCESS = "__portal_access__"
SECRETS = {"csrf_token", "password", "current", "code", "next"}
SINGLE = re.compile(r"[!-~]*")
BEARER = 'Bearer realm="portal"'
BARE = (
    '<!doctype html><html lang="en"><title>Something went wrong</title><p>系统暂时无法响应，请稍后再试。</p>'
    "<p>Something went wrong on our side. Nothing was lost; please try again in a minute.</p><p><code>{}</code></p>"
)


class Lock(ABC):
    """A declaration that opens or refuses by itself, such as the scope a program's token must have."""

    @abstractmethod
    def open(self) -> Any:
        """Return None to let the request in, or the answer that refuses it."""


def declare(view: View, access: object) -> View:
    """Write on a view who may enter; the guard reads it and a test walks every endpoint for it."""
    setattr(view, ACCESS, access)
    return view


def public(view: View) -> View:
    """Declare that anybody may enter."""
    return declare(view, PUBLIC)


def view_of_request() -> Callable[..., Any] | None:
    """Return the view behind this request; None for unknown addresses and the libraries' own files."""
    endpoint = request.endpoint
    if endpoint is None or endpoint in LIBRARIES:
        return None
    return current_app.view_functions.get(endpoint)


def safe_next(target: str | None, otherwise: str) -> str:
    """Return a path of ours to go on to, or the other one."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith(("//", "/\\"))
        or not target.isprintable()
    ):
        return otherwise
    try:
        parts = urlsplit(target)
    except ValueError:
        return otherwise
    return target if not parts.netloc and not parts.scheme else otherwise


def url_with(**changes: Any) -> str:
    """Return this page's address with some of its query changed; None drops a key."""
    # Not by `url_for`: the reader's own keys would become its arguments (`_scheme`, `endpoint`).
    asked = request.query_string
    # What nobody types is not worth remembering.
    spell = _with if len(asked) < LONG_QUERY else _with.__wrapped__
    return spell(request.path, asked, tuple(changes.items()))


def chip(key: str, code: str, words: str, now: str) -> dict[str, Any]:
    """Return a choice of a filter: it narrows this page to a value, or lets go of it where it is chosen already."""
    active = now == code
    return {
        "label": words,
        "href": url_with(**{key: None if active else code, "page": None}),
        "active": active,
    }


@lru_cache(maxsize=4096)
def _with(path: str, asked: bytes, changes: tuple[tuple[str, Any], ...]) -> str:
    """Return an address with a changed query, remembered: every filter, heading and pager of a list asks for one."""
    query: dict[str, Any] = {**parse_qs(asked.decode("utf-8", "replace").replace("%00", "")), **dict(changes)}
    kept = {key: value for key, value in query.items() if value not in (None, "", [])}
    words = urlencode(kept, doseq=True)
    return quote(path) + (f"?{words}" if words else "")


def absolute(endpoint: str, **values: Any) -> str:
    """Return a full address for mail and documents, from the configured public URL and never from `Host`."""
    # Bound here and not by `url_for`: the worker writes mail and papers without a request.
    path = current_app.url_map.bind("portal").build(endpoint, values, force_external=False)
    return settings().public_url + path


def error_page(status: int, title: str, text: str) -> Any:
    """Return the polite page of an error: a sentence, a way on, and the number to quote; programs get a problem."""
    if by_program():
        return problem(status, title, text)
    kept = typed()
    if kept:
        g.private = True
    return render_template(
        "error.html", status=status, title=title, text=text, reference=g.request_id, typed=kept
    ), status


def typed() -> list[str]:
    """Return the words a refused form of ours brought along, so that its page can hand them back.

    Passwords and codes stay out, and so do single words: ids, paths and hashes are of no use to the reader.
    """
    if request.method != "POST" or request.headers.get("Sec-Fetch-Site") != "same-origin":
        return []
    try:
        given = [(name, words) for name, words in request.form.items(multi=True) if words.strip()]
    except HTTPException:  # too large to be read
        return []
    return [words for name, words in given if name not in SECRETS and not SINGLE.fullmatch(words)]


def _sentences(status: int) -> tuple[str, str]:
    known = {
        400: (_("We could not read that"), _("Something in the request was not as expected. Please go back and try again.")),
        401: (_("Please sign in"), _("This page opens once you have signed in.")),
        403: (_("This is not open to you"), _("Your account may not do this. Ask whoever manages your organisation, or us.")),
        404: (_("Nothing here"), _("The page does not exist, or it belongs to somebody else.")),
        405: (_("Not possible that way"), _("This address does not take that kind of request.")),
        409: (_("Changed meanwhile"), _("Somebody else changed this while you were looking. Please reload and try again.")),
        413: (_("Too large"), _("The file or form is larger than we take.")),
        415: (_("Not a kind we take"), _("Please send JSON: Content-Type application/json, in UTF-8.")),
        422: (_("Not right yet"), _("Something in what was sent is not right yet.")),
        429: (_("Too many tries"), _("Please wait a little before you try again.")),
        503: (_("Very busy right now"), _("Too many people are changing things at this moment. Nothing was changed; please try again in a minute.")),
    }  # fmt: skip
    return known.get(
        status,
        (_("Something went wrong"), _("It is our fault, not yours. Nothing was lost; please try again.")),
    )


def _on_http(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    answer = make_response(error_page(status, *_sentences(status)))
    if isinstance(allowed := getattr(error, "valid_methods", None), list | tuple | set):
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    if status == 401 and by_program():
        answer.headers["WWW-Authenticate"] = BEARER
    return answer


def _on_refused(error: Refused) -> Any:
    title, _text = _sentences(error.status)
    if by_program() and error.field:
        return problem(error.status, title, str(error), errors=[{"at": error.field, "problem": str(error)}])
    return error_page(error.status, title, str(error))


def _on_database(error: OperationalError) -> Any:
    if not lost_race(error):
        return _on_bug(error)
    answer = make_response(error_page(503, *_sentences(503)))
    answer.headers["Retry-After"] = "30"
    return answer


def _on_stale(_error: StaleDataError) -> Any:
    return error_page(409, *_sentences(409))


def _on_bug(error: Exception) -> Any:
    log.exception("bug", reference=g.request_id, rule=str(request.url_rule or ""), kind=type(error).__name__)
    return _after_a_fault(500)


def _after_a_fault(status: int) -> Any:
    """Return the error page from a clean transaction; a bare one if the database cannot even serve that."""
    try:
        let_go()
        return error_page(status, *_sentences(status))
    except Exception:
        log.exception("bare_error_page", reference=g.request_id)
        return Response(BARE.format(g.request_id), status=status, mimetype="text/html")


def _on_unreadable(_error: DataError) -> Any:
    """A value no column can hold (a number too long, a broken character) is the sender's mistake."""
    return _after_a_fault(400)


def _on_csrf(_error: CSRFError) -> Any:
    title, _text = _sentences(400)
    return error_page(
        400,
        title,
        _("The form was open too long or came from elsewhere. Please go back, reload and send it again."),
    )


def install_errors(app: Flask) -> None:
    """Show every failure as a sentence with its status."""
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(Refused, _on_refused)
    app.register_error_handler(StaleDataError, _on_stale)
    app.register_error_handler(OperationalError, _on_database)
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(DataError, _on_unreadable)
    app.register_error_handler(Exception, _on_bug)


def go(endpoint: str, words: str | None = None, *, tone: str = "good", **values: Any) -> BaseResponse:
    """Redirect after a post, with a sentence about what happened."""
    if words:
        flash(words, tone)
    return redirect(url_for(endpoint, **values), code=303)
