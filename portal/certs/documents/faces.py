"""Which face a name is set in: the first family that has every letter of the whole field, else a refusal in words."""

from __future__ import annotations

import bisect
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.certs.naming import Names
from portal.core.errors import Refused
from portal.core.settings import settings

FAMILIES = ("text", "wide", "latin")
LEDGER = "fonts.json"
MEND = "run `portal fonts build`"


@dataclass(frozen=True, slots=True)
class Families:
    """The families that were built: per name the files of both weights, and the code points both have as ranges."""

    files: dict[str, dict[str, str]]
    starts: dict[str, tuple[int, ...]]
    ends: dict[str, tuple[int, ...]]

    def has(self, family: str, char: str) -> bool:
        """Whether a family has a letter."""
        starts, code = self.starts[family], ord(char)
        place = bisect.bisect_right(starts, code) - 1
        return place >= 0 and code <= self.ends[family][place]

    def lacks(self, family: str, text: str) -> list[str]:
        """Return the letters of a text that a family has not, each once."""
        return [char for char in dict.fromkeys(text) if char != " " and not self.has(family, char)]

    def face_for(self, text: str) -> str | None:
        """Return the first family that has all of a text; None if none has."""
        return next((one for one in FAMILIES if one in self.files and not self.lacks(one, text)), None)

    def unknown(self, text: str) -> list[str]:
        """Return the letters that keep a text from being set whole: those in no family, else of the best one."""
        nowhere = [char for char in dict.fromkeys(text) if all(self.lacks(one, char) for one in self.files)]
        return nowhere or min((self.lacks(one, text) for one in self.files), key=len)


def folder() -> Path:
    """Return where the built families lie."""
    return settings().home / "fonts"


def families() -> Families | None:
    """Return the families on this machine; None if they were not built yet."""
    ledger = folder() / LEDGER
    if not ledger.is_file():
        return None
    return _read(ledger, ledger.stat().st_mtime_ns)


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, read again only when it has changed."""
    known = file.stat()
    return _digest(file, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=32)
def _digest(file: Path, _stamp: int, _size: int) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def wrong(ledger: dict[str, Any]) -> list[str]:
    """Return the files of a ledger that are gone or are not those that it recorded."""
    return [
        file
        for family in ledger["families"].values()
        for weight, file in family["files"].items()
        if not Path(file).is_file() or digest(Path(file)) != family["sha256"][weight]
    ]


@lru_cache(maxsize=4)
def _read(ledger: Path, _stamp: int) -> Families:
    body: dict[str, Any] = json.loads(ledger.read_text("utf-8"))
    spans = {name: one["ranges"] for name, one in body["families"].items()}
    return Families(
        files={name: one["files"] for name, one in body["families"].items()},
        starts={name: tuple(pair[0] for pair in ranges) for name, ranges in spans.items()},
        ends={name: tuple(pair[1] for pair in ranges) for name, ranges in spans.items()},
    )


def refuse_unprintable(names: Names) -> None:
    """Refuse a name of which no family has every letter, naming the letters; without families the paper waits."""
    known = families()
    if known is None:
        return
    for field, text in (("name_zh", names.zh), ("name_latin", names.latin)):
        if text and known.face_for(text) is None:
            letters = ", ".join(f"{char} (U+{ord(char):04X})" for char in known.unknown(text))
            raise Refused(
                _l(
                    "No font here has these letters of the name together: %(letters)s. Please write the name with other"
                    " letters, or in one script alone.",
                    letters=letters,
                ),
                field=field,
                status=422,
            )
