"""The customer's pages: his tickets, opening one, one ticket with its conversation and clocks, how it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import acting_for
from portal.core import catalogue, labels
from portal.core import files as core_files
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import chip, go, public
from portal.services.support import access, asking, attaching, coverage, satisfying, showing
from portal.services.support import forms as f
from portal.services.support.clocks import Severity
from portal.services.support.doors import support
from portal.services.support.models import LIVE, SupportTicket, TicketState

PAGE = "support.ticket"
GROUPS = {
    "open": LIVE,
    "solved": (TicketState.SOLVED,),
    "over": (TicketState.CLOSED, TicketState.MERGED, TicketState.REJECTED),
}


@support.get("/")
@signed_in
def listed() -> str:
    """List the reader's tickets, and at which level his organisation is served."""
    reader, q, group = me(), folded(asked("q")), asked("state", most=20)
    statement = access.own_tickets(reader)
    if group in GROUPS:
        statement = statement.where(SupportTicket.state.in_(GROUPS[group]))
    if q:
        number = (
            int(q[2:]) if q.startswith("t-") and q[2:].isascii() and q[2:].isdigit() and len(q) < 14 else 0
        )
        statement = statement.where(
            or_(SupportTicket.title.icontains(q, autoescape=True), SupportTicket.id == number)
        )
    page = page_of(statement.order_by(SupportTicket.id.desc()))
    org = acting_for(reader)
    return render_template(
        "support/tickets.html", page=page, org=org, covers=coverage.covers(org) if org else [],
        level_of=coverage.name_of, clocks={one.id: showing.clocks_of(one) for one in page.items if one.state in LIVE},
        filters=[
            chip("state", code, words, group)
            for code, words in (("open", _("Not solved yet")), ("solved", _("Solved")), ("over", _("Over")))
        ],
        on_list=org is not None and coverage.is_listed(org, reader.person),
        keeps_list=org is not None and org.id in reader.orgs(May.FOLLOW_TICKETS),
    )  # fmt: skip


def _new(form: f.NewTicket, follows: SupportTicket | None, status: int = 200) -> Any:
    g.nav, reader = "support.listed", me()
    orgs = access.asking_orgs(reader)
    return render_template(
        "support/new.html", form=form, follows=follows, promises=promises(), org=acting_for(reader),
        served=[(one, coverage.name_of(coverage.level_for(one, reader.person))) for one in orgs],
    ), status  # fmt: skip


def promises() -> list[tuple[str, str, dict[str, dict[str, str]]]]:
    """Return what each level promises, in words: its name, its hours, the time by clock and severity."""
    hours = catalogue.entries("support_calendar")
    return [
        (
            catalogue.in_words(row["name"]),
            catalogue.in_words(hours[row["hours"]]["name"]),
            {
                kind: {
                    severity: showing.length(timedelta(minutes=minutes))
                    for severity, minutes in times.items()
                }
                for kind, times in row["minutes"].items()
            },
        )
        for row in catalogue.entries("support_level").values()
    ]


def _follows() -> SupportTicket | None:
    uid = asked("follows", most=32)
    return access.own_ticket(uid) if uid else None


@support.get("/new")
@signed_in
def new() -> Any:
    """Show the form for a new ticket."""
    form, org, follows = f.NewTicket(), acting_for(me()), _follows()
    form.offer(access.asking_orgs(me()))
    before = follows.org if follows is not None else org
    form.org.data = before.uid if before is not None else "me"
    if follows is not None:
        form.title.data = follows.title
    return _new(form, follows)


@support.post("/new")
@signed_in
def open_ticket() -> Any:
    """Open a ticket."""
    form, reader, follows = f.NewTicket(), me(), _follows()
    orgs = {one.uid: one for one in access.asking_orgs(reader)}
    form.offer(orgs.values())
    if form.validate_on_submit():
        try:
            made = _opened(form, orgs.get(form.org.data), follows)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(
                PAGE, _("We have your ticket %(number)s. You have mail.", number=made.number), uid=made.uid
            )
    return _new(form, follows, 422)


def _opened(form: f.NewTicket, org: Organisation | None, follows: SupportTicket | None) -> SupportTicket:
    attached = attaching.take(request.files.getlist("files"))
    with transaction():
        return asking.open_ticket(
            by=me().person, org=org, title=str(form.title.data), body=str(form.body.data),
            severity=Severity(form.severity.data), follows=follows, files=attached,
        )  # fmt: skip


