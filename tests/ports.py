"""Ports for the servers that tests start: each given to one of the processes that run tests, and to it alone."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from pathlib import Path
from typing import IO

# Below those that the system gives to outgoing connections. Two servers that share ports (SO_REUSEPORT, as the web
# process does) may stand on one port without a word, and each gets half of the other's requests.
FIRST, LAST = 20_000, 32_000
_kept: list[IO[str]] = []


def free_port() -> int:
    """Return a loopback port that nobody listens on and that no other process is given until this one ends."""
    folder = Path(tempfile.gettempdir()) / "portal-test-ports"
    folder.mkdir(exist_ok=True)
    for port in range(FIRST, LAST):
        mark = (folder / str(port)).open("w")
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
            continue
        _kept.append(mark)
        return port
    raise RuntimeError(f"no port from {FIRST} to {LAST} is free")
