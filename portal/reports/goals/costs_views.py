"""The page where finance states what months cost, with what follows from it."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.forms import Form, text_field
from portal.core.money import Money
from portal.core.paging import asked as word_asked
from portal.core.web import go
from portal.reports.goals import costs, count_tables, counts
from portal.reports.income.asked import month_in
from portal.reports.income.blueprint import reports
from portal.reports.income.doors import HOME


class CostForm(Form):
    """What a month cost, and where the figure comes from; `seen` is the version that stood when the page was read."""

    month = text_field(_l("Month"), longest=7, render_kw={"type": "month", "pattern": "[0-9]{4}-[0-9]{2}"})
    amount = text_field(_l("Cost of the month, CNY"), longest=30, render_kw={"inputmode": "decimal"})
    zh = text_field(_l("Where the figure comes from, in Chinese"), longest=120)
    en = text_field(_l("Where the figure comes from, in English"), longest=120)
    seen = HiddenField()


def _money(form: CostForm) -> Money:
    try:
        return Money.parse(str(form.amount.data))
    except ValueError:
        raise Refused(_l("Please write the amount like 12,000.00."), field="amount", status=422) from None


def _month(form: CostForm) -> date:
    try:
        return month_in(str(form.month.data))
    except Refused as refusal:
        raise Refused(refusal.words, field="month", status=422) from None


def _seen(form: CostForm) -> int:
    """Return the version that was read; a month typed by hand was not looked at: it must be without a cost."""
    month, _colon, version = str(form.seen.data or "").partition(":")
    return int(version) if month == form.month.data and version.isdecimal() and len(version) < 9 else 0


def _page(form: CostForm, status: int = 200) -> Any:
    g.nav, rows, found = HOME, costs.lately(), counts.cover(clock.today())
    history = audit.of_subject(*(costs.subject(row.month) for row in rows))
    return render_template(
        "office/reports/costs.html", form=form, rows=rows, found=found, covered=count_tables.covered(found),
        may_state=me().staff_may(May.POST_BY_HAND), history=db.session.scalars(history).all(),
    ), status  # fmt: skip


@reports.get("/costs", endpoint="costs")
@allow(May.READ_INCOME)
def stated() -> Any:
    """Show what the last months cost, how long the bank lasts by it, and the form; `month` puts one of them into it."""
    form, rows = CostForm(formdata=None), costs.lately()
    wanted = word_asked("month", most=7)
    chosen = next((row for row in rows if row.code == wanted), None)
    if chosen is None:  # the newest that is missing
        chosen = next((row for row in rows if row.amount is None), rows[0])
    form.month.data, form.seen.data = chosen.code, f"{chosen.code}:{chosen.version}"
    if chosen.amount is not None:
        form.amount.data = f"{chosen.amount.decimal:,.2f}"
    return _page(form)


@reports.post("/costs")
@allow(May.POST_BY_HAND)
def cost() -> Any:
    """State or correct what a month cost."""
    form = CostForm()

    def deed() -> None:
        costs.state(
            _month(form), _money(form), zh=str(form.zh.data), en=str(form.en.data), seen=_seen(form), by=me().person
        )  # fmt: skip

    if status := form.carry_out(deed):
        if status == 409:  # what stands is on the page now: the same form again corrects it
            form.seen.data = f"{form.month.data}:{costs.of_month(_month(form)).version}"
        return _page(form, status)
    return go("reports.costs", _("Stated. Reports from today on count with it; those as known earlier stay."))
