"""The file store: a local folder or S3, by obstore; the only module that imports it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import current_app

from portal.core.settings import settings


def _store() -> Any:
    from obstore import store  # noqa: PLC0415 - heavy, and only where files are touched

    kept = current_app.extensions.get("file_store")
    if kept is None:
        url = settings().files_url
        if urlsplit(url).scheme == "file":
            folder = Path(unquote(urlsplit(url).path))
            folder.mkdir(parents=True, exist_ok=True)
            kept = store.LocalStore(folder)
        else:
            kept = store.from_url(url)
        current_app.extensions["file_store"] = kept
    return kept


def create(key: str, data: bytes) -> bool:
    """Store content under a key; False if it was there already (it is never overwritten)."""
    import obstore  # noqa: PLC0415 - heavy
    from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415 - heavy

    try:
        obstore.put(_store(), key, data, mode="create")
    except AlreadyExistsError:
        return False
    return True


def read(key: str) -> bytes:
    """Return the content under a key."""
    import obstore  # noqa: PLC0415 - heavy

    return bytes(obstore.get(_store(), key).bytes())


def has(key: str) -> bool:
    """Whether there is content under a key; it is not read."""
    import obstore  # noqa: PLC0415 - heavy

    try:
        obstore.head(_store(), key)
    except FileNotFoundError:
        return False
    return True


def delete(key: str) -> None:
    """Delete the content under a key; gone already is as good."""
    import obstore  # noqa: PLC0415 - heavy

    with suppress(FileNotFoundError):
        obstore.delete(_store(), key)
