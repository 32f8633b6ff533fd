"""The outer shield: what is refused before a view is asked – foreign hosts and origins, odd paths, too many asks."""

from __future__ import annotations

import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Request, Response, abort, current_app, g, request
from flask_babel import lazy_gettext as _l
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded
from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect
from limits.storage import MemoryStorage, Storage
from werkzeug.datastructures import ImmutableMultiDict, iter_multi_items
from werkzeug.exceptions import BadRequest, TooManyRequests
from werkzeug.routing import IntegerConverter

from portal.core import clock, logs
from portal.core.errors import Forbidden
from portal.core.problems import by_program
from portal.core.settings import settings

log = structlog.get_logger(__name__)
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PROBES = frozenset({"public.healthz", "public.readyz"})
BIGGEST_ID = 2**63 - 1
# The outer limits, per address and kind of request. An office behind one address must fit below them; the
# waits that follow one account are in `portal.accounts.throttle` and survive a restart.
LIMITS = {
    "sign-in": "60/minute",
    "register": "30/minute",
    "reset": "20/minute",
    "search": "300/minute",
    "paper": "300/minute",
    "export": "60/minute",
    "feed": "60/minute",
    "verify": "30/minute",
    "verify-name": "5/minute",
}
# However many ask: nobody counts through the numbers of certificates, from however many addresses.
TOGETHER = "20/second"
FEEDS = {"calendars.feed_of"}  # read without signing in, by whoever has the address
CHECKS = {"verify.number_page", "verify.compare", "api_certificates.get_certificate"}
DOORS = {"accounts.sign_in": "sign-in", "accounts.second": "sign-in", "accounts.passkey_use": "sign-in",
         "accounts.again": "sign-in", "accounts.register": "register", "accounts.ask_reset": "reset",
         "verify.match_name": "verify-name"}  # fmt: skip
PAPERS = ("pdf", "certificate", "file", "document", "receipt_paper")
EXPORTS = ("export", "csv", "xlsx", "landscape", "_json", "archive")


class Values(ImmutableMultiDict[str, Any]):
    """Query and form values without NUL, which no database can keep and nobody types."""

    def __init__(self, mapping: Any = None) -> None:
        if mapping is not None:
            pairs: Iterable[tuple[str, Any]] = iter_multi_items(mapping)
            mapping = [
                (key.replace("\0", ""), value.replace("\0", "") if isinstance(value, str) else value)
                for key, value in pairs
            ]
        super().__init__(mapping)


class PlainRequest(Request):
    """A request whose query and form carry no NUL."""

    parameter_storage_class = Values


class RowNumber(IntegerConverter):
    """A row's number in an address: larger ones than a database can hold name nothing."""

    def __init__(self, map: Any, *args: Any, **options: Any) -> None:
        options["max"] = min(options.get("max") or BIGGEST_ID, BIGGEST_ID)
        super().__init__(map, *args, **options)


class QuietMemory(MemoryStorage):
    """Counts in memory, without the threads that the library starts: one when it is made, and one for each count.

    What is over is swept away by a request, every few seconds.
    """

    STORAGE_SCHEME = ["quiet-memory"]
    EVERY = 5.0

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_: str) -> None:
        self.storage = Counter()
        self.locks = defaultdict(threading.RLock)
        self.expirations = {}
        self.events = {}
        self.timer = threading.Timer(0.01, self._MemoryStorage__expire_events)  # type: ignore[attr-defined]
        self.swept = clock.monotonic()
        Storage.__init__(self, uri, wrap_exceptions=wrap_exceptions)

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802 - the library’s own name for it
        now = clock.monotonic()
        if now - self.swept >= self.EVERY:
            self.swept = now
            self._MemoryStorage__expire_events()  # type: ignore[attr-defined]


def kind_of_request() -> str:
    """Return which outer limit this request falls under; empty if none."""
    endpoint = request.endpoint or ""
    if endpoint in CHECKS:
        return "verify"
    if endpoint in FEEDS:
        return "feed"
    if request.method not in SAFE:
        return DOORS.get(endpoint, "")
    name = endpoint.rsplit(".", 1)[-1]
    if any(word in name for word in EXPORTS) or request.args.get("format") in {"csv", "xlsx", "json"}:
        return "export"
    if any(word in name for word in PAPERS):
        return "paper"
    return "search" if request.args.get("q") else ""


