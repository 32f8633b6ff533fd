"""The words under which texts are found: Latin words as they are, Chinese by pairs of characters; pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 40
MOST_ASKED = 12
# Han characters of the first planes, and what Chinese texts write with them.
_HAN = re.compile(r"[㐀-䶿一-鿿豈-﫿]+")
_LATIN = re.compile(r"[^\W_]+(?:[+#]+|[.\-][^\W_]+)*")


def folded(text: str) -> str:
    """Return a text as it is compared: NFKC, one case."""
    return unicodedata.normalize("NFKC", text).casefold()


def _pairs(run: str) -> set[str]:
    """Return the pairs of a run of Chinese characters and its last character, so that each character begins a term."""
    return {run[n : n + 2] for n in range(len(run))}


def terms_of(texts: Iterable[str]) -> set[str]:
    """Return every term of some texts."""
    found: set[str] = set()
    for text in texts:
        said = folded(text)
        for run in _HAN.findall(said):
            found |= _pairs(run)
        for word in _LATIN.findall(_HAN.sub(" ", said)):
            found.add(word[:LONGEST])
            if not word.isalnum():  # c++, pytorch-lightning: also by their parts
                found |= {part[:LONGEST] for part in re.split(r"[.\-+#]+", word) if len(part) > 1}
    return found


def asked(text: str) -> list[str]:
    """Return the terms that all must be there for a text that somebody searches; a lone character is one of them."""
    said, found = folded(text), list[str]()
    for run in _HAN.findall(said):
        found += [run] if len(run) == 1 else sorted(run[n : n + 2] for n in range(len(run) - 1))
    found += [word[:LONGEST] for word in _LATIN.findall(_HAN.sub(" ", said))]
    return list(dict.fromkeys(found))[:MOST_ASKED]


def is_lone(term: str) -> bool:
    """Whether a term is one Chinese character: whatever begins with it fits."""
    return len(term) == 1 and _HAN.fullmatch(term) is not None
