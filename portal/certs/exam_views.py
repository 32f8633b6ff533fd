"""The public page of levels and prices, and the learning path that a candidate walks."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in, who
from portal.certs import learning, levels, schemes
from portal.certs.doors import exams
from portal.certs.models.eligibility import ExamKind
from portal.certs.models.learning import StepRecord
from portal.certs.step_forms import Declaration
from portal.core import catalogue
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.core.web import public as anybody


def duration(minutes: int) -> str:
    """Return a length in the words people use: minutes, hours up to two days, then days."""
    if minutes % 60:
        return _("%(count)s minutes", count=minutes)
    hours = minutes // 60
    if hours > 48 and hours % 24 == 0:
        return _("%(count)s days", count=hours // 24)
    return _("%(count)s minutes", count=minutes) if hours < 3 else _("%(count)s hours", count=hours)


def _link(endpoint: str, **values: Any) -> str | None:
    """Return the address of a door, if this portal has it."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def card(one: levels.Level) -> dict[str, Any]:
    """Return a level as the page shows it."""
    scheme = schemes.scheme(one.code)
    retake, renewal = (levels.listed(one.code, kind) for kind in (ExamKind.RETAKE, ExamKind.RENEWAL))
    return {
        "level": one, "scheme": scheme, "price": levels.listed(one.code), "retake": retake, "renewal": renewal,
        "asks": [(levels.name_of(asked.level), asked.mode == levels.EVER) for asked in one.asks],
        "steps": len(learning.path(one.code, None).steps), "buy": _link("exams.buy", code=one.code),
    }  # fmt: skip


@exams.get("", endpoint="levels")
@anybody
def every_level() -> str:
    """Show programmes and levels: what each asks for, how it is examined, and what it costs."""
    found = schemes.examined()
    known = catalogue.entries("programme")
    programmes = [
        (known.get(code), [card(one) for one in found if one.programme == code])
        for code in dict.fromkeys(one.programme for one in found)
    ]
    return render_template(
        "exams/levels.html", programmes=programmes, duration=duration, provisional=catalogue.policy("cut.provisional"),
        months=catalogue.policy("eligibility.months"), free=catalogue.policy("attempts.free_retakes"),
        sessions=_link("exams.sessions"),
    )  # fmt: skip


def _path_page(code: str, form: Declaration | None = None, open_: str = "", status: int = 200) -> Any:
    level, reader = levels.level(code), who()
    found = learning.path(code, reader.person if reader else None)
    g.nav = "exams.paths"
    return render_template(
        "exams/path.html", level=level, path=found, form=form or Declaration(), open_step=open_, signed=reader is not None,
        asks=[levels.name_of(one.level) for one in level.asks],
    ), status  # fmt: skip


@exams.get("/<code>/path")
@anybody
def path(code: str) -> Any:
    """Show the learning path of a level; who is signed in sees how far he came."""
    return _path_page(code)


@exams.get("/path")
@signed_in
def paths() -> str:
    """Show a candidate the paths of every level with his progress."""
    person = me().person
    rows = [(one, learning.path(one.code, person)) for one in levels.levels()]
    return render_template("exams/paths.html", rows=rows)


@exams.post("/steps/<code>/declaration")
@signed_in
def declare(code: str) -> Any:
    """Declare a step done, with what shows it."""
    body = catalogue.entries("step").get(code)
    if body is None:
        raise Missing(_("There is no such learning step."))
    level, form = str(body["level"]), Declaration()
    if form.validate_on_submit():
        try:
            with transaction():
                person = me().person
                learning.declare(
                    person, code, by=person, evidence=form.evidence.data or "", link=form.link.data or "",
                    done_on=form.done_on.data,
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(
                "exams.path", _("Declared. Staff look at it; you see here when it is confirmed."), code=level
            )
    return _path_page(level, form, code, 422)


@exams.post("/steps/<code>/withdrawal")
@signed_in
def withdraw_step(code: str) -> BaseResponse:
    """Take a declaration back."""
    person = me().person
    row = db.session.scalars(
        select(StepRecord).where(StepRecord.person_id == person.id, StepRecord.step == code)
    ).first()
    if row is None:
        raise Missing(_("There is no such learning step."))
    with transaction():
        learning.withdraw(row, by=person)
    return go("exams.path", _("Taken back."), code=row.level)
