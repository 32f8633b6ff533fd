"""Names on documents: in Chinese and Latin script, hidden as their holder wishes, compared with what a visitor typed."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels

LONGEST = 80


class Shown(StrEnum):
    """How much of a name the public check shows; its holder decides per award."""

    FULL = "full"
    MASKED = "masked"
    HIDDEN = "hidden"


labels.name(
    Shown,
    {
        Shown.FULL: _l("The full name"),
        Shown.MASKED: _l("First letters only"),
        Shown.HIDDEN: _l("No name"),
    },
)


@dataclass(frozen=True, slots=True)
class Names:
    """A name as it stands on a document; one of the two scripts may be empty."""

    zh: str = ""
    latin: str = ""

    @property
    def first(self) -> str:
        """The name in one script: the Chinese one where there is one."""
        return self.zh or self.latin


def tidy(text: str) -> str:
    """Return a name in its canonical form (NFC), with single spaces and without controls."""
    return " ".join("".join(c for c in unicodedata.normalize("NFC", text) if c.isprintable()).split())


def _masked(name: str) -> str:
    """Return the first letters of a name: `张*`, `Z*** W*`; how long it is stays hidden."""
    words = name.split()
    if not words:
        return ""
    if ord(words[0][0]) >= 0x2E80:
        return f"{words[0][0]}*"
    return " ".join([f"{words[0][0]}***", *(f"{word[0]}*" for word in words[1:2])])


def shown(names: Names, how: Shown) -> Names:
    """Return what the public sees of a name."""
    if how is Shown.FULL:
        return names
    if how is Shown.MASKED:
        return Names(_masked(names.zh), _masked(names.latin))
    return Names()


def _bare(text: str) -> str:
    """Return a name without what people type differently: case, width, spaces, dots, hyphens, accents' forms."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFC", "".join(c for c in folded if c.isalnum() or unicodedata.combining(c)))


def matches(names: Names, typed: str) -> bool:
    """Whether what a visitor typed is the name on the document, in either script or both."""
    given = _bare(typed[:300])
    zh, latin = _bare(names.zh), _bare(names.latin)
    known = {zh, latin, zh + latin, latin + zh} - {""}
    return bool(given) and given in known