def _page(row: SupportTicket, status: int = 200, **given: Any) -> Any:
    g.nav = "support.listed"
    severity = given.get("severity") or f.SetSeverity(formdata=None, severity=row.severity.value)
    severity.offer()
    return render_template(
        "support/ticket.html", row=row, said=showing.conversation(row, public=True), clocks=showing.clocks_of(row),
        level=coverage.name_of(row.level), may_object=asking.may_object(row),
        may_write=asking.may_write(row), reason=showing.last_severity_reason(row), live=row.state in LIVE,
        may_add=_may_add(row), days=int(catalogue.policy("support.reopen_days")),
        **f.apart(
            form=given.get("form") or f.Message(formdata=None), severity=severity,
            objection=given.get("objection") or f.Object(formdata=None),
        ),
    ), status  # fmt: skip


def _may_add(row: SupportTicket) -> bool:
    """Whether the reader could put who asks on the list, so that the ticket has a better level."""
    if row.org is None or row.level != coverage.OPEN or row.org_id not in me().orgs(May.FOLLOW_TICKETS):
        return False
    return coverage.cover(row.org) is not None and not coverage.is_listed(row.org, row.asker)


@support.get("/<uid>")
@signed_in
def ticket(uid: str) -> Any:
    """Show a ticket: its state and clocks, what was said, what the reader can do."""
    return _page(access.own_ticket(uid))


@support.post("/<uid>/messages")
@signed_in
def write(uid: str) -> Any:
    """Write in a ticket."""
    row, form = access.own_ticket(uid), f.Message()
    if form.validate_on_submit():
        try:
            attached = attaching.take(request.files.getlist("files"))
            with transaction():
                message = asking.write(row, by=me().person, body=str(form.body.data), files=attached)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("Sent."), uid=message.ticket.uid)
    return _page(access.own_ticket(uid), 422, form=form)


@support.post("/<uid>/solution")
@signed_in
def call_solved(uid: str) -> BaseResponse:
    """Call a ticket solved."""
    row = access.own_ticket(uid)
    with transaction():
        asking.call_solved(row, by=me().person)
    return go(PAGE, _("Thank you. You can reopen it by writing in it."), uid=uid)


@support.post("/<uid>/severity")
@signed_in
def set_severity(uid: str) -> Any:
    """Say how severe it is."""
    row, form = access.own_ticket(uid), f.SetSeverity()
    form.offer()
    if form.validate_on_submit():
        try:
            with transaction():
                asking.set_severity(row, Severity(form.severity.data), by=me().person)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(
                PAGE, _("The severity is now: %(severity)s", severity=labels.label(row.severity)), uid=uid
            )
    return _page(access.own_ticket(uid), 422, severity=form)


@support.post("/<uid>/objection")
@signed_in
def object_to_severity(uid: str) -> Any:
    """Object to a severity that staff lowered."""
    row, form = access.own_ticket(uid), f.Object()
    if form.validate_on_submit():
        try:
            with transaction():
                asking.object_to_severity(row, by=me().person, words=str(form.words.data))
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("The lead of support has your objection and decides."), uid=uid)
    return _page(access.own_ticket(uid), 422, objection=form)


@support.get("/<uid>/files/<file>")
@signed_in
def file(uid: str, file: str) -> Response:
    """Hand out a file of a ticket."""
    return core_files.send(attaching.one(access.own_ticket(uid), file, public=True))


@support.get("/satisfaction/<token>")
@public
def satisfaction(token: str) -> Any:
    """Ask how it was."""
    return _rated(token, f.Rate(formdata=None))


def _rated(token: str, form: f.Rate, status: int = 200) -> Any:
    row = satisfying.of_token(token)
    form.offer()
    return render_template(
        "support/satisfaction.html", row=row, form=form, open=satisfying.is_open(row), token=token
    ), status


@support.post("/satisfaction/<token>")
@public
def rate(token: str) -> Any:
    """Take the answer."""
    row, form = satisfying.of_token(token), f.Rate()
    form.offer()
    if form.validate_on_submit():
        try:
            with transaction():
                satisfying.answer(row, int(form.score.data), form.words.data or "")
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("support.satisfaction", _("Thank you: that helps us."), token=token)
    return _rated(token, form, 422)
