"""The office's side of sessions: drawn up, published, resized, their roster and waitlist, and proposals about them."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import STAFF, May
from portal.accounts.people import Grant, Person
from portal.certs import exam_deeds, levels, sessions, waitlist
from portal.certs import seat_forms as f
from portal.certs.doors import exam_office
from portal.certs.models.booking import Booking, BookingState, ExamSession, Mode, SessionState
from portal.certs.models.care import ExamDeed, ExamDeedState
from portal.certs.seat_access import found
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, page_of
from portal.core.web import go, url_with

K, S = BookingState, SessionState
GONE = (K.LAPSED, K.RESCHEDULED, K.CANCELLED, K.CALLED_OFF)


def count_deeds() -> Select[int]:
    """Select how many proposals wait for a second person."""
    return select(func.count(ExamDeed.id)).where(ExamDeed.state == ExamDeedState.PROPOSED)


def proctors() -> list[Person]:
    """Return who may watch over sessions today."""
    roles = [role for role, verbs in STAFF.items() if May.PROCTOR in verbs]
    today = clock.today()
    held = select(Grant.person_id).where(
        Grant.role.in_(roles), Grant.start <= today, (Grant.end.is_(None)) | (Grant.end > today)
    )
    return list(db.session.scalars(select(Person).where(Person.id.in_(held)).order_by(Person.name)))


def one(uid: str) -> ExamSession:
    """Return a session; `Missing` if there is none."""
    row: ExamSession = found(select(ExamSession).where(ExamSession.uid == uid))
    return row


@exam_office.get("/sessions", endpoint="sessions")
@allow(May.READ_EXAMS)
def sessions_() -> str:
    """List sessions, those to come first."""
    state = asked("state", most=20)
    statement = select(ExamSession)
    if state in set(S):
        statement = statement.where(ExamSession.state == S(state))
    page = page_of(statement.order_by(ExamSession.starts_at.desc(), ExamSession.id.desc()))
    chips = [
        {"label": words, "href": url_with(state=value or None, page=None), "active": state == value}
        for value, words in (
            ("", _("All")), ("draft", _("Drafts")), ("open", _("Published")), ("closed", _("Closed")), ("called_off", _("Called off")),
        )
    ]  # fmt: skip
    return render_template("office/exams/sessions.html", page=page, chips=chips, name_of=levels.name_of)


def _new_form() -> f.NewSession:
    form = f.NewSession()
    form.fill([(one.uid, one.name) for one in proctors()])
    return form


def _new_page(form: f.NewSession, status: int = 200) -> Any:
    g.nav = "exam_office.sessions"
    return render_template("office/exams/new_session.html", form=form), status


@exam_office.get("/sessions/new")
@allow(May.RUN_EXAMS)
def new_session() -> Any:
    """Show the form of a new session."""
    form = _new_form()
    form.languages.data = ["zh_Hans_CN", "en"]
    return _new_page(form)


@exam_office.post("/sessions/new")
@allow(May.RUN_EXAMS)
def draw_up() -> Any:
    """Draw up a session at the local time of its site."""
    form = _new_form()
    if not form.validate_on_submit():
        return _new_page(form, 422)
    try:
        start, end = form.instants()
        with transaction():
            made = sessions.draw_up(
                level=form.level.data, starts_at=start, ends_at=end, tz=form.tz.data, mode=Mode(form.mode.data),
                place=form.place.data, capacity=form.capacity.data, languages=form.languages.data, by=me().person,
                proctors=[one for one in proctors() if one.uid in form.proctors.data],
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return _new_page(form, refusal.status)
    return go("exam_office.session", _("Drawn up. Nobody sees it before it is published."), uid=made.uid)


@exam_office.get("/sessions/<uid>")
@allow(May.READ_EXAMS)
def session(uid: str) -> str:
    """Show a session: its roster, its queue, what is missing, and what may be done."""
    row, g.nav = one(uid), "exam_office.sessions"
    rows = db.session.scalars(select(Booking).where(Booking.session_id == row.id).order_by(Booking.id)).all()
    proctor = f.Proctors(data={"proctors": [one.person.uid for one in row.proctors]})
    proctor.proctors.choices = [(one.uid, one.name) for one in proctors()]
    return render_template(
        "office/exams/session.html", row=row, level=levels.name_of(row.level), deed=exam_deeds.open_about(row.subject),
        roster=[one for one in rows if one.state not in {*GONE, K.WAITING}], gone=[one for one in rows if one.state in GONE],
        line=list(db.session.scalars(waitlist.line(row.id))), faults=sessions.faults(row) if row.state is S.DRAFT else [],
        capacity=f.Capacity(data={"capacity": row.capacity}), proctors=proctor, reason=f.Reason(), runs=waitlist.offers_run(row),
    )  # fmt: skip


@exam_office.post("/sessions/<uid>/publication")
@allow(May.RUN_EXAMS)
def publish(uid: str) -> BaseResponse:
    """Publish a session."""
    row = one(uid)
    with transaction():
        sessions.publish_session(row, by=me().person)
    return go("exam_office.session", _("Published: candidates see it and may book in its window."), uid=uid)


@exam_office.post("/sessions/<uid>/capacity")
@allow(May.RUN_EXAMS)
def resize(uid: str) -> BaseResponse:
    """Give a session more or fewer seats."""
    row, form = one(uid), f.Capacity()
    if not form.validate_on_submit():
        raise Refused(_("Please give a whole number of seats."), status=422)
    with transaction():
        sessions.resize(row, form.capacity.data, by=me().person)
    return go("exam_office.session", _("Changed. New seats are offered to whoever waits."), uid=uid)


@exam_office.post("/sessions/<uid>/proctors")
@allow(May.RUN_EXAMS)
def name_proctors(uid: str) -> BaseResponse:
    """Say who watches over a session."""
    row, form = one(uid), f.Proctors()
    form.proctors.choices = [(one.uid, one.name) for one in proctors()]
    if not form.validate_on_submit():
        raise Refused(_("Please choose among the proctors."), status=422)
    with transaction():
        chosen = [one for one in proctors() if one.uid in (form.proctors.data or [])]
        sessions.name_proctors(row, chosen, by=me().person)
    return go("exam_office.session", _("Changed."), uid=uid)


@exam_office.post("/sessions/<uid>/offers")
@allow(May.RUN_EXAMS)
def promote(uid: str) -> BaseResponse:
    """Offer free seats to whoever waits, at once."""
    row = one(uid)
    with transaction():
        made = len(waitlist.promote(row.id))
    return go("exam_office.session", _("%(made)s seats offered.", made=made), uid=uid)


@exam_office.post("/sessions/<uid>/call-off")
@allow(May.RUN_EXAMS)
def propose_call_off(uid: str) -> BaseResponse:
    """Propose to call a session off; the chief examiner decides."""
    row, form = one(uid), f.Reason()
    if not form.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        exam_deeds.propose_call_off(row, by=me().person, reason=form.reason.data)
    return go("exam_office.session", _("Proposed. The chief examiner decides."), uid=uid)
