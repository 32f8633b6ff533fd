"""Tests about the code itself: doors, commits, clocks, messages, migrations, lock files, size of files."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import force_locale

from portal.core import i18n
from portal.core.acting import MACHINES
from portal.core.db import Model, db
from portal.core.web import ACCESS

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "portal").rglob("*.py"))
LIBRARY_ENDPOINTS = {"static", "bootstrap.static"}


def test_every_endpoint_declares_who_may_enter(app: Flask) -> None:
    views = {name: view for name, view in app.view_functions.items() if name not in LIBRARY_ENDPOINTS}
    assert views
    assert [name for name, view in views.items() if getattr(view, ACCESS, None) is None] == []


def test_only_the_database_room_commits_and_only_the_clock_reads_time() -> None:
    commits = [f.name for f in SOURCES if re.search(r"\.commit\(\)", f.read_text("utf-8"))]
    assert commits == ["db.py"]
    readers = [
        f.name
        for f in SOURCES
        if re.search(r"datetime\.now|utcnow|date\.today|time\.time\(", f.read_text("utf-8"))
    ]
    assert readers == ["clock.py"]


def test_whoever_is_no_person_acts_under_a_name_that_the_reader_is_told_in_words() -> None:
    found = {
        (word.value.value, str(file.relative_to(ROOT)))
        for file in SOURCES
        if "simulation" not in file.parts
        for word in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(word, ast.keyword) and word.arg == "by"
        if isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)
    }
    assert sorted(one for one in found if one[0] not in MACHINES) == []
    assert {name for name, _file in found} >= MACHINES


def test_files_and_functions_stay_short() -> None:
    long_files = [f.name for f in SOURCES if len(f.read_text("utf-8").splitlines()) > 300]
    assert long_files == []
    long_functions = [
        f"{f.name}:{node.name}"
        for f in SOURCES
        for node in ast.walk(ast.parse(f.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 44
    ]
    assert long_functions == []


def test_every_message_is_translated_with_the_same_placeholders() -> None:
    folder = ROOT / "translations" / "zh_Hans_CN" / "LC_MESSAGES"
    known = {}
    for file in folder.glob("*.po"):
        with file.open("rb") as source:
            known.update({m.id: m for m in read_po(source) if m.id})
    keywords = {"_": None, "_l": None, "gettext": None, "ngettext": (1, 2)}
    # A template with a tag that the reader does not know would be passed over in silence.
    tags = {"**.*": {"extensions": "portal.core.remember.Remember", "silent": "false"}}
    asked = {
        message
        for base, method in (
            (ROOT / "portal", [("**.py", "python")]),
            (ROOT / "templates", [("**.*", "jinja2")]),
        )
        for _file, _line, message, _comments, _context in extract_from_dir(
            base, method, tags, keywords=keywords
        )
    }
    assert asked
    missing = {m for m in asked if m not in known or not known[m].string or known[m].fuzzy}
    assert missing == set()
    places = re.compile(r"%\(\w+\)[sd]")
    assert [
        m for m in asked if set(places.findall(str(m))) != set(places.findall(str(known[m].string)))
    ] == []


def test_no_message_is_translated_in_two_ways() -> None:
    found: dict[object, set[object]] = {}
    for file in (ROOT / "translations" / "zh_Hans_CN" / "LC_MESSAGES").glob("*.po"):
        with file.open("rb") as source:
            for m in read_po(source):
                if m.id:
                    key = (m.id, m.context) if isinstance(m.id, str) else (*m.id, m.context)
                    found.setdefault(key, set()).add(
                        m.string if isinstance(m.string, str) else tuple(m.string or ())
                    )
    assert found
    assert {key: said for key, said in found.items() if len(said) > 1} == {}


def test_models_equal_migrations(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as conn:
        found = compare_metadata(
            MigrationContext.configure(conn, opts={"compare_type": False}), Model.metadata
        )
    ours = [diff for diff in found if not (diff[0] == "remove_table" and diff[1].name == "alembic_version")]
    assert ours == []


def test_lock_files_hold_what_the_project_asks_for_and_name_no_host() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for lock, extras in (
        ("requirements.lock", ["postgres"]),
        ("requirements-dev.lock", ["postgres", "redis", "dev"]),
    ):
        text = (ROOT / lock).read_text("utf-8")
        assert "://" not in text
        locked = set(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==", text, re.M))
        wanted = project["dependencies"] + [d for e in extras for d in project["optional-dependencies"][e]]
        names = {re.split(r"[\[<>=!~ ]", d)[0].lower().replace("_", "-") for d in wanted}
        assert names - locked == set()
        assert text.count("--hash=sha256:") >= len(locked)


def test_every_template_compiles_in_every_language(app: Flask) -> None:
    names = [str(file.relative_to(ROOT / "templates")) for file in (ROOT / "templates").rglob("*.html")]
    assert len(names) > 40
    for language in i18n.LANGUAGES:
        with app.test_request_context("/"), force_locale(language):
            for name in names:
                app.jinja_env.get_template(name)
