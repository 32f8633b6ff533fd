"""What a moderator's eye is drawn to: words of the catalogue's lists by language, wide pay, contact data; pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from portal.jobs.said import TONGUES, Said, texts
from portal.jobs.terms import folded

CONTACT, PAY, ALIKE, DOMAIN, RETURNED, SAME = "contact", "pay", "alike", "domain", "returned", "same"
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)|(?<!\d)0\d{2,3}[- ]\d{7,8}(?!\d)"
)
_CHAT = re.compile(r"(?:微信|wechat|qq|whatsapp|telegram)[号:： ]+[\w-]{5,}")


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to look at: its kind, the language it stands in (empty: both), the words found."""

    kind: str
    language: str = ""
    words: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as it is kept with the version."""
        return {"kind": self.kind, "language": self.language, "words": list(self.words)}


@lru_cache(maxsize=256)
def _finder(words: tuple[str, ...], whole: bool) -> re.Pattern[str] | None:
    said = "|".join(re.escape(folded(word)) for word in sorted(words, key=len, reverse=True))
    if not said:
        return None
    return re.compile(rf"(?<!\w)(?:{said})(?!\w)" if whole else said)


def _found(text: str, row: Mapping[str, Any]) -> list[str]:
    """Return the words of a list that stand in a text: Chinese ones whatever blanks stand between, English ones whole."""
    said = folded(text)
    close = re.sub(r"\s+", "", said)
    chinese, english = (
        _finder(tuple(row.get("zh", ())), False), _finder(tuple(row.get("en", ())), True),
    )  # fmt: skip
    found = chinese.findall(close) if chinese else []
    return found + (english.findall(" ".join(said.split())) if english else [])


def by_lists(said: Said, lists: Mapping[str, Mapping[str, Any]]) -> list[Mark]:
    """Return a mark for each list with words in each language of a post."""
    marks = []
    for code, row in lists.items():
        for tongue in TONGUES:
            words = _found("\n".join([*texts(said, tongue), *said.skills]), row)
            if words:
                marks.append(Mark(code, tongue, tuple(dict.fromkeys(words))))
    return marks


def blocking(marks: Iterable[Mark], lists: Mapping[str, Mapping[str, Any]]) -> Mark | None:
    """Return the first mark that keeps a post from being sent."""
    return next((one for one in marks if lists.get(one.kind, {}).get("blocks")), None)


def contacts(said: Said) -> list[Mark]:
    """Return marks for mail addresses, telephone numbers and chat names."""
    marks = []
    for tongue in TONGUES:
        text = folded("\n".join(texts(said, tongue)))
        words = [*_MAIL.findall(text), *_PHONE.findall(text), *_CHAT.findall(text)]
        if words:
            marks.append(Mark(CONTACT, tongue, tuple(dict.fromkeys(words))))
    return marks


def wide_pay(said: Said, most: int) -> list[Mark]:
    """Return a mark if the upper end of the pay is more than so many times the lower one."""
    return [Mark(PAY)] if said.pay_low * most < said.pay_high else []
