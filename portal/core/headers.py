"""The security headers that stand on every answer: pages, files, errors and what programs are told."""

from __future__ import annotations

import secrets

from flask import Response, g, request, session

from portal.core.assets import LIBRARIES
from portal.core.problems import by_program
from portal.core.settings import settings

FIXED = (
    ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
)  # fmt: skip
PLAIN = frozenset({"Content-Type", "Content-Length"})
CLOSED = "default-src 'none'; frame-ancestors 'none'"  # what programs are answered is no page: it loads and runs nothing


def csp_nonce() -> str:
    """Return this response's nonce, made on first use."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def policy() -> str:
    """Return the content security policy of this response; forms lead to us and to the payment page alone."""
    if "csp_nonce" not in g and by_program():
        return CLOSED
    payment = " https://checkout.stripe.com" if settings().stripe_secret_key else ""
    return (
        "default-src 'none'; "
        f"script-src 'nonce-{csp_nonce()}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; form-action 'self'{payment}; object-src 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def put(response: Response) -> Response:
    """Put the security headers on every answer, errors and files too."""
    written = response.headers
    said = [*FIXED, ("X-Request-ID", g.get("request_id", ""))]
    if "Content-Security-Policy" not in written:
        said.append(("Content-Security-Policy", policy()))
    if settings().https:
        said.append(("Strict-Transport-Security", "max-age=31536000; includeSubDomains"))
    if _private():
        said.append(("Cache-Control", "no-store"))
    if response.status_code == 429:
        said.append(("Retry-After", str(g.get("retry_after", 60))))
    if set(written.keys()) <= PLAIN:
        written.extend(
            said
        )  # nothing of it can be there already, and looking for each takes most of the time
    else:
        written.update(said)
    return response


def _private() -> bool:
    """Whether an answer is one reader's own: behind a door, or from a browser whose cookie holds more than a language."""
    if request.endpoint in LIBRARIES:
        return False
    return bool(g.get("private")) or bool(set(session) - {"language", "csrf_token", "_flashes"})
