"""Logs: one JSON object a line in production, with who asked what; never a password, token or code."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import g, has_request_context, request

HIDDEN = "[redacted]"
NAMES = re.compile(
    r"passw|secret|token|cookie|authorization|signature|api_?key|session_?key|seed|otp|csrf|^code$|_code$|^body$|"
    r"registration|identity|iban|account_?number",
    re.I,
)
# 40 and more characters of a URL-safe alphabet: our tokens, their digests, keys of providers.
SECRETS = re.compile(
    r"\b(?:whsec|sk_live|sk_test|rk_live)_[A-Za-z0-9_]+|(?<![\w-])[A-Za-z0-9_-]{40,}(?![\w-])"
)
CREDENTIALS = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
LONGEST = 4000


def hidden(value: Any, name: str = "") -> Any:
    """Return a value as it may stand in a log."""
    if name and NAMES.search(name):
        return HIDDEN
    if isinstance(value, dict):
        return {str(key): hidden(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [hidden(item) for item in value]
    if isinstance(value, str):
        return CREDENTIALS.sub("://[redacted]@", SECRETS.sub(HIDDEN, value))[:LONGEST]
    return value if value is None or isinstance(value, bool | int | float) else hidden(str(value))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets out of an entry, by the name of the field and by their shape."""
    for key, value in list(event.items()):
        event[key] = hidden(value, key)
    return event


def who_asks(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the number of the request, its address and who is signed in."""
    if has_request_context():
        reader = g.get("who")
        event.setdefault("request_id", g.get("request_id", ""))
        event.setdefault("address", request.remote_addr or "")
        if reader is not None:
            event.setdefault("actor_id", reader.person.id)
    return event


def configure(*, json: bool) -> None:
    """Let every entry go to standard output: JSON for a collector, or lines for a person."""
    shown: list[Any] = [structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True)]
    if not json:
        shown = [structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            who_asks,
            structlog.processors.format_exc_info,
            redact,
            *shown,
        ],
        cache_logger_on_first_use=False,
    )
