"""The staff's pages of licences: all of them with filters, one as a case, holds, early return, who would be over."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import audit, clock, export, labels
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.paging import asked, folded, number, place_in
from portal.core.web import chip, go
from portal.services.licences import (
    access,
    deciding,
    files,
    granting,
    holding,
    life,
    plans,
    ranking,
    roll,
    showing,
    transferring,
)
from portal.services.licences import forms as f
from portal.services.licences.kinds import HoldReason, Stage
from portal.services.licences.models.licence import Hold, Licence, LicenceState
from portal.services.licences.models.record import LicenceFile, LicenceProposal, ProposedState
from portal.services.licences.pages import licence_office
from portal.services.licences.parts import found
from portal.services.licences.roll import Line

CASE = "licence_office.case"
MARKS = (
    Stage.IN_FORCE, Stage.EXPIRING, Stage.GRACE, Stage.EXPIRED, Stage.NOT_STARTED, LicenceState.PENDING, LicenceState.SUSPENDED,
    LicenceState.REVOKED, LicenceState.SUPERSEDED, LicenceState.CANCELLED,
)  # fmt: skip


def _wanted() -> tuple[list[Line], list[Line], str, str, str]:
    mark, plan, flag = asked("stage", most=20), asked("plan", most=60), asked("flag", most=20)
    every = roll.lines(q=folded(asked("q")), plan=plan)
    return every, roll.narrowed(every, mark=mark, flag=flag), mark, plan, flag


def flags() -> dict[str, str]:
    """Return what the flags of the list are called."""
    return {
        "near": _("Nearly full"), "over": _("More live than bought"), "shared": _("Two machines, one name"),
        "beyond": _("File beyond the end"),
    }  # fmt: skip


@licence_office.get("/")
@allow(May.READ_LICENCES)
def listed() -> str:
    """List all licences, narrowed by stage, plan and what asks for somebody."""
    every, rows, mark, plan, flag = _wanted()
    page = place_in(len(rows))
    named = flags()
    return render_template(
        "office/licences/list.html", page=page, rows=rows[page.start : page.start + page.size], plan_name=showing.plan_name,
        flags=named, may_run=me().staff_may(May.RUN_LICENCES), any=bool(every),
        filters=[
            {"label": _("Stage"), "options": [chip("stage", one.value, labels.label(one), mark) for one in MARKS]},
            {"label": _("Plan"), "options": [chip("plan", one.code, one.words, plan) for one in plans.every()]},
            {
                "label": _("Look at"),
                "options": [
                    chip("flag", code, words, flag) | {"count": sum(one.has(code) for one in every)}
                    for code, words in named.items()
                ],
            },
        ],
    )  # fmt: skip


@licence_office.get("/file")
@allow(May.READ_LICENCES)
def listed_csv() -> Any:
    """Hand out the list as CSV."""
    _every, rows, *_asked = _wanted()
    heads = (_("Licence"), _("Organisation"), _("Plan"), _("Stage"), _("Live"), _("Limit"), _("Ends"))
    lines = (
        (one.row.uid, one.row.org.name, showing.plan_name(one.row), labels.label(one.mark), one.row.live_nodes, one.verdict.limit,
         one.verdict.ends_at)
        for one in rows
    )  # fmt: skip
    name = f"licences-{clock.today().isoformat()}.csv"
    return export.text_of("licences", export.lines_of(heads, list(lines)), by=me().person, file=name)


def _case(row: Licence, status: int = 200, **given: Any) -> Any:
    g.nav = "licence_office.listed"
    reader, now = me(), clock.now()
    shown, holds = showing.shown(row), life.open_holds(row.id)
    past = select(Hold).where(Hold.licence_id == row.id, Hold.lifted_at.is_not(None)).order_by(Hold.id.desc())
    wished = number("nodes", -1)
    hold = given.get("hold") or f.NewHold(formdata=None)
    proposals = deciding.of(row)
    return render_template(
        "office/licences/case.html", row=row, shown=shown, plan=showing.plan_name(row), advice=showing.advice(shown, holds),
        holds=holds, lifted=list(db.session.scalars(past.limit(20))), now=now, may_run=reader.staff_may(May.RUN_LICENCES),
        may_lift={one.id for one in holds if holding.may_hold(reader, one.reason)}, reasons=holding.may_open(reader),
        hold=hold.offer(holding.may_open(reader)), revoke=given.get("revoke") or f.Why(formdata=None),
        waiting=[one for one in proposals if one.state is ProposedState.PROPOSED],
        decided=[one for one in proposals if one.state is not ProposedState.PROPOSED], mine=reader.person.id,
        files=files.in_force(row.id, now), returned=given.get("returned") or f.Why(formdata=None),
        history=list(db.session.scalars(audit.of_subject(row.subject))), usual=plans.rule("hold_notice_days"),
        wished=wished if wished >= 0 else None, over=ranking.who_would_be_over(row, wished) if wished >= 0 else [],
        returns_left=files.returns_left(row), transfer=transferring.open_for(row),
    ), status  # fmt: skip


@licence_office.get("/<uid>")
@allow(May.READ_LICENCES)
def case(uid: str) -> Any:
    """Show a licence as a case: where it stands, holds, proposals, files, everything that happened."""
    return _case(access.seen(uid))


@licence_office.post("/<uid>/holds")
@allow(May.RUN_LICENCES)
def hold(uid: str) -> Any:
    """Suspend a licence."""
    row, form, reader = access.run(uid), f.NewHold(), me()
    form.offer(holding.may_open(reader))

    def suspend() -> None:
        reason = HoldReason(form.reason.data)
        holding.check(reader, reason)
        words = (str(form.words_en.data), str(form.words_zh.data))
        source = f"staff:{reason.value}"
        if (
            life.suspend(row.id, reason, words=words, source=source, by=reader.person, notice=form.wait())
            is None
        ):
            raise Refused(_("It is suspended for this reason already."), field="reason")

    status = form.carry_out(suspend)
    if status:
        return _case(access.run(uid), status, hold=form)
    return go(CASE, _("Suspended. The customer has mail."), uid=uid)


@licence_office.post("/<uid>/holds/<hold>/lift")
@allow(May.RUN_LICENCES)
def lift(uid: str, hold: str) -> BaseResponse:
    """Lift a suspension."""
    one = found(access.run(uid), Hold, hold)
    holding.check(me(), one.reason)
    with transaction():
        life.lift(one, by=me().person)
    return go(CASE, _("Lifted. With the last one every node goes on by itself."), uid=uid)


@licence_office.post("/<uid>/revocation")
@allow(May.RUN_LICENCES)
def propose_revocation(uid: str) -> Any:
    """Propose to revoke a licence, which another decides."""
    row, form = access.run(uid), f.Why()
    status = form.carry_out(
        lambda: granting.propose_revocation(row, reason=str(form.reason.data), by=me().person)
    )
    if status:
        return _case(access.run(uid), status, revoke=form)
    return go(CASE, _("Proposed. Nothing happens before somebody else decides."), uid=uid)


@licence_office.post("/<uid>/proposals/<proposal>/confirm")
@allow(May.RUN_LICENCES)
def confirm(uid: str, proposal: str) -> BaseResponse:
    """Confirm what another proposed."""
    one = found(access.run(uid), LicenceProposal, proposal)
    with transaction():
        granting.decide(one, confirmed=True, by=me().person)
    return go(CASE, _("Confirmed, and done."), uid=uid)


@licence_office.post("/<uid>/proposals/<proposal>/decline")
@allow(May.RUN_LICENCES)
def decline(uid: str, proposal: str) -> BaseResponse:
    """Decline what was proposed."""
    one = found(access.run(uid), LicenceProposal, proposal)
    with transaction():
        granting.decide(one, confirmed=False, by=me().person)
    return go(CASE, _("Declined: nothing happens."), uid=uid)


@licence_office.post("/<uid>/files/<file>/return")
@allow(May.RUN_LICENCES)
def give_back(uid: str, file: str) -> Any:
    """Take a file back before its end."""
    row, form = access.run(uid), f.Why()
    one = found(row, LicenceFile, file)
    status = form.carry_out(lambda: files.give_back(one, reason=str(form.reason.data), by=me().person))
    if status:
        return _case(access.run(uid), status, returned=form)
    return go(CASE, _("Taken back: its seats are free."), uid=uid)
