"""The office's pages about people's accounts: find one, see its sessions, help when a factor is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import door, factors, helping
from portal.accounts import forms as f
from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import FactorLoss, Person
from portal.accounts.reasons import account, with_reason
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import page_of
from portal.core.web import go

helpdesk = Blueprint("helpdesk", __name__, url_prefix="/office/accounts")


@helpdesk.get("/")
@allow(May.HELP_PEOPLE)
def people() -> str:
    """List the accounts; what was reported lost and waits comes first."""
    statement = select(Person).order_by(Person.name, Person.id)
    if q := request.args.get("q", "").strip()[:200]:
        found = [column.icontains(q, autoescape=True) for column in (Person.name, Person.email)]
        statement = statement.where(or_(*found))
    waiting = select(FactorLoss).where(FactorLoss.decided_at.is_(None)).order_by(FactorLoss.id)
    return render_template(
        "office/accounts.html", page=page_of(statement), waiting=db.session.scalars(waiting).all()
    )


def _page(row: Person, form: f.Why, status: int = 200) -> Any:
    return render_template(
        "office/account.html", person=row, form=form, sessions=door.sessions(row), me=me().person,
        passkeys=factors.passkeys(row), recovery_left=factors.recovery_left(row), loss=helping.open_loss(row),
    ), status  # fmt: skip


@helpdesk.get("/<uid>")
@allow(May.HELP_PEOPLE)
def person(uid: str) -> Any:
    """Show one account: how it is protected, where it is signed in, what waits."""
    return _page(account(uid), f.Why())


@helpdesk.post("/<uid>/sessions/end")
@allow(May.HELP_PEOPLE, fresh=True)
def end_sessions(uid: str) -> BaseResponse:
    """End all sessions of a person."""
    row = account(uid)
    with transaction():
        helping.end_sessions(row, by=me().person)
    return go("helpdesk.person", _("All sessions are ended."), uid=uid)


@helpdesk.post("/<uid>/loss")
@allow(May.HELP_PEOPLE, fresh=True)
def report(uid: str) -> Any:
    """Write down that the second factor is lost, and how the person showed who he is."""
    return _with_reason(
        uid,
        lambda row, shown: helping.report_loss(row, by=me().person, shown=shown),
        _("Written down. A second member of staff decides."),
    )


@helpdesk.post("/<uid>/loss/<answer>")
@allow(May.HELP_PEOPLE, fresh=True)
def decide(uid: str, answer: str) -> BaseResponse:
    """Remove the lost factors (`agreement`), or refuse to (`refusal`)."""
    loss = helping.open_loss(account(uid))
    if loss is None or answer not in {"agreement", "refusal"}:
        raise Missing(_("Nothing waits for a decision here."))
    with transaction():
        helping.decide_loss(loss, by=me().person, agree=answer == "agreement")
    return go("helpdesk.person", _("Decided; the person has mail."), uid=uid)


@helpdesk.post("/<uid>/closing")
@allow(May.HELP_PEOPLE, fresh=True)
def close(uid: str) -> Any:
    """Close an account."""
    return _with_reason(
        uid,
        lambda row, reason: helping.close(row, by=me().person, reason=reason),
        _("The account is closed, and its sessions are ended."),
    )


def _with_reason(uid: str, act: Callable[[Person, str], object], done: str) -> Any:
    return with_reason(uid, act, page=_page, then="helpdesk.person", done=done)


@helpdesk.post("/<uid>/opening")
@allow(May.HELP_PEOPLE, fresh=True)
def reopen(uid: str) -> BaseResponse:
    """Open a closed account again."""
    row = account(uid)
    with transaction():
        helping.reopen(row, by=me().person)
    return go("helpdesk.person", _("The account is open again."), uid=uid)
