"""The one way out to addresses that others chose: public ones alone, looked up once, no redirects, little time and size.

A name is resolved once and its address is what is connected to, so that nobody can answer differently the second time.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from flask_babel import lazy_gettext as _l

from portal.core import clock
from portal.core.errors import Refused

SECONDS, MOST_READ = 10.0, 4096
# Addresses that are public by their number and lead elsewhere: translated, tunnelled, or mapped from IPv4.
TUNNELS = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0/96"))
)


class Unreachable(OSError):
    """Nothing was delivered; the text says at which step it ended, and nothing of what is behind."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the beginning of the text, how long it took."""

    status: int
    text: str
    millis: int


def checked(url: str) -> str:
    """Return an address to which something may be sent; refused if its form alone forbids it."""
    try:
        _parts(url)
    except Unreachable as error:
        raise Refused(_l("Please give an address that begins with https:// and leads to a public host."), field="url", status=422) from error  # fmt: skip
    return url


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Unreachable("the address cannot be read") from error
    host = parts.hostname or ""
    bad = parts.scheme != "https" or not host or parts.username is not None or parts.fragment or port == 0
    if bad or not url.isascii() or not url.isprintable() or " " in url:
        raise Unreachable("the address is none that is allowed")
    if _address(host) is not None and not public(host):
        raise Unreachable("the address is not public")
    if _address(host) is None and (
        host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    ):
        raise Unreachable("the address is not public")
    return parts


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def public(address: str) -> bool:
    """Whether an address is one of the public internet: not private, local, shared, reserved, or a way round that."""
    found = _address(address.partition("%")[0])
    if found is None or not found.is_global or found.is_multicast:
        return False
    return not any(found in one for one in TUNNELS if one.version == found.version)


def resolved(host: str, port: int) -> str:
    """Return the address of a host, all of whose addresses are public."""
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("the name is not known") from error
    addresses = [str(row[4][0]) for row in rows]
    if not addresses or not all(public(one) for one in addresses):
        raise Unreachable("the address is not public")
    return addresses[0]


def trust() -> ssl.SSLContext:
    """Return what certificates are checked by."""
    return ssl.create_default_context()


class _To(http.client.HTTPSConnection):
    """A connection to an address found before, under the name that its certificate must have."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=SECONDS, context=context)
        self._where, self._checks = address, context
        self.cut = False

    def connect(self) -> None:
        """Connect to that address."""
        raw = socket.create_connection((self._where, self.port), timeout=SECONDS)
        self.sock = self._checks.wrap_socket(raw, server_hostname=self.host)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body to an address others chose; raises `Unreachable`. Redirects are answers like others."""
    return _ask("POST", url, body, headers)


def look(url: str) -> Answer:
    """Ask whether a page is there that others named; raises `Unreachable`. Redirects are answers like others."""
    return _ask("GET", url, None, {"Accept": "text/html", "User-Agent": "foundation-portal link check"})


def _ask(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    parts, began = _parts(url), clock.monotonic()
    host, port = parts.hostname or "", parts.port or 443
    connection = _To(host, port, resolved(host, port), trust())
    # Time-outs count between bytes: somebody who sends one now and then would hold us for ever.
    enough = threading.Timer(SECONDS, _cut, [connection])
    enough.daemon = True
    enough.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(MOST_READ).decode("utf-8", "replace")
        if connection.cut:  # cut off by ourselves: what came may look whole
            raise TimeoutError
        return Answer(answer.status, text, int((clock.monotonic() - began) * 1000))
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        raise Unreachable(_why(error)) from error
    finally:
        enough.cancel()
        connection.close()


def _cut(connection: _To) -> None:
    connection.cut, sock = True, connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            sock.close()


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate does not hold"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    return "the connection broke"
