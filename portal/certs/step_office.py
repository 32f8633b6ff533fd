"""Declared steps as staff confirm or return them."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import completions, learning, levels
from portal.certs.doors import exam_office
from portal.certs.models.learning import StepRecord, StepState
from portal.certs.step_forms import CompletionsFile, Return
from portal.core import catalogue, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.labels import label
from portal.core.paging import asked, page_of
from portal.core.web import go


def count_declared() -> Select[Any]:
    """Select how many declared steps wait."""
    return select(func.count(StepRecord.id)).where(StepRecord.state == StepState.DECLARED)


def _listed() -> Select[Any]:
    state = asked("state") or StepState.DECLARED.value
    statement = select(StepRecord).where(StepRecord.state == state)
    if level := asked("level"):
        statement = statement.where(StepRecord.level == level)
    if q := asked("q"):
        hit = Person.name.icontains(q, autoescape=True) | Person.email.icontains(q, autoescape=True)
        statement = statement.join(Person, Person.id == StepRecord.person_id).where(hit)
    return statement


def _chips() -> list[dict[str, Any]]:
    state, level = asked("state") or StepState.DECLARED.value, asked("level")
    return [
        {"label": _("State"), "options": [
            {"label": label(one), "href": web.url_with(state=one.value, page=None), "active": state == one.value}
            for one in (StepState.DECLARED, StepState.CONFIRMED, StepState.OPEN)
        ]},
        {"label": _("Level"), "options": [
            {"label": one.name, "href": web.url_with(level=None if level == one.code else one.code, page=None), "active": level == one.code}
            for one in levels.levels()
        ]},
    ]  # fmt: skip


def step_name(code: str) -> str:
    """Return what a step is called; its code if the catalogue has it no more."""
    body = catalogue.entries("step").get(code)
    return catalogue.in_words(body["name"]) if body else code


@exam_office.get("/steps")
@allow(May.RUN_EXAMS, May.READ_EXAMS)
def steps() -> str:
    """List steps by state, those declared first."""
    if (asked("state") or "declared") not in set(StepState):
        raise Missing(_("There is no such state."))
    page = page_of(_listed(), order=(StepRecord.declared_at, StepRecord.id))
    return render_template(
        "office/exams/steps.html", page=page, chips=_chips(), step_name=step_name, level_name=levels.name_of,
        form=Return(), may_confirm=me().staff_may(May.RUN_EXAMS), reader=me().person,
    )  # fmt: skip


def _row(uid: str) -> StepRecord:
    found = db.session.scalars(select(StepRecord).where(StepRecord.uid == uid)).first()
    if found is None:
        raise Missing(_("There is no such learning step."))
    return found


@exam_office.post("/steps/<uid>/confirmation")
@allow(May.RUN_EXAMS)
def confirm_step(uid: str) -> BaseResponse:
    """Confirm a declared step."""
    row = _row(uid)
    with transaction():
        learning.confirm(row, by=me().person)
    return go("exam_office.steps", _("Confirmed."))


@exam_office.post("/steps/<uid>/return")
@allow(May.RUN_EXAMS)
def return_step(uid: str) -> BaseResponse | Response:
    """Return a declared step with a reason."""
    row, form = _row(uid), Return()
    if not form.validate_on_submit():
        raise Refused(_("Please say what is missing."), status=422)
    with transaction():
        learning.send_back(row, by=me().person, reason=form.reason.data or "")
    g.nav = "exam_office.steps"
    return go("exam_office.steps", _("Returned; the candidate reads your reason."))


class _OnlyChecked(Exception):
    """The file was only to be checked: what was confirmed is rolled back."""


def _brought_in(data: bytes, name: str, *, keep: bool) -> completions.Outcome:
    outcome = completions.Outcome()
    try:
        with transaction():
            outcome = completions.bring_in(data, name, by=me().person)
            if not keep:
                raise _OnlyChecked
    except _OnlyChecked:
        pass
    return outcome


@exam_office.route("/steps/completions", methods=["GET", "POST"])
@allow(May.RUN_EXAMS)
def bring_in_completions() -> Any:
    """Confirm the steps of a provider's list, whole or not at all, or only check it."""
    form, outcome, g.nav = CompletionsFile(), None, "exam_office.steps"
    if form.validate_on_submit():
        name = str(form.file.data.filename or "completions.csv")[:100]
        data = form.file.data.read(completions.BIGGEST + 1)
        try:
            outcome = _brought_in(data, name, keep=not form.check_only.data)
        except Refused as refusal:
            form.refused(refusal)
    page = render_template("office/exams/completions.html", form=form, outcome=outcome)
    return page, 422 if form.errors else 200
