"""What an item says, apart from its row: from GIFT or a form to a version, and how two languages come together. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

from portal.certs import gift
from portal.certs.gift_answers import Kind, Number, Option

LANGUAGES = ("zh", "en")
HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
TRUTH: tuple[dict[str, str], dict[str, str]] = ({"en": "True", "zh": "正确"}, {"en": "False", "zh": "错误"})
Words = dict[str, str]


@dataclass(frozen=True, slots=True)
class Content:
    """All that a version says: texts by language, options with weights as text, numbers that are looked for."""

    kind: Kind
    text: Words
    format: str = "plain"
    options: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[dict[str, str]] = field(default_factory=list)
    feedback: Words = field(default_factory=dict)
    points: int = 1

    @property
    def digest(self) -> str:
        """Return the SHA-256 of everything it says."""
        said = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(said.encode("utf-8")).hexdigest()


def exact(number: Decimal) -> str:
    """Return a number as text, the same for the same value: no zeros behind it, no exponent."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def code_of(n: int) -> str:
    """Return the code of the n-th option, from 0: a, b, c …"""
    return "abcdefghijklmnopqrstuvwxyz"[n]


def language_of(text: str) -> str:
    """Return the language of a text: Chinese if any character of it is."""
    return "zh" if HAN.search(text) else "en"


def _words(text: str, language: str) -> Words:
    return {language: text} if text else {}


def _option(n: int, one: Option, language: str, truth: bool | None) -> dict[str, Any]:
    text = _words(one.text, language) if truth is None else dict(TRUTH[n])
    return {
        "code": code_of(n), "text": text, "weight": exact(one.weight), "feedback": _words(one.feedback, language),
        "pinned": truth is not None,
    }  # fmt: skip


def _number(one: Number) -> dict[str, str]:
    return {"value": exact(one.value), "tolerance": exact(one.tolerance), "weight": exact(one.weight)}


def from_gift(item: gift.Item, language: str) -> Content:
    """Return the content of an item of a file, in the language in which it is written."""
    answer = item.answer
    options = [_option(n, one, language, answer.truth) for n, one in enumerate(answer.options)]
    return Content(
        answer.kind, {language: item.text}, item.format, options, [_number(one) for one in answer.numbers],
        _words(answer.general, language),
    )  # fmt: skip


def _shape(content: Content) -> tuple[Any, ...]:
    """Return what both languages share: kind, weights in their order, numbers."""
    weights = [(one["weight"], one["pinned"]) for one in content.options]
    return content.kind, content.format, weights, content.numbers


def within(new: Content, old: Content, language: str) -> bool:
    """Whether an older content says in one language all that a new one says."""
    if _shape(new) != _shape(old):
        return False
    pairs = [(new.text, old.text), (new.feedback, old.feedback)]
    for mine, theirs in zip(new.options, old.options, strict=True):
        pairs += [(mine["text"], theirs["text"]), (mine["feedback"], theirs["feedback"])]
    return all(mine.get(language, "") == theirs.get(language, "") for mine, theirs in pairs)


def joined(new: Content, old: Content) -> Content:
    """Return a new content with the other language of an older one, if options and numbers are the same."""
    if _shape(new) != _shape(old):
        return replace(new, points=old.points)
    options = [
        {**mine, "text": theirs["text"] | mine["text"], "feedback": theirs["feedback"] | mine["feedback"]}
        for mine, theirs in zip(new.options, old.options, strict=True)
    ]
    return replace(
        new, text=old.text | new.text, options=options, feedback=old.feedback | new.feedback, points=old.points
    )  # fmt: skip


def missing(content: Content) -> list[str]:
    """Return the languages in which the text or an option says nothing."""
    texts = [content.text, *(one["text"] for one in content.options)]
    return [one for one in LANGUAGES if any(not text.get(one, "").strip() for text in texts)]
