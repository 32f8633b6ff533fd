"""Backup and restore of an embedded installation: database and files in one archive, taken while writers run."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path

from portal.core.db import db
from portal.core.errors import Refused
from portal.core.files import is_local
from portal.core.settings import load, settings

MARK = "foundation-portal-backup"
NAME = "portal.sqlite3"


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write(target: Path, *, on: datetime) -> str:
    """Write a backup; return a line that says what is in it.

    The database first (`VACUUM INTO`: one consistent moment), the files after it: they never change and lie
    in the store before the rows that name them, so a later copy is complete.
    """
    found = settings()
    if not found.sqlite or not is_local(found.files_url):
        raise Refused("PostgreSQL and S3 have tools of their own for backups: see docs/operations.md.")
    if target.exists():
        raise Refused(f"{target} exists already; nothing was written over it.")
    with tempfile.TemporaryDirectory(dir=found.home) as scratch:
        copy = Path(scratch) / NAME
        raw = sqlite3.connect(str(db.engine.url.database), isolation_level=None)
        try:
            raw.execute("VACUUM INTO ?", (str(copy),))
        finally:
            raw.close()
        label = {"kind": MARK, "made": on.isoformat(), "database": _sum(copy)}
        (Path(scratch) / "label.json").write_text(json.dumps(label), "utf-8")
        files = found.home / "files"
        part = target.with_name(target.name + ".part")
        with tarfile.open(part, "w:gz") as archive:
            archive.add(Path(scratch) / "label.json", "label.json")
            archive.add(copy, NAME)
            if (found.home / "secret.key").exists():
                archive.add(found.home / "secret.key", "secret.key")
            if files.exists():
                archive.add(files, "files")
        part.rename(target)
        count = sum(1 for file in files.rglob("*") if file.is_file()) if files.exists() else 0
    return f"{target}: database and {count} files"


def unpack(source: Path) -> None:
    """Put a backup into the empty home of the settings in force; refuse anything damaged or foreign."""
    home = load().home
    if (home / NAME).exists():
        raise Refused(f"{home} holds a database already; a backup is restored into an empty home.")
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        root = Path(scratch)
        try:
            _extract(source, root)
            label = json.loads((root / "label.json").read_text("utf-8"))
            good = label.get("kind") == MARK and label.get("database") == _sum(root / NAME)
        except (tarfile.TarError, OSError, ValueError, EOFError, KeyError, AttributeError):
            good = False
        if not good:
            raise Refused(f"{source} is damaged, or no backup of this portal.")
        _check_files(root)
        for name in (NAME, "secret.key", "files"):
            if (root / name).exists():
                target = home / name
                if target.is_dir():
                    shutil.rmtree(target)
                shutil.move(root / name, target)


def _extract(source: Path, root: Path) -> None:
    """Write an archive's plain files below a folder; raises ValueError for a name that leads elsewhere.

    By hand, since the Python of Debian 12 has no extraction filters.
    """
    with tarfile.open(source, "r:gz") as archive:
        for member in archive:
            target = (root / member.name).resolve()
            if not target.is_relative_to(root.resolve()):
                raise ValueError(member.name)
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(content, out)


def _check_files(root: Path) -> None:
    for file in (root / "files").rglob("*"):
        if file.is_file() and len(file.name) == 64 and _sum(file) != file.name:
            raise Refused(f"The backup is damaged: file {file.name[:12]} is not what it says.")
