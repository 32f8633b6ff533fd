"""What stands between the braces of a GIFT item: options, texts, numbers and their weights. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

ESCAPED = {"~": "~", "=": "=", "#": "#", "{": "{", "}": "}", ":": ":", "n": "\n", "\\": "\\"}
TRUE, FALSE = {"T", "TRUE"}, {"F", "FALSE"}
ONE, ZERO = Decimal(1), Decimal(0)
MOST_OPTIONS = 20
LONGEST_OPTION = 2_000
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,2})?")
WEIGHT = re.compile(r"%(-?[0-9]{1,3}(?:\.[0-9]{1,10})?)%")
FORMATS = re.compile(r"\[(html|markdown|plain|moodle)\]")


class Kind(StrEnum):
    """What an item asks for."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    NUMERIC = "numeric"
    SHORT = "short"
    PRACTICAL = "practical"


class Torn(ValueError):
    """Something that cannot be taken: why, and how many characters into the text it stands."""

    def __init__(self, why: LazyString, at: int = 0) -> None:
        super().__init__(why)
        self.why, self.at = why, at


@dataclass(frozen=True, slots=True)
class Option:
    """An option, or a text that is looked for: what it says, the fraction it earns, what is said of it."""

    text: str
    weight: Decimal
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is looked for, by how much it may be missed, and the fraction it earns."""

    value: Decimal
    tolerance: Decimal
    weight: Decimal = ONE
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that stands between the braces. `general` is said of the item whatever was answered."""

    kind: Kind
    options: tuple[Option, ...] = ()
    numbers: tuple[Number, ...] = ()
    truth: bool | None = None
    general: str = ""


def find(text: str, wanted: str, start: int = 0) -> int:
    """Return where one of `wanted` first stands without a backslash before it, or −1."""
    at = start
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in ESCAPED:
            at += 2
        elif text[at] in wanted:
            return at
        else:
            at += 1
    return -1


def find_all(text: str, word: str, start: int = 0) -> int:
    """Return where a word of one repeated mark (`::`, `####`) first stands, not escaped, or −1."""
    at = find(text, word[0], start)
    while at >= 0 and not text.startswith(word, at):
        at = find(text, word[0], at + 1)
    return at


def plain(text: str) -> str:
    """Return a text as it is read: escapes undone, nothing around it."""
    out, at = [], 0
    text = text.strip()
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in ESCAPED:
            out.append(ESCAPED[text[at + 1]])
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out).strip()


def _parts(text: str, marks: str) -> Iterator[tuple[int, str, str]]:
    """Yield each part that a mark opens: where, the mark, and what follows it."""
    at = find(text, marks)
    if text[: at if at >= 0 else len(text)].strip():
        raise Torn(_l("the answer must begin with = or ~"))
    while at >= 0:
        onward = find(text, marks, at + 1)
        yield at, text[at], text[at + 1 : onward if onward >= 0 else len(text)]
        at = onward


def _weight(body: str, at: int) -> tuple[Decimal | None, str]:
    """Return the fraction that a part begins with, if any, and the rest."""
    body = body.lstrip()
    if not body.startswith("%"):
        return None, body
    found = WEIGHT.match(body)
    if found is None or abs(Decimal(found[1])) > 100:
        raise Torn(_l("a weight is written %50%, from −100 to 100"), at)
    return Decimal(found[1]).scaleb(-2), body[found.end() :]


def _feedback(body: str) -> tuple[str, str]:
    at = find(body, "#")
    return (body, "") if at < 0 else (body[:at], plain(body[at + 1 :]))


def _said(body: str, at: int) -> str:
    """Return an option's text; a mark of its format says nothing new."""
    said = plain(FORMATS.sub("", body.strip(), count=1) if FORMATS.match(body.strip()) else body)
    if not said:
        raise Torn(_l("an option is empty"), at)
    if len(said) > LONGEST_OPTION:
        raise Torn(_l("an option has more than %(most)s characters", most=LONGEST_OPTION), at)
    return said


def _options(text: str) -> list[tuple[str, Option, Decimal | None]]:
    """Return each option with its mark, and the weight that was written, if one was."""
    found: list[tuple[str, Option, Decimal | None]] = []
    for at, mark, body in _parts(text, "=~"):
        written, rest = _weight(body, at)
        rest, feedback = _feedback(rest)
        said = _said(rest, at)
        if any(said == other.text for _mark, other, _written in found):
            raise Torn(_l("two options say the same: %(said)s", said=said[:60]), at)
        default = ONE if mark == "=" else ZERO
        found.append((mark, Option(said, default if written is None else written, feedback), written))
    if len(found) > MOST_OPTIONS:
        raise Torn(_l("there are more than %(most)s options", most=MOST_OPTIONS))
    return found


