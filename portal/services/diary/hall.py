"""Calendar addresses as `wiring.py` lets them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from portal.accounts.events import PersonErased
from portal.services.diary import addresses
from portal.services.diary.views import calendars

BLUEPRINTS: list[Blueprint] = [calendars]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ((PersonErased, addresses.on_erased),)
install = addresses.install
