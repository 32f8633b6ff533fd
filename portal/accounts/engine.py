"""The engine room: chores with their times and last runs, and the work that waits, fails or is laid aside."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, chores, clock, outbox, web
from portal.core.chores import Chore
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.outbox import OutboxItem
from portal.core.paging import asked, page_of
from portal.core.web import go

engine = Blueprint("engine", __name__, url_prefix="/office")
OPEN = OutboxItem.done_at.is_(None) & OutboxItem.dead_at.is_(None)
STATES = {
    "open": OPEN,
    "failing": OPEN & (OutboxItem.tries > 0) & OutboxItem.error.is_not(None),
    "dead": OutboxItem.dead_at.is_not(None),
    "done": OutboxItem.done_at.is_not(None),
}


def count_dead() -> Select[int]:
    """Select how many pieces of work were laid aside."""
    return select(func.count(OutboxItem.id)).where(STATES["dead"])


def state_of(row: OutboxItem) -> dict[str, str]:
    """Return what a piece of work is at, in words and tone."""
    if row.dead_at:
        return {"label": _("Laid aside"), "tone": "bad", "icon": "x-octagon-fill"}
    if row.done_at:
        return {"label": _("Done"), "tone": "good", "icon": "check-circle-fill"}
    if row.error:
        return {"label": _("Failing"), "tone": "warn", "icon": "exclamation-triangle-fill"}
    return {"label": _("Waiting"), "tone": "wait", "icon": "hourglass-split"}


def _chore(chore: Chore, last: OutboxItem | None) -> dict[str, Any]:
    return {
        "chore": chore,
        "said": chores.said(chore.name),
        "last": last,
        "state": state_of(last) if last else None,
        "rows": last.payload.get("rows") if last else None,
        "by": last.payload.get("by") if last else None,
        "next": chores.trigger(chore).get_next_fire_time(None, clock.now()),
    }


@engine.get("/chores")
@allow(May.READ_CHORES)
def chore_list() -> str:
    """List every chore with its times, its last run and the next."""
    last = chores.last_runs()
    return render_template(
        "office/chores.html",
        chores=[_chore(chore, last.get(name)) for name, chore in chores.table().items()],
        may_run=me().staff_may(May.RUN_CHORES),
    )


@engine.post("/chores/<name>/runs")
@allow(May.RUN_CHORES)
def run_chore(name: str) -> BaseResponse:
    """File a run of a chore; the worker does it."""
    if name not in chores.table():
        raise Missing(_("There is no such chore."))
    person = me().person
    with transaction():
        if chores.ask(name, by=person.name):
            audit.record("chore.asked", f"chore:{name}", by=person, chore=name)
    return go("engine.chore_list", _("The chore is filed; the worker takes it in a moment."))


def _chips(state: str, kind: str) -> list[dict[str, Any]]:
    names = {"open": _("Waiting"), "failing": _("Failing"), "dead": _("Laid aside"), "done": _("Done")}
    return [
        {
            "label": _("State"),
            "options": [
                {"label": words, "href": web.url_with(state=code, page=None), "active": state == code}
                for code, words in [*names.items(), ("all", _("All"))]
            ],
        },
        {
            "label": _("Type"),
            "options": [
                {
                    "label": outbox.called(one),
                    "href": web.url_with(kind=None if one == kind else one, page=None),
                    "active": one == kind,
                }
                for one in outbox.kinds()
            ],
        },
    ]


@engine.get("/outbox")
@allow(May.READ_OUTBOX)
def work() -> str:
    """List the work that waits, fails or is laid aside, newest first."""
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    statement = select(OutboxItem).order_by(OutboxItem.id.desc())
    if state in STATES:
        statement = statement.where(STATES[state])
    elif state != "all":
        state, statement = "", statement.where(OutboxItem.done_at.is_(None))
    if kind in outbox.kinds():
        statement = statement.where(OutboxItem.kind == kind)
    if q := asked("q", most=100):
        statement = statement.where(OutboxItem.key.icontains(q, autoescape=True))
    page = page_of(statement)
    return render_template(
        "office/outbox.html", page=page, states=[state_of(row) for row in page.items],
        chips=_chips(state, kind), kind_name=outbox.called, most_tries=outbox.MOST_TRIES, may_retry=me().staff_may(May.RETRY_OUTBOX),
    )  # fmt: skip


@engine.post("/outbox/<int:number>/life")
@allow(May.RETRY_OUTBOX)
def again(number: int) -> BaseResponse:
    """Give a piece of work that was laid aside another life."""
    with transaction():
        row = db.session.scalars(select(OutboxItem).where(OutboxItem.id == number).with_for_update()).first()
        if row is None:
            raise Missing(_("There is no such piece of work."))
        if row.dead_at is None:
            raise Refused(_("Only work that was laid aside can be taken up again."))
        tried = row.tries
        outbox.again(row)
        audit.record("outbox.again", row, by=me().person, kind=row.kind, key=row.key, tries=tried)
    return go("engine.work", _("It is taken up again."), state="all", q=row.key)
