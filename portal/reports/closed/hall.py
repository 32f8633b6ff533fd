"""What a close leaves behind as `wiring.py` lets it in: pages, rails, words, what it hears of, what waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.billing.events import PeriodClosed
from portal.core import nav
from portal.core.nav import Entry
from portal.reports.closed import checks, keeping, snapshots, views, words  # noqa: F401 - their routes
from portal.reports.closed.doors import HOME, account_desk, closed, open_account, report_mail

BLUEPRINTS: list[Blueprint] = [closed, account_desk, report_mail, open_account]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = ((PeriodClosed, snapshots.on_closed),)


def install() -> None:
    """Name the verbs, look at every close, and stand on the rail."""
    words.install()
    keeping.install()
    checks.install()
    nav.add(Entry("office", 66, HOME, _l("Snapshots and account"), "archive", staff_who_may(May.READ_MONEY)))
