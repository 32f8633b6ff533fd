"""What states and kinds are called on pages, and their tone: good, wait, warn, bad or mute."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

from flask_babel import LazyString

from portal.core import i18n

_words: dict[tuple[type[StrEnum], str], LazyString] = {}
_tones: dict[tuple[type[StrEnum], str], str] = {}


def name(
    kind: type[StrEnum], words: Mapping[Any, LazyString], tones: Mapping[Any, str] | None = None
) -> None:
    """Give every member of an enum its words, and some of them a tone."""
    if missing := [member for member in kind if member not in words]:
        raise LookupError(f"{kind.__name__} has members without words: {missing}")
    _said.cache_clear()
    _words.update({(kind, str(member)): said for member, said in words.items()})
    _tones.update({(kind, str(member)): tone for member, tone in (tones or {}).items()})


def label(value: Any) -> str:
    """Return what a state is called in the reader's language; other values as they are."""
    kind: Any = type(value)
    return _said(kind, str(value), i18n.language())


@lru_cache(maxsize=4096)
def _said(kind: Any, value: str, _language: str) -> str:
    return str(_words.get((kind, value), value))


def tone(value: Any) -> str:
    """Return the tone of a state's badge."""
    return _tones.get((type(value), str(value)), "mute")
