"""Exam items in Moodle's GIFT format, read whole or not at all, each refusal with its line. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.certs import gift_answers
from portal.certs.gift_answers import FORMATS, Answer, Torn, find, find_all, plain

GAP = "_____"
LONGEST_TITLE = 120
LONGEST_TEXT = 20_000
MOST_ITEMS = 5_000
CATEGORY = re.compile(r"\$CATEGORY:(.*)")
# Where Moodle hangs its own folders; they say nothing of the topic.
ROOTS = {"$course$", "$system$", "$module$", "$cat1$", "top"}
# PostgreSQL stores no NUL, and no reader needs the others.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a file: its line, key, tag, text with `_____` for a gap, and what is asked."""

    line: int
    title: str
    category: str
    format: str
    text: str
    answer: Answer

    @property
    def key(self) -> str:
        """Return what an item is known by: its title, else a digest of its text (certs.md §2)."""
        return self.title or digest(self.text)


@dataclass(frozen=True, slots=True)
class Note:
    """Something about a record of the file: its first line, the line meant, what, and how the record begins."""

    line: int
    at: int
    what: LazyString
    record: str

    def __str__(self) -> str:
        """Return it as one line."""
        begins = " ".join(self.record.split())[:80]
        return str(_l("line %(line)s: %(what)s (%(record)s)", line=self.at, what=self.what, record=begins))


@dataclass(slots=True)
class Gift:
    """A file as read: its items, what was passed over, and what cannot be taken."""

    items: list[Item] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    faults: list[Note] = field(default_factory=list)


class _Record(NamedTuple):
    """A record with the number of each of its lines, for comments between them are gone."""

    text: str
    lines: list[int]

    def line(self, at: int) -> int:
        """Return the line of the file in which a character of the record stands."""
        return self.lines[min(self.text.count("\n", 0, max(0, at)), len(self.lines) - 1)]


def normal(text: str) -> str:
    """Return a text as it is compared: NFKC, one case, spaces collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def digest(text: str) -> str:
    """Return the key of an item without a title."""
    return hashlib.sha256(normal(text).encode("utf-8", "surrogatepass")).hexdigest()


def _records(text: str) -> list[_Record]:
    """Return what blank lines part, without comments."""
    found: list[_Record] = []
    rows: list[str] = []
    lines: list[int] = []
    for number, row in enumerate([*re.split(r"\r\n|\n|\r", text), ""], 1):
        if row.strip():
            if not row.lstrip().startswith("//"):
                rows.append(row)
                lines.append(number)
        elif rows:
            found.append(_Record("\n".join(rows), lines))
            rows, lines = [], []
    return found


def _category(record: _Record) -> tuple[str | None, _Record | None]:
    """Return the tag that a record opens with, and what is left of the record."""
    tag: str | None = None
    while (found := CATEGORY.match(record.text.lstrip())) is not None:
        parts = [part.strip() for part in found[1].split("/")]
        tag = "/".join(part for part in parts if part and part not in ROOTS)[:LONGEST_TITLE]
        _first, _break, rest = record.text.partition("\n")
        if not rest:
            return tag, None
        record = _Record(rest, record.lines[1:])
    return tag, record


def _title(text: str) -> tuple[str, int]:
    """Return a record's title and where its text begins."""
    lead = len(text) - len(text.lstrip())
    if not text.startswith("::", lead):
        return "", lead
    end = find_all(text, "::", lead + 2)
    if end < 0:
        raise Torn(_l("the title is not closed with ::"), lead)
    title = " ".join(plain(text[lead + 2 : end]).split())
    if not title:
        raise Torn(_l("the title is empty"), lead)
    if len(title) > LONGEST_TITLE:
        raise Torn(_l("the title has more than %(most)s characters", most=LONGEST_TITLE), lead)
    return title, end + 2


def _braces(text: str, start: int) -> tuple[int, int]:
    """Return where the answer of a record opens and closes, or −1 twice where there is none."""
    opens = find(text, "{}", start)
    if opens < 0:
        return -1, -1
    if text[opens] == "}":
        raise Torn(_l("a brace closes that was never opened; in a text it is written \\}"), opens)
    closes = find(text, "{}", opens + 1)
    if closes < 0:
        raise Torn(_l("the answer's brace is not closed before the blank line"), opens)
    if text[closes] == "{":
        raise Torn(_l("a brace opens within the answer; in a text it is written \\{"), closes)
    again = find(text, "{}", closes + 1)
    if again >= 0:
        raise Torn(_l("an item has one answer only; in a text braces are written \\{ and \\}"), again)
    return opens, closes


def _format(text: str, start: int) -> tuple[str, int]:
    begin = start + len(text[start:]) - len(text[start:].lstrip())
    found = FORMATS.match(text, begin)
    if found is None:
        return "plain", start
    return {"moodle": "plain"}.get(found[1], found[1]), found.end()


def _item(record: _Record, category: str) -> Item | None:
    """Return a record's item, or none if it describes and asks nothing."""
    text = record.text
    if (control := CONTROL.search(text)) is not None:
        raise Torn(_l("there is a character that no text needs (U+%(code)s)", code=f"{ord(control[0]):04X}"), control.start())  # fmt: skip
    title, start = _title(text)
    kind, start = _format(text, start)
    opens, closes = _braces(text, start)
    if opens < 0:
        return None
    before, after = text[start:opens], text[closes + 1 :]
    said = plain(f"{before}{GAP}{after}" if after.strip() else before)
    if not said:
        raise Torn(_l("the item has no text"), opens)
    if len(said) > LONGEST_TEXT:
        raise Torn(_l("the text has more than %(most)s characters", most=LONGEST_TEXT), start)
    try:
        answer = gift_answers.read(text[opens + 1 : closes])
    except Torn as torn:
        raise Torn(torn.why, torn.at + opens + 1) from None
    return Item(record.lines[0], title, category, kind, said, answer)


def _take(record: _Record, category: str, seen: dict[str, int], found: Gift) -> None:
    line = record.lines[0]
    try:
        item = _item(record, category)
        if item is None:
            found.warnings.append(Note(line, line, _l("asks nothing and is passed over"), record.text))
        elif item.key in seen:
            first = seen[item.key]
            raise Torn(
                _l("the same item stands in line %(line)s; titles (::title::) tell items apart", line=first)
            )
        else:
            seen[item.key] = line
            found.items.append(item)
    except Torn as torn:
        found.faults.append(Note(line, record.line(torn.at), torn.why, record.text))


def parse(text: str) -> Gift:
    """Return what a file says; nothing of it may be taken while there are faults."""
    found, category = Gift(), ""
    seen: dict[str, int] = {}
    text = text.removeprefix("\ufeff")
    records = _records(text)
    if len(records) > MOST_ITEMS:
        line = records[MOST_ITEMS].lines[0]
        found.faults.append(Note(line, line, _l("there are more than %(most)s items; please part the file", most=MOST_ITEMS), ""))  # fmt: skip
        return found
    for one in records:
        tag, record = _category(one)
        category = category if tag is None else tag
        if record is not None:
            _take(record, category, seen, found)
    return found
