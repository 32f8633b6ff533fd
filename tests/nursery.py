"""Real processes that begin with the portal imported: forked from one that has done it, where a race wants eight at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from uuid import uuid4

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["portal.app", "portal.cli", "tests.nursery"])


def _live(code: str, words: tuple[str, ...], env: dict[str, str], said: str, wrong: str, apart: bool) -> None:
    if apart:
        os.setsid()
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["-c", *words]
    for number, file in ((1, said), (2, wrong)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    with open(1, "w", closefd=False) as out, contextlib.redirect_stdout(out):
        exec(compile(code, "<racer>", "exec"), {"__name__": "__main__"})


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and what it printed."""

    code: int
    said: str
    wrong: str


COMMAND = """
from portal.cli import main
main()
"""


def command(home: Path, env: dict[str, str], *words: str) -> Answer:
    """Run the portal's command line in a process of its own to its end."""
    racer = Racer(home, env, COMMAND, *words)
    return Answer(racer.wait(), racer.said, racer.wrong)


class Racer:
    """A process that runs a text of Python, with what it said when it has ended.

    One that is `apart` leads a session of its own, and may have children.
    """

    def __init__(self, home: Path, env: dict[str, str], code: str, *words: str, apart: bool = False) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._said, self._wrong = (home / f"racer-{uuid4().hex[:8]}.{end}" for end in ("out", "err"))
        self._process: ForkServerProcess = _context.Process(
            target=_live, args=(code, words, env, str(self._said), str(self._wrong), apart), daemon=not apart
        )
        self._process.start()

    @property
    def said(self) -> str:
        """What it printed until now."""
        return self._said.read_text() if self._said.exists() else ""

    @property
    def wrong(self) -> str:
        """What it complained of."""
        return self._wrong.read_text() if self._wrong.exists() else ""

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def wait(self, timeout: float = 400) -> int:
        """Wait for its end; return its exit code, raise TimeoutError if it goes on."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            raise TimeoutError(self.wrong[-2000:])
        return self._process.exitcode

    def kill(self) -> None:
        """End it as the machine would."""
        self._process.kill()
