"""Processes: web, worker and clock as children of one parent, restarted when they fall."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

from portal.core import chores

GRACE = 30


def die_with_parent() -> None:
    """End this process when the pipe from its parent closes, so that a killed parent leaves none behind."""
    fd = os.environ.get("PORTAL_PARENT_PIPE")
    if fd is None:
        return

    def watch() -> None:
        os.read(int(fd), 1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def serve_web(host: str, port: int) -> None:
    """Serve the application by granian until told to stop."""
    from granian import Granian  # noqa: PLC0415 - only in this process
    from granian.constants import Interfaces  # noqa: PLC0415 - only in this process

    server = Granian(
        "portal:create_app", address=host, port=port, interface=Interfaces.WSGI, factory=True,
        respawn_failed_workers=True, blocking_threads=4,
    )  # fmt: skip
    server.serve()


def _start(words: list[str], pipe: int) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PORTAL_PARENT_PIPE": str(pipe)}
    return subprocess.Popen(  # noqa: S603 - our own commands, no shell
        [sys.executable, "-m", "portal.cli", *words], env=env, pass_fds=(pipe,)
    )


def supervise(commands: list[list[str]]) -> None:
    """Run the commands as fresh processes; a fallen one is restarted with back-off; SIGTERM is passed on."""
    stop = chores.until_signalled()
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, False)
    children = [_start(words, read_end) for words in commands]
    falls = [0] * len(commands)
    while not stop.wait(1.0):
        for i, child in enumerate(children):
            if child.poll() is not None:
                falls[i] += 1
                if stop.wait(min(2 ** falls[i], 30)):
                    break
                children[i] = _start(commands[i], read_end)
    for child in children:
        child.terminate()
    end = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    os.close(write_end)
