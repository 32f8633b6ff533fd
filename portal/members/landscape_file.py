"""Reads a landscape file: the members of other foundations' lists, checked record by record."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from portal.core import catalogue
from portal.core.errors import Refused

SUFFIX = re.compile(r"\s*\((member|supporter|contributor)\)\s*$", re.IGNORECASE)
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a file."""

    name: str
    name_zh: str
    homepage: str
    tier: str
    joined: date | None
    founding: bool
    category: str
    source: str


def _code(tier: str) -> str:
    return re.sub(r"[\W_]+", "_", tier.casefold()).strip("_")[:40]


def _text(value: Any, where: str, what: str, *, most: int = 300) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused(f"{where}: {what} must be text")
    words = " ".join(value.split())
    if len(words) > most:
        raise Refused(f"{where}: {what} is longer than {most} characters")
    if not words.isprintable():
        raise Refused(f"{where}: {what} holds characters that cannot be shown")
    return words


def _day(value: Any, where: str) -> date | None:
    if value in (None, ""):
        return None
    try:
        return value if type(value) is date else date.fromisoformat(str(value))
    except ValueError:
        raise Refused(f"{where}: joined must be a day like 2026-03-01, not {value!r}") from None


def _address(value: Any, where: str) -> str:
    found = _text(value, where, "homepage_url")
    if found and not re.match(r"https?://[^\s/]", found, re.IGNORECASE):
        raise Refused(f"{where}: homepage_url must begin with http:// or https://, not {found[:40]!r}")
    return found


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Refused(f"{where} must be a list")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class LandscapeFile:
    """A landscape file as it is read: the highest tier of each name, in the order of the file."""

    def __init__(self) -> None:
        self.ours = {word.casefold(): code for code, word in _our_words()}
        self.ranks = {code: n for n, code in enumerate(catalogue.entries("tier"))}
        self.items: dict[str, Item] = {}
        self.tiers: dict[str, str] = {}
        self.notes: list[str] = []

    def tier(self, word: str) -> str:
        """Return the code of a tier: ours by any accepted name, else one of its own."""
        code = self.ours.get(word.casefold()) or self.ours.get(_code(word)) or _code(word)
        self.tiers.setdefault(code, word)
        self.ranks.setdefault(code, len(self.ranks))
        return code

    def take(self, raw: Any, where: str, tier: str, source: str) -> None:
        """Take one item; of one name that stands twice the higher tier counts."""
        if not isinstance(raw, dict):
            raise Refused(f"{where}: an item must be a mapping")
        name = SUFFIX.sub("", _text(raw.get("name"), where, "name", most=200))
        if not name:
            raise Refused(f"{where}: name is missing")
        if raw.get("unnamed_organization"):
            self.notes.append(f"{where}: unnamed organisation skipped")
            return
        notes = _mapping(_mapping(raw.get("extra")).get("annotations"))
        category = _text(notes.get("category"), where, "category", most=40)
        item = Item(
            name=name, name_zh=_text(notes.get("name_zh"), where, "name_zh", most=120),
            homepage=_address(raw.get("homepage_url"), where), tier=tier, joined=_day(raw.get("joined"), where),
            founding=str(notes.get("founding", "")).lower() == "true",
            category=category if category in catalogue.entries("category") else "", source=source,
        )  # fmt: skip
        held = self.items.get(name.casefold())
        if held is not None:
            self.notes.append(f"{where}: {name} stands at {held.tier} and at {tier}; the higher counts")
            if self.ranks[held.tier] <= self.ranks[tier]:
                return
        self.items[name.casefold()] = item


def _our_words() -> list[tuple[str, str]]:
    found = []
    for code, body in catalogue.entries("tier").items():
        found += [(code, word) for word in (code, *body["name"].values(), *body.get("accepted", ()))]
    return found


def _body(text: str) -> list[Any]:
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise Refused("the file is larger than 8 MB")
    try:
        body = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(f"the file is not YAML: {(str(error).splitlines() or ['?'])[0]}") from None
    roots = (body.get("landscape") or body.get("categories")) if isinstance(body, dict) else None
    if not isinstance(roots, list):
        raise Refused("the file has no list under landscape or categories")
    return roots


def parse(text: str) -> LandscapeFile:
    """Return a file's members, the highest tier of each, and notes. Raises `Refused` naming record and field."""
    file = LandscapeFile()
    for category in _body(text):
        name = str(_mapping(category).get("name", ""))
        if "ember" not in name:
            continue
        for sub in _list(category.get("subcategories"), f"{name}: subcategories"):
            word = _text(_mapping(sub).get("name"), name, "the name of a tier", most=80)
            if not _code(word):
                raise Refused(f"{name}: a tier has no name")
            code = file.tier(word)
            for n, raw in enumerate(_list(sub.get("items"), f"{word}: items"), 1):
                file.take(raw, f"{word}, item {n}", code, _code(name))
    if not file.tiers:
        raise Refused("the file has no category whose name contains 'ember'")
    return file
