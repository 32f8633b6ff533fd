"""The lead's pages of support: a ticket for somebody who called, the roster, the promise and its measure, bad answers."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import door
from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import clock, labels, periods
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import asked
from portal.core.settings import settings
from portal.core.web import go
from portal.services.support import access, asking, coverage, duty, measuring, pager, satisfying
from portal.services.support import forms as f
from portal.services.support.clocks import Severity
from portal.services.support.doors import support_office
from portal.services.support.models import Channel, Satisfaction


def _orgs(person: Person | None) -> list[Organisation]:
    if person is None:
        return []
    rows = (
        select(Organisation)
        .join(Contact, Contact.org_id == Organisation.id)
        .where(Contact.person_id == person.id, Contact.ended_at.is_(None), Organisation.person_id.is_(None))
        .distinct()
        .order_by(Organisation.id)
    )
    return list(db.session.scalars(rows))


def _new(form: f.OnBehalf, status: int = 200) -> Any:
    g.nav = "support_office.queue"
    return render_template("office/support/new.html", form=form), status


@support_office.get("/new")
@allow(May.ANSWER_TICKETS)
def new() -> Any:
    """Show the form for a question that came by telephone."""
    form = f.OnBehalf(formdata=None)
    form.offer([])
    return _new(form)


@support_office.post("/new")
@allow(May.ANSWER_TICKETS)
def open_for() -> Any:
    """Open a ticket for somebody."""
    form = f.OnBehalf()
    person = door.by_email(form.email.data or "")
    orgs = {one.uid: one for one in _orgs(person)}
    form.offer(orgs.values())
    if form.validate_on_submit():
        try:
            if person is None:
                raise Refused(_("Nobody has an account with this address."), field="email", status=422)
            if not form.org.data and len(orgs) > 1:
                raise Refused(
                    _("This person acts for several organisations: please choose."), field="org", status=422
                )
            org = orgs.get(form.org.data) if form.org.data else next(iter(orgs.values()), None)
            with transaction():
                made = asking.open_ticket(
                    by=me().person, asker=person, org=org, title=str(form.title.data), body=str(form.body.data),
                    severity=Severity(form.severity.data), channel=Channel.STAFF,
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("support_office.ticket", _("Opened. %(who)s has mail.", who=person.name), uid=made.uid)
    return _new(form, 422)


def _roster(form: f.Roster, swap: f.Swap, status: int = 200, call: f.CallNumber | None = None) -> Any:
    g.nav = "support_office.queue"
    form.offer(duty.agents())
    mine = call or f.CallNumber(formdata=None, telephone=pager.number_of(me().person))
    return render_template(
        "office/support/duty.html", days=duty.ahead(), today=clock.today(), calls=bool(settings().pager_url),
        **f.apart(form=form, swap=swap, call=mine),
    ), status  # fmt: skip


@support_office.get("/duty")
@allow(May.READ_TICKETS)
def roster() -> Any:
    """Show who has duty in the coming weeks."""
    today = clock.today()
    return _roster(f.Roster(formdata=None, first=today, last=today), f.Swap(formdata=None))


@support_office.post("/duty")
@allow(May.LEAD_SUPPORT)
def give_duty() -> Any:
    """Give somebody duty."""
    form = f.Roster()
    known = form.offer(duty.agents())
    if form.validate_on_submit() and form.first.data is not None and form.last.data is not None:
        try:
            with transaction():
                duty.roster(
                    form.first.data, form.last.data, known[form.person.data], known.get(form.stand_in.data or ""),
                    by=me().person,
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("support_office.roster", _("The roster is written."))
    return _roster(form, f.Swap(formdata=None), 422)


@support_office.post("/duty/number")
@allow(May.ANSWER_TICKETS)
def call_number() -> Any:
    """Keep one's own number for calls."""
    form, today, by = f.CallNumber(), clock.today(), me().person
    status = form.carry_out(lambda: pager.set_number(by, form.telephone.data or "", by=by))
    if status:
        return _roster(f.Roster(formdata=None, first=today, last=today), f.Swap(formdata=None), status, form)
    return go("support_office.roster", _("Your number is kept."))


@support_office.post("/duty/swap")
@allow(May.LEAD_SUPPORT)
def swap_duty() -> Any:
    """Let two days change their people."""
    form, today = f.Swap(), clock.today()
    if form.validate_on_submit() and form.one.data is not None and form.second.data is not None:
        try:
            with transaction():
                duty.swap(form.one.data, form.second.data, by=me().person)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("support_office.roster", _("Swapped."))
    return _roster(f.Roster(formdata=None, first=today, last=today), form, 422)


def month_of(text: str) -> date:
    """Return the first day of a month written as 2027-03; this month for anything else."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return clock.today().replace(day=1)


@support_office.get("/report")
@allow(May.READ_TICKETS)
def report() -> str:
    """Show the promise and its measure for the tickets received in a month."""
    g.nav, month = "support_office.queue", month_of(asked("month", most=7))
    after = periods.nth(month, 1, 1)
    return render_template(
        "office/support/report.html", month=month, before=periods.nth(month, 1, -1), after=after,
        found=measuring.report(clock.start_of(month), clock.start_of(after)), level_of=coverage.name_of,
        severity_of=lambda code: labels.label(Severity(code)), is_now=after > clock.today(),
    )  # fmt: skip


@support_office.post("/tickets/<uid>/heeding")
@allow(May.LEAD_SUPPORT)
def heed(uid: str) -> BaseResponse:
    """Say that a bad answer was looked after."""
    ticket = access.any_ticket(uid)
    row = db.session.scalars(select(Satisfaction).where(Satisfaction.ticket_id == ticket.id)).first()
    if row is None:
        raise Missing(_("There is no such answer."))
    with transaction():
        satisfying.heed(row, by=me().person)
    return go("support_office.queue", _("Noted that you looked after it."))
