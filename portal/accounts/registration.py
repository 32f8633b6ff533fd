"""What a typed registration number is worth: the Chinese credit code in layers, and one legal key per body."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

# GB 32100-2015 as amended: the twelve registering authorities; the catalogue may name others.
DEFAULT_AUTHORITIES = frozenset("123456789ANY")
FORMAT = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}")
PERSONAL = re.compile(r"[0-9]{6}((?:18|19|20)[0-9]{2})([0-9]{2})([0-9]{2})[0-9]{3}[0-9X]")
MIX_UPS = frozenset("OIS")
INNER_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
INNER_CHECKS = "0123456789X"


class Verdict(StrEnum):
    """What becomes of a typed credit code."""

    valid = "valid"
    questionable = "questionable"
    refused = "refused"


@dataclass(frozen=True, slots=True)
class Checked:
    """A credit code as normalised, its verdict and why; the hint counts letters of `code` from 0."""

    code: str
    verdict: Verdict
    reason: str
    hint: tuple[int, ...]


def check_uscc(text: str, authorities: frozenset[str] = DEFAULT_AUTHORITIES) -> Checked:
    """Judge a Unified Social Credit Code as typed; never raises.

    Reasons: `ok`, `format`, `check` (18th character), `inner` (organisation code), `both`, `authority`,
    `personal_number`. The code is empty for a refused personal number, so that nobody keeps or logs it.
    """
    code = compact(text)
    if not FORMAT.fullmatch(code):
        return Checked(code, Verdict.refused, "format", tuple(i for i, c in enumerate(code) if c in MIX_UPS))
    outer, inner = uscc.calc_check_digit(code[:17]) == code[17], inner_check(code[8:16]) == code[16]
    if is_personal_number(code):
        if outer and inner:
            return Checked(code, Verdict.questionable, "personal_number", ())
        return Checked("", Verdict.refused, "personal_number", ())
    if not outer and not inner:
        return Checked(code, Verdict.refused, "both", ())
    if not outer or not inner:
        return Checked(code, Verdict.questionable, "inner" if outer else "check", ())
    if code[0] not in authorities:
        return Checked(code, Verdict.questionable, "authority", ())
    return Checked(code, Verdict.valid, "ok", ())


def legal_key(country: str, register: str, number: str) -> str:
    """Return the one key of a registered body: `CN:<USCC>`, else `<COUNTRY>:<REGISTER>:<NUMBER>`.

    HK, MO and TW are countries of their own here. The number is normalised but not judged: for CN ask
    `check_uscc` first. Raises ValueError for an empty part (CN has no register) and for a colon in the
    country or the register, which would let two bodies share a key.
    """
    country, register = plain(country), plain(register)
    number = compact(number) if country == "CN" else plain(number)
    parts = [country, number] if country == "CN" else [country, register, number]
    if not all(parts):
        raise ValueError("a legal key needs a country, a register (except for CN) and a number")
    if any(":" in part for part in parts[:-1]):
        raise ValueError("a country or a register holds no colon")
    return ":".join(parts)


def inner_check(body: str) -> str:
    """Return the check character of an eight-character organisation code (GB 11714: weighted sum mod 11)."""
    total = sum(INNER_VALUES.index(c) * weight for c, weight in zip(body, INNER_WEIGHTS, strict=True))
    return INNER_CHECKS[-total % 11]


def is_personal_number(code: str) -> bool:
    """Whether 18 normalised characters are a resident's number: birth date and check (GB 11643).

    The place is not looked up: lists of places are never complete, and a missed person costs more.
    """
    found = PERSONAL.fullmatch(code)
    if not found or not mod_11_2.is_valid(code):
        return False
    try:
        date(*map(int, found.groups()))
    except ValueError:
        return False
    return True


def compact(text: str) -> str:
    """Return the text by NFKC in upper case without spaces, hyphens, dashes and invisible characters."""
    return "".join(c for c in plain(text) if unicodedata.category(c) != "Pd" and c != "\N{MINUS SIGN}")


def plain(text: str) -> str:
    """Return the text by NFKC in upper case without spaces and invisible characters."""
    upper = nfkc(nfkc(text).upper())
    # Again at the end: without the space between them a letter and an accent become one character.
    return nfkc("".join(c for c in upper if not c.isspace() and unicodedata.category(c) != "Cf"))


def nfkc(text: str) -> str:
    """Return the text with full-width and other compatible characters made plain."""
    return unicodedata.normalize("NFKC", text)
