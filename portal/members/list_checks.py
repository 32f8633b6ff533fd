"""What a list of members may say in each column: values as they are stored, or why they cannot be taken."""

from __future__ import annotations

import re
from collections.abc import Callable

from portal.accounts.registration import Verdict, check_uscc, legal_key
from portal.core import catalogue
from portal.core.paging import folded
from portal.members import form
from portal.members.landscape_file import LandscapeFile
from portal.members.list_file import CLEAR, CLEARED, Line, tidy, unescaped

LONGEST = {
    "legal_name": 200, "legal_name_en": 200, "display_name_zh": 120, "display_name_en": 120, "homepage": 300,
    "address": 300, "about": 4_000, "registration": 100, "country": 60, "category": 60, "tier": 80, "id": 60,
}  # fmt: skip
NEVER_CLEARED = ("legal_name", "country", "registration", "tier")
WHOLE_KEY = re.compile(r"[A-Z]{2}:.+")


class Trouble(Exception):
    """Why a row cannot be taken: in which column, by a code of words, about what."""

    def __init__(self, at: str, why: str, what: str = "", *, conflict: bool = False) -> None:
        super().__init__(why)
        self.at, self.why, self.what, self.conflict = at, why, what, conflict


def given(line: Line) -> dict[str, str]:
    """Return what a row says, as text without the marks of spreadsheets; what is blank says nothing."""
    values = {column: tidy(cell) for column, cell in line.cells.items()}
    return {
        column: CLEARED if value == CLEAR else unescaped(value) for column, value in values.items() if value
    }


def key_in(text: str, country: str) -> str | None:
    """Return the legal key that a cell names: a whole key as it stands, else a number of that country."""
    if WHOLE_KEY.fullmatch(text):
        return text
    try:
        return legal_key(_coded("country", country) or country, "REG", text)
    except ValueError:
        return None


def checked(name: str, cell: str, old: str, row: dict[str, str]) -> str:
    """Return a cell's value as it is stored; what stands there already is never judged. Raises `Trouble`."""
    if cell == CLEARED:
        if name in NEVER_CLEARED:
            raise Trouble(name, "not_cleared")
        return ""
    if cell == old:
        return old
    if len(cell) > LONGEST[name]:
        raise Trouble(name, "too_long", str(LONGEST[name]))
    if "\n" in cell and name not in ("about", "address"):
        raise Trouble(name, "one_line")
    judge = JUDGES.get(name)
    return judge(cell, old, row) if judge else cell


def _homepage(cell: str, _old: str, _row: dict[str, str]) -> str:
    if form.bad_url(cell):
        raise Trouble("homepage", "no_address", cell)
    return cell


def _listed(name: str) -> Callable[[str, str, dict[str, str]], str]:
    def judge(cell: str, _old: str, _row: dict[str, str]) -> str:
        code = _coded(name, cell)
        if code is None:
            raise Trouble(name, "not_listed", cell)
        return code

    return judge


def _coded(kind: str, cell: str) -> str | None:
    """Return the code of a row of the catalogue, by its code or its name in either language."""
    for code, body in catalogue.entries(kind).items():
        if body.get("holder") != "person" and folded(cell) in {
            folded(code),
            *map(folded, body["name"].values()),
        }:
            return code
    return None


def _tier(cell: str, _old: str, _row: dict[str, str]) -> str:
    code = LandscapeFile().tier(cell)
    if code not in {*catalogue.entries("tier"), *catalogue.entries("imported_tier")}:
        raise Trouble("tier", "not_listed", cell)
    return code


def _registration(cell: str, old: str, row: dict[str, str]) -> str:
    key = key_in(cell, row["country"])
    if key is None:
        raise Trouble("registration", "no_number", cell)
    if key != old and key.startswith("CN:"):
        found = check_uscc(key.removeprefix("CN:"))
        if found.verdict is Verdict.refused:
            raise Trouble("registration", "no_uscc", found.code)
        return f"CN:{found.code}"
    return key


JUDGES: dict[str, Callable[[str, str, dict[str, str]], str]] = {
    "homepage": _homepage, "country": _listed("country"), "category": _listed("category"), "tier": _tier,
    "registration": _registration,
}  # fmt: skip
