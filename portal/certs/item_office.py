"""The analysis of items as staff see it: sittings, one sitting with its items, one item with its options and its past."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, or_, select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import item_charts, item_report, item_tables, schemes, sittings
from portal.certs.item_report import ItemReport
from portal.certs.models.marking import Sitting
from portal.core import audit, clock, export, sheets
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.paging import asked, folded, page_of
from portal.core.web import url_with

item_figures = Blueprint("item_figures", __name__, url_prefix="/office/item-analysis")


def _listed() -> Select[Any]:
    """Select the sittings that the address asks for, by exam or name."""
    statement = select(Sitting)
    if text := folded(asked("q")):
        hit = (one.icontains(text, autoescape=True) for one in (Sitting.exam, Sitting.name))
        statement = statement.where(or_(*hit))
    return statement


@item_figures.get("/")
@allow(May.READ_ITEMS)
def listed() -> str:
    """Show the sittings whose responses are on record."""
    page = page_of(_listed(), order=(Sitting.id,), down=True)
    return render_template(
        "office/sittings.html",
        page=page,
        exam_name=item_tables.exam_name,
        live=[one.code for one in schemes.examined()],
    )


def _sitting(uid: str) -> Sitting:
    found = db.session.scalars(select(Sitting).where(Sitting.uid == uid)).first()
    if found is None:
        raise Missing(_("There is no such sitting."))
    return found


def cut_asked(found: ItemReport) -> Fraction | None:
    """Return the cut that the address asks for, or a level's provisional one, as a share of all points."""
    text = asked("cut", most=12)
    if not text:
        return item_report.provisional_cut() if sittings.is_level(found.sitting.exam) else None
    share = item_report.share_said(text)
    if share is None:
        raise Refused(
            _("“%(text)s” is no cut: please give a percentage from 0 to 100.", text=text),
            field="cut",
            status=422,
        )
    return share


@item_figures.get("/<uid>")
@allow(May.READ_ITEMS)
def sitting(uid: str) -> str:
    """Show the items of a sitting with their figures, how reliable it was, and how the totals are spread."""
    g.nav = "item_figures.listed"
    found = item_report.look(_sitting(uid))
    cut = cut_asked(found)
    return render_template(
        "office/sitting.html", found=found, made=found.analysis, cut=cut, say=item_tables, limits=item_report.limits(),
        rows=item_tables.sorted_items(found, request.args.get("sort", "")),
        spread=item_tables.spread(found, cut), near=item_tables.near_cut(found, cut),
        exam_name=item_tables.exam_name,
        file=lambda what, form: url_for("item_figures.file", uid=uid, what=what, form=form),
        others=[one for one in sittings.all_of(found.sitting.exam)[:12] if one.id != found.sitting.id],
    )  # fmt: skip


@item_figures.get("/<uid>/items/<int:number>")
@allow(May.READ_ITEMS)
def item(uid: str, number: int) -> str:
    """Show one item of a sitting: its figures, its options with their curves, and how it fared in other sittings."""
    g.nav = "item_figures.listed"
    found = item_report.look(_sitting(uid))
    if not 1 <= number <= found.analysis.k:
        raise Missing(_("There is no such item."))
    one, options = found.analysis.items[number - 1], item_report.options_of(found, number - 1)
    return render_template(
        "office/sitting_item.html", found=found, one=one, number=number, options=options, say=item_tables,
        most=found.answers.maxima[number - 1], exam_name=item_tables.exam_name,
        curves=item_charts.curves([(item_tables.option(o.figures.option), o.points) for o in options if o.figures.chosen]),
        past=item_report.history(found.sitting.exam, one.item, {found.sitting.id: found}), url_with=url_with,
    )  # fmt: skip


@item_figures.get("/file")
@allow(May.READ_ITEMS)
def sittings_file() -> Response:
    """Hand out the list of sittings."""
    heads = [
        _("Exam"),
        _("Sitting"),
        _("Number of candidates"),
        _("Number of items"),
        _("On record since"),
        _("By"),
    ]
    statement = _listed().order_by(Sitting.id.desc())
    return export.csv_of(
        "sittings", heads, statement,
        lambda one: [one.exam, one.name, one.candidates, len(one.items), one.at, one.by_name], by=me().person,
    )  # fmt: skip


@item_figures.get("/<uid>/<what>/<form>/file")
@allow(May.READ_ITEMS)
def file(uid: str, what: str, form: str) -> Response:
    """Hand out one table of a sitting: its items, or the spread of its totals."""
    if form not in ("csv", "xlsx") or what not in item_tables.TABLES:
        raise Missing(_("There is no such file."))
    found = item_report.look(_sitting(uid))
    heads, lines = item_tables.TABLES[what](found)
    name = f"{what}-{found.sitting.uid[:8]}-{clock.today().isoformat()}"
    audit.trace(
        "list.exported", f"list:{what}", by=me().person, list=what, filters={"sitting": found.sitting.name}
    )
    if form == "xlsx":
        response = Response(sheets.xlsx(found.sitting.exam, heads, lines), mimetype=sheets.MEDIA_TYPE)
    else:
        response = Response(export.lines_of(heads, lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f"attachment; filename={name}.{form}"
    return response