def _chosen(text: str) -> Answer:
    """Read options among which somebody chooses: single if any has =, else multiple with weights."""
    found = _options(text)
    options = tuple(option for _mark, option, _written in found)
    single = any(mark == "=" for mark, _option, _written in found)
    if len(options) < 2:
        raise Torn(_l("there is only one option to choose from"))
    if single and not any(option.weight == ONE for option in options):
        raise Torn(_l("no option earns the whole mark"))
    if not single and not any(option.weight > 0 for option in options):
        raise Torn(_l("no option is right: mark one with = or give weights such as ~%50%"))
    return Answer(Kind.SINGLE if single else Kind.MULTIPLE, options)


def _typed(text: str) -> Answer:
    """Read texts that somebody types."""
    for at, _mark, body in _parts(text, "="):
        if "->" in body:
            raise Torn(_l("matching items are not supported; please write single or multiple ones"), at)
    found = _options(text)
    if any(option.weight < 0 for _mark, option, _written in found):
        raise Torn(_l("a text that is looked for cannot take points away"))
    if not any(option.weight == ONE for _mark, option, _written in found):
        raise Torn(_l("no text earns the whole mark"))
    return Answer(Kind.SHORT, tuple(option for _mark, option, _written in found))


def _decimal(text: str, at: int) -> Decimal:
    text = text.strip()
    if not NUMBER.fullmatch(text):
        raise Torn(_l("“%(text)s” is no number", text=text[:40]), at)
    return Decimal(text)


def _number(body: str, at: int) -> Number:
    written, rest = _weight(body, at)
    weight = ONE if written is None else written
    rest, feedback = _feedback(rest)
    rest = plain(rest)
    if ".." in rest:
        low, _dots, high = rest.partition("..")
        start, end = _decimal(low, at), _decimal(high, at)
        if start > end:
            raise Torn(_l("the range %(text)s ends before it begins", text=rest[:60]), at)
        with localcontext() as exact:
            exact.prec = (
                400  # ends of 40 digits, moved by 99 places either way, and halved: nothing is rounded
            )
            return Number((start + end) / 2, (end - start) / 2, weight, feedback)
    value, _colon, missed = rest.partition(":")
    tolerance = _decimal(missed, at) if _colon else ZERO
    if tolerance < 0:
        raise Torn(_l("a tolerance cannot be negative"), at)
    return Number(_decimal(value, at), tolerance, weight, feedback)


def _numeric(text: str) -> Answer:
    """Read numbers: one, or several each with = before it."""
    if text.lstrip().startswith(("=", "~")):
        parts = list(_parts(text, "=~"))
        if any(mark == "~" for _at, mark, _body in parts):
            raise Torn(_l("a numeric item knows right numbers only, each with ="))
        numbers = tuple(_number(body, at) for at, _mark, body in parts)
    else:
        numbers = (_number(text, 0),)
    if len(numbers) > MOST_OPTIONS:
        raise Torn(_l("there are more than %(most)s options", most=MOST_OPTIONS))
    if any(number.weight < 0 for number in numbers) or not any(number.weight == ONE for number in numbers):
        raise Torn(_l("no number earns the whole mark, or one takes points away"))
    return Answer(Kind.NUMERIC, numbers=numbers)


def _true_or_false(text: str) -> Answer | None:
    """Read T or F, in capitals only, with what is said of a wrong and of a right answer."""
    at = find(text, "#")
    word = (text if at < 0 else text[:at]).strip()
    if word not in TRUE | FALSE:
        return None
    wrong, right = "", ""
    if at >= 0:
        wrong, right = _feedback(text[at + 1 :])
        wrong = plain(wrong)
    truth = word in TRUE
    said = (right, wrong) if truth else (wrong, right)
    options = (
        Option("True", ONE if truth else ZERO, said[0]),
        Option("False", ZERO if truth else ONE, said[1]),
    )
    return Answer(Kind.SINGLE, options, truth=truth)


def read(text: str) -> Answer:
    """Return what the text between two braces asks for; `Torn` says what cannot be taken and where."""
    at, general = find_all(text, "####"), ""
    if at >= 0:
        text, general = text[:at], plain(text[at + 4 :])
    body = text.strip()
    lead = len(text) - len(text.lstrip())
    try:
        if not body:
            found = Answer(Kind.PRACTICAL)
        elif body.startswith("#"):
            lead += 1
            found = _numeric(body[1:])
        elif (truth := _true_or_false(body)) is not None:
            found = truth
        elif find(body, "~") >= 0:
            found = _chosen(body)
        else:
            found = _typed(body)
    except Torn as torn:
        raise Torn(torn.why, torn.at + lead) from None
    return Answer(found.kind, found.options, found.numbers, found.truth, general)
