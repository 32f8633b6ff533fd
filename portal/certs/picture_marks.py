"""Where the pictures of an item stand: marks such as `[[picture:1]]` in its texts. Pure.

A mark is the same in both languages and needs no escape anywhere: GIFT gives `~ = # { }` and `->` a meaning, Markdown and HTML
leave two square brackets in peace where links are switched off, and whoever reads the bare text sees what is meant. Capitals, spaces and
the full-width colon are taken, since people who write Chinese type them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from portal.certs.gift_answers import Kind
from portal.certs.item_content import LANGUAGES, Content, Words

MARK = re.compile(r"\[\[\s*picture\s*[:：]\s*([0-9]{1,2})\s*\]\]", re.IGNORECASE)
ALMOST = re.compile(r"\[\[\s*picture", re.IGNORECASE)


def mark(place: int) -> str:
    """Return the mark of a picture."""
    return f"[[picture:{place}]]"


def marks(text: str) -> list[int]:
    """Return the numbers of the pictures that a text names, in their order."""
    return [int(one) for one in MARK.findall(text)]


def replaced(text: str, put: Callable[[int], Markup]) -> Markup:
    """Return markup with each mark replaced; marks hold nothing that markup escapes."""
    return Markup(MARK.sub(lambda found: str(put(int(found.group(1)))), text))  # noqa: S704 - markup, and what `put` gives is


def named(content: Content) -> list[int]:
    """Return the numbers of all pictures that the text and the options name, in either language."""
    return sorted({n for words in _fields(content) for one in words.values() for n in marks(one)})


def _fields(content: Content) -> list[Words]:
    """Return the texts in which pictures may stand; what a short answer is compared with is none of them."""
    shown = [] if content.kind is Kind.SHORT else [one["text"] for one in content.options]
    return [content.text, *shown]


def _elsewhere(content: Content) -> list[Words]:
    keys = [one["text"] for one in content.options] if content.kind is Kind.SHORT else []
    return [content.feedback, *keys, *(one.get("feedback") or {} for one in content.options)]


def faults(content: Content, places: Collection[int]) -> list[LazyString]:
    """Return what keeps an item with pictures from review, a sentence each."""
    found: list[LazyString] = []
    fields, known = _fields(content), named(content)
    every = [one for words in [*fields, *_elsewhere(content)] for one in words.values()]
    if any(ALMOST.search(MARK.sub("", one)) for one in every):
        found.append(_l("A mark of a picture is not written rightly: it reads %(mark)s.", mark=mark(1)))
    if any(marks(one) for words in _elsewhere(content) for one in words.values()):
        found.append(
            _l("A picture stands in the text or in an option, not in what is said afterwards or looked for.")
        )
    one_sided = {
        n
        for words in fields
        for n in known
        if len({marks(words.get(language, "")).count(n) for language in LANGUAGES}) > 1
    }
    found += [
        _l("Picture %(n)s stands at different places in the two languages: put its mark into the same texts of both.", n=n)
        for n in sorted(one_sided)
    ]  # fmt: skip
    found += [_l("%(mark)s names a picture that is not here: add it, or take the mark out.", mark=mark(n)) for n in known if n not in places]  # fmt: skip
    found += [
        _l("Picture %(n)s stands nowhere: write %(mark)s where it belongs, in a new version, or remove it.", n=n, mark=mark(n))
        for n in sorted(places)
        if n not in known
    ]  # fmt: skip
    return found
