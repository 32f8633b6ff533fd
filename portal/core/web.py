"""Web helpers: who may enter, response headers, refusals as pages, addresses that keep their filters."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import structlog
from flask import Flask, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from portal.core.errors import Refused
from portal.core.settings import settings
from portal.core.templates import address

log = structlog.get_logger(__name__)
View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"
SIGNED_IN = "signed in"
QUERY = "!$'()*,/:;?@"  # what a query may hold as it is
ACCESS = "__portal_access__"


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
    if endpoint is None or endpoint in {"static", "bootstrap.static"}:
        return None
    return current_app.view_functions.get(endpoint)


def csp_nonce() -> str:
    """Return this response's nonce, made on first use."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def policy() -> str:
    """Return the content security policy of this response."""
    return (
        "default-src 'none'; "
        f"script-src 'nonce-{csp_nonce()}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self' https://checkout.stripe.com; object-src 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def headers(response: Response) -> Response:
    """Put the security headers on every answer, errors and files too."""
    response.headers.setdefault("Content-Security-Policy", policy())
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if settings().https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if g.get("private"):
        response.headers["Cache-Control"] = "no-store"
    return response


def safe_next(target: str | None, otherwise: str) -> str:
    """Return a path of ours to go on to, or the other one."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\n" in target:
        return otherwise
    parts = urlsplit(target)
    return target if not parts.netloc and not parts.scheme else otherwise


def url_with(**changes: Any) -> str:
    """Return this page's address with some of its query changed; None drops a key."""
    query: dict[str, Any] = {**request.args.to_dict(flat=False), **changes}
    kept = {key: value for key, value in query.items() if value not in (None, "", [])}
    path = address(request.endpoint or "public.home", **(request.view_args or {}))
    return path + ("?" + urlencode(kept, doseq=True, safe=QUERY) if kept else "")


def absolute(endpoint: str, **values: Any) -> str:
    """Return a full address for mail and documents, from the configured public URL and never from `Host`."""
    # Bound here and not by `url_for`: the worker writes mail and papers without a request.
    path = current_app.url_map.bind("portal").build(endpoint, values, force_external=False)
    return settings().public_url + path


def wants_problem() -> bool:
    """Whether the caller is a program."""
    return request.path.startswith("/api/")


def error_page(status: int, title: str, text: str) -> tuple[str, int]:
    """Return the polite page of an error: a sentence, a way on, and the number to quote."""
    return render_template(
        "error.html", status=status, title=title, text=text, reference=g.request_id
    ), status


def _sentences(status: int) -> tuple[str, str]:
    known = {
        400: (_("We could not read that"), _("Something in the request was not as expected. Please go back and try again.")),
        401: (_("Please sign in"), _("This page opens once you have signed in.")),
        403: (_("This is not open to you"), _("Your account may not do this. Ask whoever manages your organisation, or us.")),
        404: (_("Nothing here"), _("The page does not exist, or it belongs to somebody else.")),
        405: (_("Not possible that way"), _("This address does not take that kind of request.")),
        409: (_("Changed meanwhile"), _("Somebody else changed this while you were looking. Please reload and try again.")),
        413: (_("Too large"), _("The file or form is larger than we take.")),
        429: (_("Too many tries"), _("Please wait a little before you try again.")),
    }  # fmt: skip
    return known.get(
        status,
        (_("Something went wrong"), _("It is our fault, not yours. Nothing was lost; please try again.")),
    )


def _on_http(error: HTTPException) -> Any:
    status = error.code or 500
    if wants_problem() or status < 400:
        return error
    title, text = _sentences(status)
    page = error_page(status, title, text)
    answer = Response(page[0], status=status)
    if isinstance(allowed := getattr(error, "valid_methods", None), list | tuple | set):
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _on_refused(error: Refused) -> Any:
    title, _text = _sentences(error.status)
    return error_page(error.status, title, str(error))


def _on_stale(_error: StaleDataError) -> Any:
    return error_page(409, *_sentences(409))


def _on_bug(error: Exception) -> Any:
    log.exception("bug", reference=g.request_id, path=request.path, kind=type(error).__name__)
    return error_page(500, *_sentences(500))


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
    app.register_error_handler(CSRFError, _on_csrf)
    app.register_error_handler(Exception, _on_bug)


def go(endpoint: str, words: str | None = None, *, tone: str = "good", **values: Any) -> BaseResponse:
    """Redirect after a post, with a sentence about what happened."""
    if words:
        flash(words, tone)
    return redirect(url_for(endpoint, **values), code=303)
