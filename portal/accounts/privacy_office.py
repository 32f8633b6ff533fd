"""The office's privacy desk: requests to be erased with their clock, what is kept beyond its time, and the newsletter's receivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import consents, erasing
from portal.accounts import forms as f
from portal.accounts.access import allow, me
from portal.accounts.erasure_plan import obstacles, plan
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.accounts.privacy_models import Erasure
from portal.accounts.reasons import account, with_reason
from portal.core import audit, catalogue, clock, export, retaining
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import page_of
from portal.core.web import go

privacy_desk = Blueprint("privacy_desk", __name__, url_prefix="/office/privacy")


def count_waiting() -> Select[int]:
    """Select how many requests wait."""
    return select(func.count(Erasure.id)).where(Erasure.state.in_(erasing.OPEN))


@privacy_desk.get("/")
@allow(May.ERASE_PEOPLE)
def requests() -> str:
    """List the requests to be erased, what waits first, each with the day of its answer."""
    statement = select(Erasure).order_by(Erasure.closed_at.is_not(None), Erasure.due_on, Erasure.id.desc())
    return render_template("office/privacy.html", page=page_of(statement), today=clock.today())


def _page(row: Person, form: f.Why, status: int = 200) -> Any:
    done = row.erased_at is not None
    past = select(Erasure).where(Erasure.person_id == row.id).order_by(Erasure.id.desc())
    return render_template(
        "office/erasure.html", person=row, form=form, waiting=erasing.open_request(row), me=me().person,
        plan=[] if done else plan(row), obstacles=[] if done else obstacles(row), past=db.session.scalars(past).all(),
    ), status  # fmt: skip


@privacy_desk.get("/<uid>")
@allow(May.ERASE_PEOPLE)
def person(uid: str) -> Any:
    """Show the dry run of one person's erasure, and what was decided about him before."""
    return _page(account(uid), f.Why())


def _with_reason(uid: str, act: Callable[[Person, str], object], done: str) -> Any:
    return with_reason(uid, act, page=_page, then="privacy_desk.person", done=done)


@privacy_desk.post("/<uid>/proposal")
@allow(May.ERASE_PEOPLE, fresh=True)
def propose(uid: str) -> Any:
    """Propose to erase as the dry run says; a second member of staff does it."""
    return _with_reason(
        uid,
        lambda row, reason: erasing.propose(row, by=me().person, reason=reason),
        _("Proposed. A second member of staff carries it out."),
    )


def _open(row: Person) -> Erasure:
    found = erasing.open_request(row)
    if found is None:
        raise Missing(_("There is no request that waits."))
    return found


@privacy_desk.post("/<uid>/refusal")
@allow(May.ERASE_PEOPLE, fresh=True)
def decline(uid: str) -> Any:
    """Decline, with the reason in writing."""
    return _with_reason(
        uid,
        lambda row, reason: erasing.decline(_open(row), by=me().person, reason=reason),
        _("Declined; the person has mail with the reason."),
    )


@privacy_desk.post("/<uid>/erasure")
@allow(May.ERASE_PEOPLE, fresh=True)
def carry_out(uid: str) -> BaseResponse:
    """Erase the person as proposed, as a second member of staff."""
    row = account(uid)
    with transaction():
        erasing.carry_out(_open(row), by=me().person)
    return go("privacy_desk.person", _("Erased; the person has mail with what was done."), uid=uid)


@privacy_desk.get("/retention")
@allow(May.ERASE_PEOPLE)
def retention() -> str:
    """Show what is kept beyond its time, and the last deletions."""
    last = select(retaining.Deletion).order_by(retaining.Deletion.id.desc())
    return render_template(
        "office/retention.html", due=retaining.dry_run(), kinds=catalogue.entries("retention"), page=page_of(last),
        nightly=retaining.told_to_delete(),
    )  # fmt: skip


@privacy_desk.post("/retention")
@allow(May.ERASE_PEOPLE, fresh=True)
def delete_due() -> BaseResponse:
    """Delete what is due now; each deletion leaves a row without the data."""
    by = me().person
    with transaction():
        audit.record("retention.asked", "deletion:0", by=by)
    done = retaining.run(by=by.name)
    return go("privacy_desk.retention", _("%(num)s rows are deleted.", num=done))


@privacy_desk.get("/newsletter/file")
@allow(May.ERASE_PEOPLE)
def newsletter_file() -> Response:
    """Hand out whom the newsletter may go to today; who took it out is on record."""
    rows = [(one.name, one.email, one.language) for one in consents.receivers(consents.NEWSLETTER)]
    audit.trace("list.exported", "consent:0", by=me().person, list="newsletter", rows=len(rows))
    heads = (_l("Name"), _l("Mail address"), _l("Language"))
    response = Response("".join(export.lines_of(heads, rows)), mimetype="text/csv")
    response.headers["Content-Disposition"] = "attachment; filename=newsletter.csv"
    return response
