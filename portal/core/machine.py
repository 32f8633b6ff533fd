"""What this machine has and what it misses, and the settings in force without their secrets."""

from __future__ import annotations

import ctypes
import re
import shutil
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from portal.core.pdf import fonts_ready

if TYPE_CHECKING:
    from config import Settings

LIBRARIES = (
    ("pango", "laying out PDF documents", "libpango-1.0-0", ("libpango-1.0.so.0", "libpango-1.0.dylib")),
    (
        "pangoft2",
        "fonts in PDF documents",
        "libpangoft2-1.0-0",
        ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib"),
    ),
    (
        "harfbuzz-subset",
        "small and quick PDF documents with Chinese fonts",
        "libharfbuzz-subset0",
        ("libharfbuzz-subset.so.0", "libharfbuzz-subset.0.dylib"),
    ),
)
PROGRAMS = (
    ("chromium", "the tests in a browser", "chromium", ("chromium", "chromium-browser", "google-chrome")),
    ("redis-server", "the tests with Redis", "redis-server", ("redis-server",)),
)
ADDRESSES = ("_url", "_base")
SHOWN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]*)(:\d+)?(/[^?#@]*)?")


@dataclass(frozen=True, slots=True)
class Need:
    """Something outside Python the portal uses: whether it is here, and the Debian packages that bring it."""

    name: str
    ok: bool
    what_for: str
    packages: tuple[str, ...]
    tests_only: bool = False


def needs() -> list[Need]:
    """Return what the portal and its tests need of this machine, each looked for now."""
    found = [Need(name, _loads(files), why, (package,)) for name, why, package, files in LIBRARIES]
    found.append(Need("Chinese font", fonts_ready(), "Chinese letters in PDF documents", ("fonts-noto-cjk",)))
    found += [
        Need(name, any(map(shutil.which, commands)), why, (package,), tests_only=True)
        for name, why, package, commands in PROGRAMS
    ]
    return found


def lacks(name: str) -> str:
    """Return the command that brings a library which is not here; empty if it is."""
    package, files = next((package, files) for known, _why, package, files in LIBRARIES if known == name)
    return "" if _loads(files) else f"apt-get install {package}"


def _loads(files: tuple[str, ...]) -> bool:
    """Whether the dynamic linker finds and loads one of these libraries."""
    for file in files:
        try:
            ctypes.CDLL(file)
        except OSError:
            continue
        return True
    return False


def report(settings: Settings) -> list[tuple[str, str]]:
    """Return each setting's name in the environment and its value; secrets are only "set" or "not set"."""
    return [
        (_name(field.name), _shown(field.name, getattr(settings, field.name), secret=not field.repr))
        for field in fields(settings)
    ]


def _name(field: str) -> str:
    if field == "testing":
        return field
    return field.upper() if field.startswith("stripe_") else f"PORTAL_{field.upper()}"


def _shown(name: str, value: object, *, secret: bool) -> str:
    if value in ("", ()):
        return "not set"
    if name.endswith(ADDRESSES):
        return bare(str(value))
    if secret:
        return "set"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def bare(url: str) -> str:
    """Return an address without user, password and query; only its scheme if those cannot be told apart."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "set"
    if not re.search(r"[?#].*@", rest):
        place = re.split(r"[?#]", rest.rpartition("@")[2], maxsplit=1)[0]
        if SHOWN.fullmatch(place):
            return f"{scheme}://{place}"
    return f"{scheme}://(not shown)"
