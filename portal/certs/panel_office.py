"""The pages of cut panels: begun by the chief examiner, rated by judges, adopted by a decider."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import door
from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.certs import item_pictures, levels, panels, schemes
from portal.certs.case_office import share
from portal.certs.grade_forms import NewCut, NewPanel
from portal.certs.models.bank import ItemVersion
from portal.certs.models.cutting import CutJudge, CutPanel, CutState, ExamCut, PanelState
from portal.certs.models.pictures import ItemPicture
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go

cut_panels = Blueprint("cut_panels", __name__, url_prefix="/office/cut-panels")
PAGE = "cut_panels.panel"
LEADS = (May.LEAD_EXAMS, May.DECIDE_AWARDS)


def _seen() -> Any:
    """Select the panels that the reader may see: all for who leads or decides, else those he judges in."""
    reader = me()
    if any(reader.staff_may(one) for one in LEADS):
        return panels.listed()
    return panels.listed().where(
        CutPanel.id.in_(select(CutJudge.panel_id).where(CutJudge.person_id == reader.person.id))
    )


def _panel(uid: str) -> CutPanel:
    row: CutPanel | None = db.session.scalars(_seen().where(CutPanel.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such panel."))
    return row


@cut_panels.get("/")
@allow(May.ENTER_OFFICE)
def listed() -> str:
    """List the panels that the reader leads, decides on or judges in."""
    return render_template(
        "office/grading/panels.html",
        page=page_of(_seen()),
        name_of=levels.name_of,
        part_name=schemes.part_name,
    )


@cut_panels.route("/new", methods=["GET", "POST"])
@allow(May.LEAD_EXAMS)
def begin() -> Any:
    """Begin a panel with its judges."""
    form, g.nav = NewPanel(), "cut_panels.listed"
    form.offer()
    if form.validate_on_submit():
        exam, _slash, part = str(form.part.data).partition("/")
        try:
            named = _judges(str(form.judges.data))
            with transaction():
                row = panels.begin(exam, part, named, by=me().person)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("The panel has begun. Each judge rates alone first."), uid=row.uid)
    return render_template(
        "office/grading/panel_new.html", form=form
    ), 422 if request.method == "POST" else 200


def _judges(text: str) -> list[tuple[Person, str]]:
    """Read one judge a line: mail address, then what makes him competent."""
    found = []
    for line in filter(None, (one.strip() for one in text.splitlines())):
        mail, _space, why = line.partition(" ")
        person = door.by_email(mail.strip(",;，；"))
        if person is None:
            raise Refused(_("Nobody here has the address %(mail)s.", mail=mail), field="judges", status=422)
        found.append((person, why.strip()))
    return found


def _versions(row: CutPanel) -> list[ItemVersion]:
    return [db.session.get_one(ItemVersion, one["version"]) for one in row.items]


def shown_in(uid: str) -> list[ItemVersion]:
    """Return the items that the reader sees on a panel's page: as its judge, or as who leads panels."""
    row, reader = _panel(uid), me()
    judges = {one.person_id for one in panels.judges_of(row)}
    return _versions(row) if reader.person.id in judges or reader.staff_may(May.LEAD_EXAMS) else []


def _picture(row: CutPanel, one: ItemPicture) -> str:
    return url_for("cut_panels.panel_picture", uid=row.uid, picture=one.uid)


def _page(row: CutPanel, *, cut: NewCut | None = None, error: str = "", status: int = 200) -> Any:
    g.nav, reader = "cut_panels.listed", me()
    judges = panels.judges_of(row)
    judge = next((one for one in judges if one.person_id == reader.person.id), None)
    round_no = panels.ROUNDS.get(row.state)
    leads = reader.staff_may(May.LEAD_EXAMS)
    rated = {n: panels.ratings(row, n) for n in (1, 2)}
    versions = _versions(row) if judge or leads else []
    open_figures = row.state is not PanelState.ALONE
    return render_template(
        "office/grading/panel.html", row=row, judges=judges, judge=judge, round_no=round_no, leads=leads, rated=rated,
        versions=versions, drawn=item_pictures.Drawn(versions, lambda one: _picture(row, one)), figures=[(n, panels.figures(row, n)) for n in (1, 2) if open_figures and n != round_no],
        means=panels.means(row, 1) if open_figures else [], share=share, level=levels.name_of(row.exam), part_name=schemes.part_name,
        cut=cut or NewCut(formdata=None), waits=panels.cut_of(row, CutState.PROPOSED), adopted=panels.cut_of(row, CutState.ADOPTED),
        today=clock.today(), error=error, typed=request.form,
        may_decide=reader.staff_may(May.DECIDE_AWARDS) and judge is None,
    ), status  # fmt: skip


@cut_panels.get("/<uid>")
@allow(May.ENTER_OFFICE)
def panel(uid: str) -> Any:
    """Show a panel: the judge's own sheet, or figures and cut."""
    return _page(_panel(uid))


@cut_panels.post("/<uid>/ratings")
@allow(May.ENTER_OFFICE)
def rate(uid: str) -> Any:
    """Hand in one's ratings; nothing that was typed is lost."""
    row = _panel(uid)
    chances = [request.form.get(f"chance-{n}", "") for n in range(1, len(row.items) + 1)]
    try:
        with transaction():
            panels.rate(row, by=me().person, chances=chances)
    except Refused as refusal:
        return _page(_panel(uid), error=str(refusal), status=refusal.status)
    return go(PAGE, _("Your ratings are in."), uid=uid)


@cut_panels.post("/<uid>/round")
@allow(May.LEAD_EXAMS)
def go_on(uid: str) -> BaseResponse:
    """End a round once everybody has rated."""
    row = _panel(uid)
    with transaction():
        panels.go_on(row, by=me().person)
    return go(PAGE, _("The round is over."), uid=uid)


@cut_panels.post("/<uid>/cut")
@allow(May.LEAD_EXAMS)
def propose(uid: str) -> Any:
    """Propose the cut that counts."""
    row, form = _panel(uid), NewCut()
    if form.validate_on_submit() and form.valid_from.data is not None:
        try:
            with transaction():
                panels.propose(
                    row, by=me().person, share=form.share.data or "", valid_from=form.valid_from.data,
                    reason=str(form.reason.data),
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("Proposed. A decider adopts it."), uid=uid)
    return _page(_panel(uid), cut=form, status=422)


@cut_panels.post("/<uid>/cuts/<cut>/<any(adoption, refusal):deed>")
@allow(May.DECIDE_AWARDS)
def decide(uid: str, cut: str, deed: str) -> BaseResponse:
    """Adopt a cut, or decline it."""
    row = _panel(uid)
    found = db.session.scalars(select(ExamCut).where(ExamCut.panel_id == row.id, ExamCut.uid == cut)).first()
    if found is None:
        raise Missing(_("There is no such proposal."))
    with transaction():
        panels.decide(found, by=me().person, adopt=deed == "adoption")
    return go(PAGE, _("Decided."), uid=uid)
