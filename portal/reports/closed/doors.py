"""The doors of what a close leaves behind; its pages stand among the tabs of the reports."""

from __future__ import annotations

from flask import Blueprint, g
from flask_babel import lazy_gettext as _l

from portal.accounts.access import me
from portal.accounts.may import May
from portal.reports.income import doors, pages
from portal.reports.income.pages import Tab

closed = Blueprint("closed", __name__, url_prefix="/office/reports/closed")
account_desk = Blueprint("account_desk", __name__, url_prefix="/office/reports/public-account")
report_mail = Blueprint("report_mail", __name__, url_prefix="/office/reports/by-mail")
report_mail_end = Blueprint("report_mail_end", __name__, url_prefix="/reports-by-mail")
open_account = Blueprint("open_account", __name__, url_prefix="/public-account")


def install() -> None:
    """Put the pages among the tabs."""
    pages.add_tab(Tab(82, "closed.snapshots", _l("Snapshots"), May.READ_MONEY))
    pages.add_tab(Tab(86, "report_mail.mine", _l("Reports by mail"), May.READ_INCOME))
    pages.add_tab(Tab(84, "account_desk.listed", _l("Public account"), May.READ_MONEY))


def tabs() -> list[Tab]:
    """Return the tabs the reader may open; the rail stands at the reports."""
    g.nav = doors.HOME
    return pages.tabs(me())
