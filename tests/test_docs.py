"""The documentation is held to the product: links, commands, settings, terms and the names on the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from babel.messages.pofile import read_po

from portal.cli import cli
from portal.public.fits import FITS
from portal.public.help import GUIDES, slug

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BY_OTHERS = {
    "api.md",
    "home.png",
    "case.png",
}  # made by the API's and the browser's part; empty once they are here
PAGES = sorted([*ROOT.glob("README*.md"), *DOCS.rglob("*.md")])
PLACE = re.compile(r"%\(\w+\)[sd]")


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def headings(text: str) -> list[tuple[int, str]]:
    bare = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", bare, re.M)]


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
            file, _, anchor = target.partition("#")
            if re.match(r"https?:|mailto:", target):
                continue
            found = (page.parent / file).resolve() if file else page
            if not found.exists():
                broken += [f"{page.name}: {target}"] if found.name not in BY_OTHERS else []
            elif anchor and found.suffix == ".md":
                english = DOCS / "guide" / found.name if found.parent.name == "guide" else found
                if anchor not in {slug(words) for _level, words in headings(text_of(english))}:
                    broken.append(f"{page.name}: {target}")
    assert broken == []


def test_every_guide_stands_in_both_languages_with_the_same_sections() -> None:
    assert {file.stem for file in (DOCS / "guide").glob("*.md")} == set(GUIDES)
    assert {file.stem for file in (DOCS / "zh" / "guide").glob("*.md")} == set(GUIDES)
    for name in [*(f"guide/{guide}.md" for guide in GUIDES), "operations.md"]:
        mine, theirs = (headings(text_of(DOCS / part / name)) for part in (".", "zh"))
        assert [level for level, _words in mine] == [level for level, _words in theirs], name


def test_every_section_that_help_opens_exists() -> None:
    for target in FITS.values():
        name, _, anchor = target.partition("#")
        known = {slug(words) for _level, words in headings(text_of(DOCS / "guide" / f"{name}.md"))}
        assert not anchor or anchor in known, target


def words_on_screen() -> dict[str, set[str]]:
    """Return every English text a page can show with its Chinese, placeholders as dots."""
    found: dict[str, set[str]] = {}
    for file in (ROOT / "translations" / "zh_Hans_CN" / "LC_MESSAGES").glob("*.po"):
        with file.open("rb") as source:
            for message in read_po(source):
                english = message.id if isinstance(message.id, str) else message.id[0]
                chinese = message.string if isinstance(message.string, str) else (message.string or [""])[0]
                found.setdefault(PLACE.sub("…", english), set()).add(PLACE.sub("…", chinese))
    for file in (ROOT / "catalogue").glob("*.yml"):
        for english, chinese in pairs_in(yaml.safe_load(text_of(file))):
            found.setdefault(english, set()).add(chinese)
    found["PDF"] = {"PDF"}
    return found


def pairs_in(body: object) -> Iterator[tuple[str, str]]:
    if isinstance(body, dict):
        if set(body) == {"en", "zh"}:
            yield str(body["en"]), str(body["zh"])
        for inner in body.values():
            yield from pairs_in(inner)
    elif isinstance(body, list):
        for inner in body:
            yield from pairs_in(inner)


@pytest.mark.parametrize("name", GUIDES)
def test_guides_call_buttons_and_pages_what_the_screen_calls_them(name: str) -> None:
    """Bold words are names on the screen, the same ones in both languages."""
    known = words_on_screen()
    english, chinese = (
        re.findall(r"\*\*(.+?)\*\*", text_of(DOCS / part / f"{name}.md")) for part in ("guide", "zh/guide")
    )
    assert english, "a guide names what to press"
    assert [words for words in english if words not in known] == []
    left = list(chinese)
    for words in english:
        match = next((said for said in left if said in known[words]), None)
        assert match is not None, f"{words} is missing in Chinese: {known[words]}"
        left.remove(match)
    assert left == []


def commands() -> set[str]:
    found = set()
    for name, command in cli.commands.items():
        found.add(name)
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}" for inner in command.commands}
    return found


def code_in(page: Path) -> str:
    text = text_of(page)
    return "\n".join(re.findall(r"`([^`\n]+)`", text) + re.findall(r"^```.*?\n(.*?)^```", text, re.M | re.S))


def test_every_command_in_the_docs_exists_with_its_options() -> None:
    known, wrong = commands(), []
    groups = {name for name, command in cli.commands.items() if isinstance(command, click.Group)}
    for page in PAGES:
        for name, inner, rest in re.findall(
            r"\bportal ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?([^\n]*)", code_in(page)
        ):
            full = f"{name} {inner}" if name in groups else name
            if full not in known:
                wrong.append(f"{page.name}: portal {full}")
                continue
            command = cli.commands[name]
            if isinstance(command, click.Group):
                command = command.commands[inner]
            options = {option for param in command.params for option in param.opts}
            wrong += [
                f"{page.name}: {full} {o}" for o in re.findall(r"(--[a-z-]+)", rest) if o not in options
            ]
    assert wrong == []


def test_every_setting_is_explained_and_no_other_is_named() -> None:
    setting = re.compile(r"\b(?:PORTAL|STRIPE)_[A-Z_]+[A-Z]\b")
    known = set(setting.findall(text_of(ROOT / "config.py")))
    assert len(known) > 10
    for part in (".", "zh"):
        assert known - set(setting.findall(text_of(DOCS / part / "operations.md"))) == set()
    named = {name for page in PAGES for name in setting.findall(text_of(page))}
    assert named - known == set()


def glossary() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", text_of(DOCS / "glossary.md"), re.M)
    assert len(rows) > 30
    return [(english, chinese) for english, chinese in rows if english != "English" and "---" not in english]


def test_the_glossary_uses_the_words_of_the_pages() -> None:
    screen = {english.casefold(): chinese for english, chinese in words_on_screen().items()}
    checked, wrong = 0, []
    for english, chinese in glossary():
        terms, said = [part.split(" / ") for part in (english, chinese)]
        assert len(terms) == len(said), english
        for term, word in zip(terms, said, strict=True):
            for form in (term, f"{term}s"):
                if shown := screen.get(form.casefold()):
                    checked += 1
                    wrong += [] if any(word in one for one in shown) else [f"{term}: {word}, pages {shown}"]
    assert wrong == []
    assert checked > 15


def test_decision_records_are_numbered_once_and_fit_a_page() -> None:
    records = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    numbers = [int(file.name[:4]) for file in records]
    assert len(numbers) == len(set(numbers)) > 10
    for file, number in zip(records, numbers, strict=True):
        said = text_of(file)
        assert re.match(rf"# 0*{number}\b", said), file.name
        assert 3 < len(said.splitlines()) <= 60, file.name


def test_every_edge_case_of_memberships_names_tests_that_are_there() -> None:
    cases = (DOCS / "edge-cases.md").read_text("utf-8")
    named = re.findall(r"`(tests/\w+\.py)::(\w+)`", cases)
    rows = [line for line in cases.splitlines() if line.startswith("| ") and "::" in line]
    assert len(rows) >= 20
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), (file, name)
