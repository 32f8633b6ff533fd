"""Installs what strangers check badges with, outside git: `jose`, and Digital Bazaar's verifiable credentials.

usage: python -m tools.badge_checkers – silent when they are there; says so, with status 0, when they cannot be had.
"""

from __future__ import annotations

from pathlib import Path

from tools import node_packages

PACKAGES = (
    "jose@6.2.18",
    "@digitalbazaar/vc@7.3.0",
    "@digitalbazaar/data-integrity@2.5.0",
    "@digitalbazaar/eddsa-rdfc-2022-cryptosuite@1.3.0",
    "@digitalbazaar/vc-bitstring-status-list@2.0.1",
)
FOLDER = node_packages.folder("badge-checkers", "BADGE_CHECKERS")


def installed() -> Path:
    """Return the folder with the checkers, installed on first need; raises OSError or CalledProcessError."""
    return node_packages.installed(FOLDER, PACKAGES)


if __name__ == "__main__":
    node_packages.prepare(FOLDER, PACKAGES, called="the independent checkers of badges")
