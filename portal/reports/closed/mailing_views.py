"""The page where a member of staff orders reports by mail, and ends them by one click."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import clock, labels
from portal.core.db import transaction
from portal.core.errors import Missing
from portal.core.forms import Form, choice_field, options
from portal.core.paging import asked
from portal.core.web import go, public
from portal.reports.closed import mailing
from portal.reports.closed.doors import report_mail, report_mail_end, tabs
from portal.reports.closed.models import Rhythm
from portal.reports.income import pages
from portal.reports.lists import in_force


class Ordered(Form):
    """Which report, how often, over which months, of which stream."""

    report = choice_field(_l("Report"))
    rhythm = choice_field(_l("When"))
    period = choice_field(_l("Months"))
    stream = choice_field(_l("Stream"), required=False)

    def fill(self) -> Ordered:
        """Offer what the reader may order."""
        lists = in_force(clock.today())
        self.report.choices = options((one.key, one.name) for one in mailing.offered(me().staff_may))
        self.rhythm.choices = options((one.value, labels.label(one)) for one in Rhythm)
        self.period.choices = options(mailing.PERIODS.items())
        self.stream.choices = options(
            [("", _("All streams")), *((code, lists.called(code)) for code in lists.streams)]
        )
        return self


def _page(form: Ordered, status: int = 200) -> Any:
    lists = in_force(clock.today())
    return render_template(
        "office/closed/by_mail.html", tabs=tabs(), form=form, rows=mailing.mine(me().person), lists=lists,
        name=lambda key: pages.of(key).name, periods=mailing.PERIODS,
    ), status  # fmt: skip


@report_mail.get("/", endpoint="mine")
@allow(May.READ_INCOME)
def mine() -> Any:
    """Show what the reader gets by mail, and let him order more."""
    form = Ordered().fill()
    for field in (form.report, form.stream):
        if (wanted := asked(field.name, most=40)) in [one.value for one in field.choices]:
            field.data = wanted
    return _page(form)


@report_mail.post("/")
@allow(May.READ_INCOME)
def order() -> Any:
    """Order a report by mail."""
    form = Ordered().fill()

    def deed() -> None:
        query = {"period": form.period.data, "stream": form.stream.data or ""}
        mailing.begin(form.report.data, Rhythm(form.rhythm.data), query, by=me().person)

    if status := form.carry_out(deed):
        return _page(form, status)
    return go("report_mail.mine", _("Ordered: the first mail comes with the next occasion."))


@report_mail.post("/<uid>/end")
@allow(May.READ_INCOME)
def end(uid: str) -> BaseResponse:
    """End one of the reader's own."""
    with transaction():
        row = mailing.by_link(uid)
        if row.person_id != me().person.id:
            raise Missing(_("There is no such order."))
        mailing.end(row, by=row.person)
    return go("report_mail.mine", _("Ended: no more mails of this report."))


@report_mail_end.get("/<uid>", endpoint="stop")
@public
def stop(uid: str) -> str:
    """Show the one button that ends the mails of a report, for whoever has the link of its mail; to look ends nothing."""
    return _stopping(uid)


@report_mail_end.post("/<uid>/end")
@public
def stopped(uid: str) -> str:
    """End the mails of a report by the button of that page."""
    return _ended(uid)


@report_mail_end.post("/<uid>")
@public
def one_click(uid: str) -> str:
    """End the mails of a report by the button of a mail program, which brings the words of RFC 8058 and no token."""
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise BadRequest
    return _ended(uid)


def _ended(uid: str) -> str:
    with transaction():
        row = mailing.by_link(uid)
        mailing.end(row, by=row.person)
    return _stopping(uid)


def _stopping(uid: str) -> str:
    row = mailing.by_link(uid)
    return render_template("office/closed/by_mail_end.html", row=row, name=mailing.name_of(row))
