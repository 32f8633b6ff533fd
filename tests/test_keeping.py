"""What is kept: files under their SHA-256, and sealed secrets bound to their row."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from flask import Flask
from sqlalchemy import text

from portal.core import files, vault
from portal.core.db import db, transaction
from portal.core.files import StoredFile


def test_a_file_is_kept_once_and_a_damaged_one_is_not_served(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        content = files.put(b"%PDF-1.7 licence", files.PDF)
        assert files.put(b"%PDF-1.7 licence", files.PDF) == content
        with transaction() as session:
            row = StoredFile(
                sha256=content.sha256,
                name="执照\r\nX: y.pdf",
                media_type=files.PDF,
                size=content.size,
                purpose="licence",
            )
            session.add(row)
        assert files.read(row) == b"%PDF-1.7 licence"
        answer = files.send(row)
        assert answer.headers["Content-Disposition"].startswith(
            "attachment; filename*=UTF-8''%E6%89%A7%E7%85%A7%0D%0A"
        )
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        (tmp_path / "files" / files.address(content.sha256)).write_bytes(b"something else")
        with pytest.raises(OSError, match="damaged"):
            files.read(row)


def test_no_file_goes_to_the_store_inside_a_transaction(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError), transaction():
        files.put(b"late", files.PDF)


def test_a_sealed_text_opens_only_beside_its_row(app: Flask) -> None:
    with app.app_context():
        sealed = vault.seal("JBSWY3DP", bound_to="person:1")
        assert "JBSWY3DP" not in sealed
        assert sealed != vault.seal("JBSWY3DP", bound_to="person:1")
        assert vault.unseal(sealed, bound_to="person:1") == "JBSWY3DP"
        with pytest.raises(InvalidTag):
            vault.unseal(sealed, bound_to="person:2")


def test_the_portal_is_not_ready_before_its_migrations(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    with app.app_context(), transaction():
        db.session.execute(text("DELETE FROM alembic_version"))
    assert client.get("/readyz").status_code == 503
