"""The doors of what a close leaves behind, and the tabs above its pages."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, g
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.accounts.access import Reader
from portal.accounts.may import May

closed = Blueprint("closed", __name__, url_prefix="/office/reports/closed")
account_desk = Blueprint("account_desk", __name__, url_prefix="/office/reports/public-account")
report_mail = Blueprint("report_mail", __name__, url_prefix="/office/reports/by-mail")
open_account = Blueprint("open_account", __name__, url_prefix="/public-account")
HOME = "closed.snapshots"


class Tab(NamedTuple):
    """One of the pages that belong together."""

    endpoint: str
    words: LazyString
    may: tuple[May, ...]


TABS: tuple[Tab, ...] = (
    Tab("closed.snapshots", _l("Snapshots"), (May.READ_MONEY,)),
    Tab("closed.reconciliation", _l("Reconciliation"), (May.READ_MONEY,)),
)


def tabs(reader: Reader) -> list[Tab]:
    """Return the tabs a reader may open, and let the rail stand at the first."""
    g.nav = HOME
    return [one for one in TABS if any(reader.staff_may(may) for may in one.may)]
