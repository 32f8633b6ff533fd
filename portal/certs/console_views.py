"""The proctor's console: who is there, at work, silent or done; opened, timed, told, noted and reported from one page."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import console, levels, proctoring, sitting
from portal.certs import sitting_forms as f
from portal.certs.attempt_pages import attempt_page
from portal.certs.doors import exam_office
from portal.certs.models.booking import BookingState, ExamSession
from portal.certs.models.delivery import Attempt
from portal.certs.models.watching import IncidentKind, Paper, Severity
from portal.certs.sitting_access import booking_in, incident_of, seen_attempt, seen_session, watches
from portal.core import clock, files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import uploads


@exam_office.get("/watch")
@allow(May.PROCTOR)
def watched() -> str:
    """List the sessions that the reader watches over."""
    page = page_of(proctoring.watched(me().person))
    return render_template("office/exams/watch.html", page=page, name_of=levels.name_of)


def console_page(session: ExamSession, status: int = 200, **forms: Any) -> Any:
    """Show the console of a session, with a form that was not accepted as it was typed."""
    g.nav = "exam_office.watched" if watches(session) else "exam_office.sessions"
    rows = console.lines(session)
    fresh = {
        "check": _offer(f.CheckIn(formdata=None), rows), "time": f.Time(formdata=None), "noted": f.Noted(formdata=None), "told": f.Told(formdata=None),
        "report": f.Report(formdata=None),
    }  # fmt: skip
    return render_template(
        "office/exams/console.html", row=session, level=levels.name_of(session.level), rows=rows, now=clock.now(),
        opening=sitting.opening_of(session.id), mine=watches(session), incidents=console.incidents(session),
        signed=proctoring.report_of(session.id), tally=console.tally(rows), **{**fresh, **forms},
    ), status  # fmt: skip


@exam_office.get("/sessions/<uid>/console", endpoint="console")
@allow(May.PROCTOR, May.READ_EXAMS)
def console_(uid: str) -> Any:
    """Show who is there and how far."""
    return console_page(seen_session(uid))


@exam_office.get("/sessions/<uid>/console/lines")
@allow(May.PROCTOR, May.READ_EXAMS)
def console_lines(uid: str) -> str:
    """Answer with the lines alone, for a console that refreshes itself."""
    session = seen_session(uid)
    rows = console.lines(session)
    return render_template(
        "office/exams/_console.html", row=session, rows=rows, now=clock.now(), mine=watches(session), tally=console.tally(rows),
    )  # fmt: skip


@exam_office.post("/sessions/<uid>/opening")
@allow(May.PROCTOR)
def open_session(uid: str) -> BaseResponse:
    """Let the candidates start."""
    with transaction():
        proctoring.open_session(seen_session(uid), by=me().person)
    return go("exam_office.console", _("Opened: candidates who are checked in can start."), uid=uid)


@exam_office.post("/sessions/<uid>/check-ins")
@allow(May.PROCTOR)
def check_in(uid: str) -> Any:
    """Let a candidate in, with the document he showed."""
    session = seen_session(uid)
    form = _offer(f.CheckIn(), console.lines(session))
    if not form.validate_on_submit():
        return console_page(session, 422, check=form)
    row = booking_in(session, form.booking.data)
    try:
        with transaction():
            sitting.check_in(row, paper=Paper(form.paper.data), last_four=form.last_four.data, by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return console_page(seen_session(uid), refusal.status, check=form)
    return go("exam_office.console", _("%(name)s is checked in.", name=row.name), uid=uid)


def _offer(form: f.CheckIn, rows: list[console.Line]) -> f.CheckIn:
    """Offer the candidates who are expected and not yet let in."""
    expected = [one.booking for one in rows if one.booking.state is BookingState.CONFIRMED]
    names = [(one.uid, f"{one.name} · {one.name_latin}" if one.name_latin else one.name) for one in expected]
    form.booking.choices = [("", ""), *names]
    return form


@exam_office.post("/sessions/<uid>/outage")
@allow(May.PROCTOR)
def outage(uid: str) -> Any:
    """Give everybody at work the same minutes, since all were cut off."""
    session, form = seen_session(uid), f.Time()
    if not form.validate_on_submit():
        return console_page(session, 422, time=form)
    try:
        with transaction():
            given = proctoring.outage(
                session, form.minutes.data or 0, reason=form.why.data or "", by=me().person
            )
    except Refused as refusal:
        form.refused(refusal)
        return console_page(seen_session(uid), refusal.status, time=form)
    return go("exam_office.console", _("%(given)s candidates were given the minutes.", given=given), uid=uid)


@exam_office.post("/sessions/<uid>/incidents")
@allow(May.PROCTOR)
def note_incident(uid: str) -> Any:
    """Note what happened to all."""
    session, form = seen_session(uid), f.Noted()
    if not form.validate_on_submit():
        return console_page(session, 422, noted=form)
    try:
        _note(session, form, None)
    except Refused as refusal:
        form.refused(refusal)
        return console_page(seen_session(uid), refusal.status, noted=form)
    return go("exam_office.console", _("Noted."), uid=uid)


def _note(session: ExamSession, form: f.Noted, attempt: Attempt | None) -> None:
    """Write an incident down, with the file that was chosen for it."""
    kind, severity = IncidentKind(form.kind.data), Severity(form.severity.data)
    given, by, evidence = form.file.data, me().person, None
    if given is not None and given.filename:
        taken = uploads.check(given)
        evidence = files.put(taken.data, taken.media_type), taken.name
    with transaction():
        proctoring.note(
            session, kind, severity, words=form.note.data or "", by=by, attempt=attempt, evidence=evidence
        )


@exam_office.post("/sessions/<uid>/notices")
@allow(May.PROCTOR)
def tell(uid: str) -> Any:
    """Tell everybody in the session something, in both languages."""
    session, form = seen_session(uid), f.Told()
    if status := form.carry_out(
        lambda: proctoring.tell(session, zh=form.zh.data or "", en=form.en.data or "", by=me().person)
    ):
        return console_page(seen_session(uid), status, told=form)
    return go("exam_office.console", _("Candidates see it within seconds."), uid=uid)


@exam_office.post("/sessions/<uid>/report")
@allow(May.PROCTOR)
def sign_report(uid: str) -> Any:
    """Sign the report of a session that is over."""
    session, form = seen_session(uid), f.Report()
    if status := form.carry_out(
        lambda: proctoring.report(session, words=form.report.data or "", by=me().person)
    ):
        return console_page(seen_session(uid), status, report=form)
    return go("exam_office.console", _("Signed. Thank you."), uid=uid)


@exam_office.get("/attempts/<uid>")
@allow(May.PROCTOR, May.READ_EXAMS)
def attempt(uid: str) -> Any:
    """Show one attempt."""
    return attempt_page(seen_attempt(uid))


@exam_office.post("/attempts/<uid>/time")
@allow(May.PROCTOR)
def give_time(uid: str) -> Any:
    """Give minutes to one candidate."""
    row, form = seen_attempt(uid), f.Time()
    if status := form.carry_out(
        lambda: proctoring.grant(row, form.minutes.data or 0, reason=form.why.data or "", by=me().person)
    ):
        return attempt_page(seen_attempt(uid), status, time=form)
    return go("exam_office.attempt", _("Given. The candidate’s clock shows it within seconds."), uid=uid)


@exam_office.post("/attempts/<uid>/incidents")
@allow(May.PROCTOR)
def note_about(uid: str) -> Any:
    """Note what happened to one candidate."""
    row, form = seen_attempt(uid), f.Noted()
    if not form.validate_on_submit():
        return attempt_page(row, 422, noted=form)
    try:
        _note(row.booking.session, form, row)
    except Refused as refusal:
        form.refused(refusal)
        return attempt_page(seen_attempt(uid), refusal.status, noted=form)
    return go("exam_office.attempt", _("Noted."), uid=uid)


@exam_office.get("/incidents/<uid>/file")
@allow(May.PROCTOR, May.READ_EXAMS, May.DECIDE_AWARDS)
def incident_file(uid: str) -> Response:
    """Hand out the evidence of an incident to whoever watches over its session, reads exams, or decides on a doubt."""
    row = incident_of(uid)
    if row.file is None:
        raise Missing(_("There is no such file."))
    return files.send(row.file)


@exam_office.post("/attempts/<uid>/notices")
@allow(May.PROCTOR)
def tell_one(uid: str) -> Any:
    """Tell one candidate something."""
    row, form = seen_attempt(uid), f.Told()
    if status := form.carry_out(
        lambda: proctoring.tell(
            row.booking.session, zh=form.zh.data or "", en=form.en.data or "", by=me().person, attempt=row
        )
    ):
        return attempt_page(seen_attempt(uid), status, told=form)
    return go("exam_office.attempt", _("The candidate sees it within seconds."), uid=uid)


@exam_office.post("/attempts/<uid>/browser")
@allow(May.PROCTOR)
def free_browser(uid: str) -> BaseResponse:
    """Let a candidate go on in another browser."""
    with transaction():
        proctoring.free_browser(seen_attempt(uid), by=me().person)
    return go("exam_office.attempt", _("Freed: the candidate can go on in another browser."), uid=uid)


@exam_office.post("/attempts/<uid>/end")
@allow(May.PROCTOR)
def end_attempt(uid: str) -> Any:
    """End the part that runs."""
    row, form = seen_attempt(uid), f.EndPart()
    if status := form.carry_out(
        lambda: proctoring.end_part(
            row, reason=form.cause.data or "", severity=Severity.MAJOR, by=me().person
        )
    ):
        return attempt_page(seen_attempt(uid), status, ending=form)
    return go("exam_office.attempt", _("Ended. What was saved is handed in."), uid=uid)
