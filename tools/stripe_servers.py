"""Installs the independent Stripe servers that tests talk to, outside git, with the Node that comes as a package.

usage: python -m tools.stripe_servers – silent when they are there; says so, with status 0, when they cannot be had.
"""

from __future__ import annotations

from pathlib import Path

from tools import node_packages

PACKAGES = ("emulate@0.12.2", "stripe-stateful-mock@0.0.16")
FOLDER = node_packages.folder("stripe-servers", "STRIPE_SERVERS")
node = node_packages.node  # emulate needs 24


def installed() -> Path:
    """Return the folder with the servers, installed on first need; raises OSError or CalledProcessError."""
    return node_packages.installed(FOLDER, PACKAGES)


if __name__ == "__main__":
    node_packages.prepare(FOLDER, PACKAGES, called="the independent Stripe servers")
