"""Backup and restore: taken while writers run, put into an empty home, and refused when damaged or foreign."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from portal.cli import cli
from portal.core import audit, backup, clock, files
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Refused
from portal.core.files import StoredFile
from tests.conftest import KEY, build
from tests.nursery import command

WRITER = """
import sys
from portal.app import create_app
from portal.core import audit, files
from portal.core.db import db, transaction
from portal.core.files import StoredFile
with create_app().app_context():
    for n in range(10_000):
        content = files.put(f"%PDF-1.7 {n}".encode(), files.PDF)
        with transaction():
            db.session.add(StoredFile(
                sha256=content.sha256, name=f"{n}.pdf", media_type=files.PDF, size=content.size, purpose="test"))
            audit.record("file.kept", f"file:{n}", by="a writer")
"""


@pytest.fixture
def home(tmp_path: Path, sqlite_template: Path) -> Path:
    """An embedded installation's home with a database in it."""
    found = tmp_path / "home"
    found.mkdir()
    (found / "portal.sqlite3").write_bytes(sqlite_template.read_bytes())
    return found


@pytest.fixture
def run(home: Path) -> Callable[..., tuple[int, str]]:
    """Run a command on a home; return its status and all it said."""

    def run_it(*words: str, at: Path = home) -> tuple[int, str]:
        done = command(home.parent / "said", environment(at), *words)
        return done.code, done.said + done.wrong

    return run_it


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return {**kept, "PORTAL_HOME": str(home), "PORTAL_SECRET_KEY": KEY}


@pytest.mark.race
def test_a_backup_under_load_restores_whole(
    home: Path, tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER], env=environment(home))
    try:
        app = build(home, f"sqlite:///{home / 'portal.sqlite3'}")
        wait_for_entries(app, 20)
        status, said = run("backup", str(tmp_path / "a.tar.gz"))
        assert status == 0, said
    finally:
        writer.kill()
        writer.wait()
    other = tmp_path / "other"
    assert run("restore", str(tmp_path / "a.tar.gz"), at=other)[0] == 0
    status, said = run("verify", at=other)
    assert (status, "Clean." in said) == (0, True), said
    restored = build(other, f"sqlite:///{other / 'portal.sqlite3'}")
    with restored.app_context(), reading():
        rows = db.session.scalars(select(StoredFile)).all()
        assert len(rows) >= 20
        assert [row.name for row in rows if not files.read(row).startswith(b"%PDF")] == []
        db.engine.dispose()


def wait_for_entries(app: Flask, least: int) -> None:
    from tests.test_processes import until

    def written() -> bool:
        with app.app_context(), reading():
            return (db.session.scalar(select(func.count(AuditEntry.id))) or 0) >= least

    until(written, "the writer has begun")


@pytest.fixture
def archive(home: Path, tmp_path: Path) -> Path:
    """A small backup."""
    app = build(home, f"sqlite:///{home / 'portal.sqlite3'}")
    with app.app_context():
        content = files.put(b"%PDF-1.7 licence", files.PDF)
        with transaction():
            db.session.add(
                StoredFile(
                    sha256=content.sha256,
                    name="a.pdf",
                    media_type=files.PDF,
                    size=content.size,
                    purpose="test",
                )
            )
            audit.record("file.kept", "file:1", by="a writer")
        target = tmp_path / "small.tar.gz"
        assert backup.write(target, on=clock.now()).endswith("database and 1 files")
        with pytest.raises(Refused, match="exists already"):
            backup.write(target, on=clock.now())
        db.engine.dispose()
    return target


def repacked(archive: Path, name: str, content: bytes) -> Path:
    """Return a copy of an archive in which one member has other bytes."""
    import io

    found = archive.with_name("other.tar.gz")
    with tarfile.open(archive, "r:gz") as old, tarfile.open(found, "w:gz") as new:
        for member in old:
            source = old.extractfile(member)
            data = source.read() if source else b""
            if member.isfile() and member.name.endswith(name):
                data = content
                member.size = len(data)
            new.addfile(member, io.BytesIO(data) if member.isfile() else None)
    return found


def test_a_name_that_leads_out_of_the_folder_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    hostile = tmp_path / "hostile.tar.gz"
    with tarfile.open(hostile, "w:gz") as out:
        member = tarfile.TarInfo("../../escaped")
        member.size = 1
        out.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(Refused, match="damaged, or no backup"):
        restored(hostile, tmp_path / "hostile", monkeypatch)
    assert not (tmp_path / "escaped").exists()


def restored(archive: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unpack an archive into a home."""
    monkeypatch.setenv("PORTAL_HOME", str(home))
    monkeypatch.setenv("PORTAL_SECRET_KEY", KEY)
    backup.unpack(archive)


def test_damage_is_found_and_leaves_no_database(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = archive.read_bytes()
    cut = tmp_path / "cut.tar.gz"
    for broken in (data[: len(data) // 2], b"no archive at all", b""):
        cut.write_bytes(broken)
        with pytest.raises(Refused, match="damaged, or no backup"):
            restored(cut, tmp_path / "cut", monkeypatch)
    with pytest.raises(Refused, match="damaged, or no backup"):
        restored(repacked(archive, "portal.sqlite3", b"SQLite format 3\0"), tmp_path / "db", monkeypatch)
    with pytest.raises(Refused, match="damaged, or no backup"):
        restored(repacked(archive, "label.json", b'{"kind": "another"}'), tmp_path / "label", monkeypatch)
    with tarfile.open(archive) as opened:
        stored = next(name for name in opened.getnames() if len(name.rsplit("/", 1)[-1]) == 64)
    with pytest.raises(Refused, match="is not what it says"):
        restored(repacked(archive, stored, b"something else"), tmp_path / "file", monkeypatch)
    for folder in ("cut", "db", "label", "file"):
        assert not (tmp_path / folder / "portal.sqlite3").exists()
    restored(archive, tmp_path / "good", monkeypatch)
    assert (tmp_path / "good" / "portal.sqlite3").exists()


def test_a_backup_goes_into_an_empty_home_only(
    archive: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="restored into an empty home"):
        restored(archive, home, monkeypatch)


def test_postgresql_is_pointed_to_its_own_tools(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        if app.extensions["settings"].sqlite:
            assert "database and 0 files" in backup.write(tmp_path / "b.tar.gz", on=clock.now())
        else:
            with pytest.raises(Refused, match="tools of their own"):
                backup.write(tmp_path / "b.tar.gz", on=clock.now())


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["restore", str(tmp_path / "missing.tar.gz")])
    assert done.exit_code == 2
    assert "does not exist" in done.output