class Gate(Limiter):
    """The library's limiter, asked for requests under a limit alone: it works long before it exempts the others."""

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if kind_of_request():
            super()._check_request_limit(callable_name, in_middleware)


def _limit() -> str:
    kind = kind_of_request()
    return {**LIMITS, **settings().limits}.get(kind, "1000000/second")  # the library asks before it exempts


def _limit_of_all() -> str:
    return {"verify-all": TOGETHER, **settings().limits}["verify-all"]


def _who_asks() -> str:
    return f"{kind_of_request()}:{request.remote_addr or ''}"


def arrive() -> None:
    """Give each request a number, and refuse foreign hosts, odd paths and forms sent from elsewhere."""
    g.request_id = secrets.token_hex(6)
    found = settings()
    hosts = found.hosts
    if hosts and host_name(request.host) not in hosts and request.endpoint not in PROBES:
        raise BadRequest
    if "\0" in request.path:
        abort(404)
    if request.method not in SAFE and not _from_here(found.public_url):
        raise Forbidden(_l("This was sent from another site. Please open the page here and send it again."))


def host_name(host: str) -> str:
    """Return a `Host` without its port, as the list of hosts writes it."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _from_here(ours: str) -> bool:
    """Whether the browser says that a change was asked for by a page of ours; programs say nothing."""
    said = request.headers
    if said.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = said.get("Origin")
    return origin is None or origin in {request.host_url.rstrip("/"), ours}


def on_limit(_error: RateLimitExceeded) -> Any:
    """Say that a limit was hit, and when to come again."""
    limiter: Limiter = current_app.extensions["portal_limiter"]
    found = limiter.current_limit
    wait = found.reset_at - int(clock.now().timestamp()) if found else 60
    g.retry_after = max(1, min(wait, 3600))
    log.warning("limit_hit", kind=kind_of_request())
    return current_app.handle_http_exception(TooManyRequests())


def note_refusal(response: Response) -> Response:
    """Leave a line for each refusal; the rule and not the path, which may carry a ticket."""
    if response.status_code in {400, 401, 403, 429}:
        rule = str(request.url_rule or "")
        log.warning("refused", status=response.status_code, method=request.method, rule=rule)
    return response


def spare_programs(app: Flask, csrf: CSRFProtect, login: LoginManager) -> None:
    """Leave out what only concerns cookies: programs bring none that is looked at, and nobody is remembered by one."""
    asked = app.before_request_funcs[None]
    protect = next(one for one in asked if getattr(one, "__module__", "") == csrf.__module__)

    def of_people() -> Any:
        return None if by_program() else protect()

    asked[asked.index(protect)] = of_people
    app.after_request_funcs[None].remove(login._update_remember_cookie)


def prepare(app: Flask) -> None:
    """Set what must stand before the first route: the request's class, the numbers in addresses, the log."""
    logs.configure(json=app.extensions["settings"].production)
    app.request_class = PlainRequest
    app.url_map.converters["int"] = RowNumber


def install(app: Flask) -> None:
    """Put the shield before everything else; the limits count what CSRF refuses, too."""
    found = app.extensions["settings"]
    app.before_request(arrive)
    app.config.update(
        RATELIMIT_ENABLED=not found.shield_off,
        RATELIMIT_STORAGE_URI=found.redis_url or "quiet-memory://",
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=bool(found.redis_url),
        RATELIMIT_STORAGE_OPTIONS=(
            {"socket_connect_timeout": 1, "socket_timeout": 1} if found.redis_url else {}
        ),
    )
    limiter = Gate(
        _who_asks,
        application_limits=[
            ApplicationLimit(_limit, exempt_when=lambda: not kind_of_request()),
            ApplicationLimit(
                _limit_of_all,
                key_function=lambda: "all",
                scope="verify",
                exempt_when=lambda: kind_of_request() != "verify",
            ),
        ],
    )
    limiter.init_app(app)
    # It writes no headers here and asks after each request whether it should; what it noted of one ends with it anyhow.
    told, ends = app.after_request_funcs[None], app.teardown_request_funcs[None]
    told[:] = [one for one in told if not (isinstance(one, partial) and one.args == (limiter,))]
    ends[:] = [one for one in ends if getattr(one, "__self__", None) is not limiter]
    app.extensions["portal_limiter"] = limiter
    app.register_error_handler(RateLimitExceeded, on_limit)
    app.after_request(note_refusal)
