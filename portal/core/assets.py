"""Files of pages that a browser keeps for good: their addresses carry a digest of what they hold."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from werkzeug.security import safe_join
from werkzeug.wrappers import Response

LIBRARIES = frozenset({"static", "bootstrap.static"})
YEAR = 365 * 24 * 3600


@cache
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def version(endpoint: str, filename: str) -> str:
    """Return which version of a file is served now, or nothing where there is no such file."""
    holder = current_app if endpoint == "static" else current_app.blueprints["bootstrap"]
    path = safe_join(str(holder.static_folder), filename)
    found = Path(path) if path else None
    return _digest(found, found.stat().st_mtime_ns) if found is not None and found.is_file() else ""


def _mark(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint in LIBRARIES and "filename" in values and "v" not in values:
        values["v"] = version(endpoint, values["filename"]) or None


def _keep(response: Response) -> Response:
    asked = request.args.get("v") if request.endpoint in LIBRARIES else None
    if asked and response.status_code in (200, 304):
        name = str((request.view_args or {}).get("filename", ""))
        if asked == version(str(request.endpoint), name):
            response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def install(app: Flask) -> None:
    """Let every address of a file say which version it is, and let browsers keep that version for a year."""
    app.url_defaults(_mark)
    app.after_request(_keep)
