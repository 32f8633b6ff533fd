"""What a close leaves behind as `wiring.py` lets it in: pages, words, what it hears of, what waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from portal.accounts.events import PersonErased
from portal.billing.events import PeriodClosed
from portal.core import mail, waiting
from portal.reports.closed import (
    account_desk as account_office,
)
from portal.reports.closed import (
    checks,
    doors,
    keeping,
    mailing,
    mailing_views,  # noqa: F401 - its routes
    open_pages,  # noqa: F401 - its routes
    page_reconciliation,
    snapshots,
    views,
    words,
)
from portal.reports.closed.doors import account_desk, closed, open_account, report_mail, report_mail_end
from portal.reports.income import doors as report_doors
from portal.reports.income import hashes

page_reconciliation.install()
report_doors.open_pages()
BLUEPRINTS: list[Blueprint] = [closed, account_desk, report_mail, report_mail_end, open_account]
REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (PeriodClosed, snapshots.on_closed),
    (PersonErased, keeping.on_erased),
)


def install() -> None:
    """Name the verbs, look at every close, say the hash of a closed period, and stand among the tabs."""
    words.install()
    keeping.install()
    checks.install()
    doors.install()
    waiting.add("public account", account_office.tasks)
    waiting.add("snapshots", views.tasks)
    mail.ends_by_click("report_mail", mailing.way_out)
    hashes.ask(lambda said: snapshots.hash_known(said.last, said.known))
