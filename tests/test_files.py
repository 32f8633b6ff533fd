"""The file store: content lies there once, under its own name, outside transactions, and damage is found."""

from __future__ import annotations

import contextlib
from urllib.parse import unquote, urlsplit

import pytest
from flask import Flask

from portal.core import files, store
from portal.core.db import db, transaction
from portal.core.settings import settings


def kept(app: Flask, content: files.Content, name: str = "licence.pdf") -> files.StoredFile:
    with transaction():
        row = files.StoredFile(
            sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="test"
        )
        db.session.add(row)
    return row


def test_the_same_bytes_are_kept_once_and_never_overwritten(app: Flask) -> None:
    with app.app_context():
        first, second = files.put(b"%PDF-one", files.PDF), files.put(b"%PDF-one", files.PDF)
        assert first == second
        assert not store.create(files.address(first.sha256), b"other bytes")
        assert files.read(kept(app, first)) == b"%PDF-one"


def test_nothing_is_stored_within_a_transaction(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError, match="before the transaction"), transaction():
        files.put(b"%PDF-two", files.PDF)


def test_a_damaged_file_is_not_handed_out(app: Flask) -> None:
    from pathlib import Path

    with app.app_context():
        content = files.put(b"%PDF-three", files.PDF)
        row = kept(app, content)
        folder = Path(unquote(urlsplit(settings().files_url).path))
        (folder / files.address(content.sha256)).write_bytes(b"%PDF-forged")
        with pytest.raises(OSError, match="damaged"):
            files.read(row)


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/../outside"])
def test_no_key_leads_out_of_the_store(app: Flask, key: str) -> None:
    from pathlib import Path

    with app.app_context():
        folder = Path(unquote(urlsplit(settings().files_url).path))
        with contextlib.suppress(Exception):  # refused, or kept inside: both are fine
            store.create(key, b"x")
        assert not (folder.parent / "outside").exists()
        assert not (folder.parent.parent / "outside").exists()


def test_names_cannot_split_the_header_and_only_pdfs_open_in_the_page(app: Flask) -> None:
    with app.app_context():
        content = files.put(b"%PDF-four", files.PDF)
        row = kept(app, content, 'a"\r\nX-Evil: 1; 合同.pdf')
        with app.test_request_context("/"):
            answer = files.send(row, inline=True)
            assert answer.headers["Content-Disposition"].startswith("inline; filename*=UTF-8''a%22%0D%0A")
            assert "X-Evil" not in answer.headers
            row.media_type = "image/png"
            assert files.send(row, inline=True).headers["Content-Disposition"].startswith("attachment")
            db.session.rollback()
