"""Finds the files that lie at the top of the project in a checkout and inside the package in a wheel."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from config import Settings

PACKAGE = Path(__file__).resolve().parents[1]


def place(name: str) -> Path:
    """Return the path of a top-level file or folder, wherever this installation keeps it."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


def load(environ: Mapping[str, str] | None = None, *, testing: bool = False) -> Settings:
    """Return the settings of an environment, by default this process's; see `config.read_settings`."""
    module = sys.modules.get("portal_config")
    if module is None:
        spec = importlib.util.spec_from_file_location("portal_config", place("config.py"))
        if spec is None or spec.loader is None:
            raise RuntimeError("config.py is missing from this installation")
        module = importlib.util.module_from_spec(spec)
        sys.modules["portal_config"] = module
        spec.loader.exec_module(module)
    settings: Settings = module.read_settings(environ, testing=testing)
    return settings


def settings() -> Settings:
    """Return the settings of the running application."""
    found: Settings = current_app.extensions["settings"]
    return found
