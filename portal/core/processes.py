"""Processes: web, worker and clock as children of one parent, restarted when they fall."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.context import ForkProcess

from portal.core import chores

GRACE = 30
FORK = multiprocessing.get_context("fork")


def die_with_parent() -> None:
    """End this process when the pipe from its parent closes, so that a killed parent leaves none behind."""
    fd = os.environ.get("PORTAL_PARENT_PIPE")
    if fd is None:
        return

    def watch() -> None:
        os.read(int(fd), 1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def die_with(parent: int) -> None:
    """End this process when another has become its parent: the server's own workers hold no pipe, and would hold the port."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def claim_port(host: str, port: int, *, patience: float = 3.0) -> None:
    """See that nobody listens where the pages shall be served, or raise RuntimeError.

    The server shares its port among its workers (SO_REUSEPORT), so a second installation started on the same port would
    not fail: each would get half of the requests. A worker whose parent was killed holds the port for half a second more,
    hence the patience, in seconds.
    """
    end = time.monotonic() + patience
    while True:
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                with socket.socket(family, kind, protocol) as probe:
                    # Connections that have ended are no listener.
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise RuntimeError(
                    f"The portal cannot listen on {host}, port {port}: {error.strerror}."
                ) from error
            if time.monotonic() > end:
                raise RuntimeError(
                    f"Another program listens on {host}, port {port}. Stop it, or name another port with --port."
                ) from error
            time.sleep(0.25)
        else:
            return


def serve_web(host: str, port: int) -> None:
    """Serve the application by granian until told to stop; a worker that does not end in time is killed."""
    from granian import Granian  # noqa: PLC0415 - only in this process
    from granian.constants import Interfaces  # noqa: PLC0415 - only in this process

    server = Granian(
        "portal.cli:served", address=host, port=port, interface=Interfaces.WSGI, factory=True,
        respawn_failed_workers=True, blocking_threads=4, workers_kill_timeout=GRACE // 3,
    )  # fmt: skip
    server.serve()


def _live(command: Callable[[list[str]], None], words: list[str], pipe: tuple[int, int]) -> None:
    """Be a child: hold the reading end of the pipe alone, hear signals anew, and run a command to its end.

    In a group of its own it does not hear Ctrl-C, which comes to a whole group: the parent passes it on, once. The
    server's worker may hang on being told twice.
    """
    read_end, write_end = pipe
    os.close(write_end)
    os.setpgid(0, 0)
    os.environ["PORTAL_PARENT_PIPE"] = str(read_end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    command(words)


def supervise(command: Callable[[list[str]], None], commands: list[list[str]]) -> None:
    """Run `command` with each list of words in a child; a fallen one is restarted with back-off; SIGTERM is passed on.

    Children are forked: what this process has imported, which takes seconds, they need not import again. It
    must hold no thread and no open connection when it calls this.
    """
    stop = chores.until_signalled()
    pipe = os.pipe()

    def begun(words: list[str]) -> ForkProcess:
        child = FORK.Process(target=_live, args=(command, words, pipe), name=words[0])
        child.start()
        return child

    children = [begun(words) for words in commands]
    falls = [0] * len(commands)
    while not stop.wait(1.0):
        for i, child in enumerate(children):
            if not child.is_alive():
                falls[i] += 1
                if stop.wait(min(2 ** falls[i], 30)):
                    break
                children[i] = begun(commands[i])
    for child in children:
        child.terminate()
    end = time.monotonic() + GRACE
    for child in children:
        child.join(max(0.1, end - time.monotonic()))
        if child.is_alive():
            child.kill()
            child.join()
    os.close(pipe[1])
