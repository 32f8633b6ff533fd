"""Lists the messages that have no Chinese yet, with the first place each is used.

usage: python tools/untranslated.py [PREFIX ...] – a prefix such as `portal/billing` or `templates/office` narrows the list.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
KEYWORDS = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}


def known() -> set[str | tuple[str, ...]]:
    """Return every message that has its Chinese."""
    found: set[str | tuple[str, ...]] = set()
    for file in (ROOT / "translations" / "zh_Hans_CN" / "LC_MESSAGES").glob("*.po"):
        with file.open("rb") as source:
            found |= {m.id for m in read_po(source) if m.id and m.string and not m.fuzzy}
    return found


def used() -> dict[str | tuple[str, ...], str]:
    """Return every message of code and templates with the file that uses it first."""
    found: dict[str | tuple[str, ...], str] = {}
    # A template that cannot be read would be passed over in silence: our own tag is told, and errors are loud.
    options = {"**.*": {"extensions": "portal.core.remember.Remember", "silent": "false"}}
    for folder, method in (("portal", [("**.py", "python")]), ("templates", [("**.*", "jinja2")])):
        for file, line, message, _comments, _context in extract_from_dir(
            ROOT / folder, method, options, keywords=KEYWORDS
        ):
            found.setdefault(message, f"{folder}/{file}:{line}")
    return found


def main() -> None:
    """Print what is missing; status 1 if anything is."""
    there = known()
    lacking = {message: place for message, place in used().items() if message not in there}
    wanted = tuple(sys.argv[1:]) or ("",)
    shown = sorted(
        ((place, message) for message, place in lacking.items() if place.startswith(wanted)), key=str
    )
    for place, message in shown:
        print(f"{place}\t{message!r}")
    print(f"{len(shown)} untranslated", file=sys.stderr)
    sys.exit(bool(shown))


if __name__ == "__main__":
    main()
