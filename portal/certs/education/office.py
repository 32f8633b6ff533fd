"""The office's pages of continuing education: entries to check, renewals to decide."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import Select, func, literal, or_, select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import levels
from portal.certs.education import checking, entries, forms, renewing, rules
from portal.certs.models.award import Award
from portal.certs.models.education import EducationEntry, EducationRenewal, EducationState, RenewalState
from portal.core import audit, clock, files
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.labels import label
from portal.core.paging import asked, page_of
from portal.core.web import go, url_with

office = Blueprint("education_office", __name__, url_prefix="/office/education")
E, R = EducationState, RenewalState
LIST, RENEWALS = "education_office.listed", "education_office.renewals"


def count_waiting() -> Select[Any]:
    """Select how many entries and renewals wait for somebody."""
    to_check = select(func.count(EducationEntry.id)).where(EducationEntry.state.in_(entries.OPEN))
    to_decide = select(func.count(EducationRenewal.id)).where(EducationRenewal.state == R.ASKED)
    return select((to_check.scalar_subquery() + to_decide.scalar_subquery()).label("waits"))


def _chips(kind: type[EducationState] | type[RenewalState], now: str) -> list[dict[str, Any]]:
    return [
        {"label": label(one), "href": url_with(state=None if one.value == now else one.value, page=None), "active": one.value == now}
        for one in kind
    ]  # fmt: skip


def _of(q: str) -> Any:
    return or_(Person.name.icontains(q, autoescape=True), Person.email.icontains(q, autoescape=True))


@office.get("/")
@allow(May.READ_EXAMS)
def listed() -> str:
    """List entries: those that wait, or those of one state, found by name or mail address."""
    state, q = asked("state", most=20), asked("q")
    if state and state not in set(E):
        raise Missing(_("There is no such state."))
    rows = select(EducationEntry).where(
        EducationEntry.state == state if state else EducationEntry.state.in_(entries.OPEN)
    )
    if q:
        rows = rows.join(Person, Person.id == EducationEntry.person_id).where(_of(q))
    page = page_of(rows, order=(EducationEntry.created_at, EducationEntry.id))
    reader = me()
    return render_template(
        "office/education/entries.html", page=page, chips=_chips(E, state), kind_name=rules.name_of,
        checks={one.id for one in page.items if reader.staff_may(May.RUN_EXAMS) and checking.may_check(one, reader.person)},
        decisions=renewing.count_waiting(),
    )  # fmt: skip


@office.get("/<uid>")
@allow(May.READ_EXAMS)
def entry(uid: str) -> Any:
    """Show an entry: what was done, what shows it, who looked at it."""
    return _entry_page(uid)


def _entry_page(
    uid: str, status: int = 200, *, accepts: forms.Acceptance | None = None, refuses: forms.Refusal | None = None
) -> Any:  # fmt: skip
    row, reader, g.nav = entries.found(uid), me(), LIST
    if accepts is None:
        accepts = forms.Acceptance(formdata=None)
        accepts.points.data = str(row.points or row.claimed)
    caps = rules.caps()
    return render_template(
        "office/education/entry.html", row=row, kind_name=rules.name_of(row.kind), cap=caps.get(row.kind),
        may_check=reader.staff_may(May.RUN_EXAMS) and checking.may_check(row, reader.person),
        waits=row.state in entries.OPEN, second=row.state is E.SECOND_LOOK, own=row.person_id == reader.person.id,
        may_open=reader.staff_may(May.RUN_EXAMS) or reader.staff_may(May.DECIDE_AWARDS),
        accepts=accepts, refuses=refuses or forms.Refusal(formdata=None),
        history=list(db.session.scalars(audit.of_subject(row.subject))),
    ), status  # fmt: skip


@office.post("/<uid>/acceptance")
@allow(May.RUN_EXAMS)
def accept(uid: str) -> Any:
    """Accept an entry with points."""
    row, form = entries.found(uid), forms.Acceptance()

    def deed() -> None:
        points = rules.whole(str(form.points.data))
        if points is None:
            raise Refused(rules.no_whole_number(), field="points", status=422)
        checking.accept(row, points, by=me().person)

    if refused := form.carry_out(deed):
        return _entry_page(uid, refused, accepts=form)
    drawn = entries.found(uid).state is E.SECOND_LOOK
    said = (
        _("Accepted, and drawn for a second look by somebody else.")
        if drawn
        else _("Accepted; the holder is told.")
    )
    return go(LIST, said)


@office.post("/<uid>/refusal")
@allow(May.RUN_EXAMS)
def refuse(uid: str) -> Any:
    """Refuse an entry with a reason."""
    row, form = entries.found(uid), forms.Refusal()
    refused = form.carry_out(lambda: checking.refuse(row, by=me().person, reason=str(form.reason.data)))
    if refused:
        return _entry_page(uid, refused, refuses=form)
    return go(LIST, _("Refused; the holder reads your reason."))


@office.get("/<uid>/file")
@allow(May.RUN_EXAMS, May.DECIDE_AWARDS)
def file(uid: str) -> Response:
    """Hand out the file that shows an entry; each opening is written down."""
    row = entries.found(uid)
    if row.file is None:
        raise Missing(_("There is no such file."))
    audit.trace("education.file_opened", row.subject, by=me().person, file=row.file.name)
    return files.send(row.file)


# ---- Renewals


@office.get("/renewals")
@allow(May.READ_EXAMS)
def renewals() -> str:
    """List renewals: those that wait for a decision, or those of one state."""
    state, q, g.nav = asked("state", most=20), asked("q"), LIST
    if state and state not in set(R):
        raise Missing(_("There is no such state."))
    rows = select(EducationRenewal).join(Award).join(Person, Person.id == Award.person_id)
    rows = rows.where(EducationRenewal.state == (state or R.ASKED.value), _of(q) if q else literal(True))
    page = page_of(rows, order=(EducationRenewal.asked_at, EducationRenewal.id))
    return render_template(
        "office/education/renewals.html", page=page, chips=_chips(R, state), title=levels.name_of,
        checks=checking.count_waiting(),
    )  # fmt: skip


@office.get("/renewals/<uid>")
@allow(May.READ_EXAMS)
def renewal(uid: str) -> Any:
    """Show a renewal: the award, the points it rests on, who checked them, the decision."""
    return _renewal_page(uid, forms.Decision(formdata=None))


def _renewal_page(uid: str, form: forms.Decision, status: int = 200) -> Any:
    row, reader, g.nav = renewing.found(uid), me(), LIST
    waits = row.state is R.ASKED
    return render_template(
        "office/education/renewal.html", row=row, form=form, title=levels.name_of(row.award.level), waits=waits,
        entries=renewing.counted(row), kind_name=rules.name_of, made=renewing.award_of(row), today=clock.today(),
        may_decide=waits and reader.staff_may(May.DECIDE_AWARDS) and renewing.independent(row, reader.person),
        decider=reader.staff_may(May.DECIDE_AWARDS), why_no_grant=renewing.why_no_grant(row) if waits else None,
        history=list(db.session.scalars(audit.of_subject(row.subject))),
    ), status  # fmt: skip


@office.post("/renewals/<uid>/decision")
@allow(May.DECIDE_AWARDS)
def decide(uid: str) -> Any:
    """Grant or refuse a renewal."""
    row, form = renewing.found(uid), forms.Decision()
    granted = form.verdict.data == "granted"
    refused = form.carry_out(
        lambda: renewing.decide(row, granted=granted, by=me().person, reason=str(form.reason.data))
    )
    if refused:
        return _renewal_page(uid, form, refused)
    return go(RENEWALS, _("Renewed. The holder is told.") if granted else _("Refused; the holder reads your reason."))  # fmt: skip
