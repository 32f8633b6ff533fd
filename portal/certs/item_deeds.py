"""What staff do with items: begin, write, tag, submit, review, take into use, let rest, report a leak, import."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import exam_forms, item_import, items, levels
from portal.certs.doors import exam_office
from portal.certs.forms import Enemy, Import, Leak, NewItem, Review, Tags, Use, Writing
from portal.certs.gift import Gift
from portal.certs.item_desk import item_of, item_page, version_of
from portal.certs.models.bank import Difficulty, Ground, Item, ItemEnemy, ItemState
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.web import go

TURNS = {"rest": ItemState.RESTING, "use": ItemState.LIVE, "retirement": ItemState.RETIRED}


def _exams() -> Any:
    return options((one.code, f"{one.code} · {one.name}") for one in levels.levels())


@exam_office.route("/items/new", methods=["GET", "POST"])
@allow(May.WRITE_ITEMS)
def new_item() -> Any:
    """Begin an item: its exam and key, then its first version."""
    form, writing = NewItem(), Writing()
    form.exam.choices, g.nav = _exams(), "exam_office.items"
    writing.offer()
    if form.validate_on_submit() and writing.validate():
        try:
            content = writing.content()
            with transaction():
                by = me().person
                item = items.begin(
                    str(form.exam.data), str(form.key.data), by=by, topic=form.topic.data or ""
                )
                items.write(
                    item,
                    content,
                    by=by,
                    reference=writing.reference.data or "",
                    machine_aid=writing.machine_aid.data,
                )
        except Refused as refusal:
            (form if refusal.field in form._fields else writing).refused(refusal)
        else:
            return go("exam_office.item", _("Saved as a draft."), uid=item.uid)
    return render_template("office/exams/item_write.html", form=form, writing=writing, item=None), 422 if request.method == "POST" else 200  # fmt: skip


@exam_office.route("/items/<uid>/versions/new", methods=["GET", "POST"])
@allow(May.WRITE_ITEMS)
def write_item(uid: str) -> Any:
    """Write the next version of an item."""
    item, form, g.nav = item_of(uid), Writing(), "exam_office.items"
    last = items.newest(item)
    if request.method == "GET":
        form.show(items.content_of(last), last.reference, last.machine_aid)
    form.offer()
    if form.validate_on_submit():
        try:
            content = form.content()
            with transaction():
                items.write(
                    item,
                    content,
                    by=me().person,
                    reference=form.reference.data or "",
                    machine_aid=form.machine_aid.data,
                )
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("exam_office.item", _("Saved as a new draft version."), uid=uid)
    return render_template("office/exams/item_write.html", form=None, writing=form, item=item), 422 if request.method == "POST" else 200  # fmt: skip


@exam_office.post("/items/<uid>/tags")
@allow(May.WRITE_ITEMS, May.LEAD_EXAMS)
def tag_item(uid: str) -> Any:
    """Set the tags."""
    item, form = item_of(uid), Tags()
    form.offer()
    if not form.validate_on_submit():
        return item_page(item, status=422, tags=form)
    with transaction():
        items.tag(
            item, by=me().person, topic=form.topic.data or "", difficulty=Difficulty(form.difficulty.data),
            chip=form.chip.data or "", tool=form.tool.data or "", anchor=bool(form.anchor.data),
        )  # fmt: skip
    return go("exam_office.item", _("Tags saved."), uid=uid)


@exam_office.post("/items/<uid>/submission")
@allow(May.WRITE_ITEMS)
def submit_item(uid: str) -> BaseResponse:
    """Send the newest draft to review."""
    item = item_of(uid)
    with transaction():
        items.submit(items.newest(item), by=me().person)
    return go("exam_office.item", _("Sent to review. Another person looks at it."), uid=uid)


@exam_office.post("/items/<uid>/review")
@allow(May.REVIEW_ITEMS)
def review_item(uid: str) -> Any:
    """Approve or return the version in review."""
    item, form = item_of(uid), Review()
    approved = request.form.get("outcome") == "approved"
    if status := form.carry_out(
        lambda: items.review(
            version_of(item),
            by=me().person,
            approved=approved,
            ticked=form.ticked(),
            comments=form.comments(),
        )
    ):
        return item_page(item_of(uid), status=status, review=form)
    return go("exam_office.item", _("Approved.") if approved else _("Returned to its author."), uid=uid)


@exam_office.post("/items/<uid>/use")
@allow(May.LEAD_EXAMS)
def use_item(uid: str) -> Any:
    """Let the approved version count from now on."""
    item, form = item_of(uid), Use()
    form.offer()
    if status := form.carry_out(
        lambda: items.take_into_use(
            items.newest(item), by=me().person, ground=Ground(form.ground.data), rating=form.rating.data or ""
        )
    ):
        return item_page(item_of(uid), status=status, use=form)
    return go("exam_office.item", _("In use from now on."), uid=uid)


@exam_office.post("/items/<uid>/versions/<int:n>/<turn>")
@allow(May.LEAD_EXAMS)
def turn_item(uid: str, n: int, turn: str) -> BaseResponse:
    """Let a version rest, come back into use, or retire."""
    if turn not in TURNS:
        raise Missing(_("There is no such step."))
    item = item_of(uid)
    with transaction():
        items.turn(version_of(item, n), TURNS[turn], by=me().person)
    return go("exam_office.item", _("Done."), uid=uid)


@exam_office.post("/items/<uid>/leak")
@allow(May.LEAD_EXAMS)
def leak_item(uid: str) -> Any:
    """Take a leaked item out of every form at once."""
    item, form = item_of(uid), Leak()
    if form.validate_on_submit():
        try:
            with transaction():
                count = items.compromise(item, by=me().person, reason=form.reason.data or "")
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("exam_office.item", _("Out of use. It stood in %(count)s forms; they are listed below.", count=count), uid=uid)  # fmt: skip
    return item_page(item_of(uid), status=422, leak=form)


@exam_office.post("/items/<uid>/enemies")
@allow(May.WRITE_ITEMS, May.LEAD_EXAMS)
def add_enemy(uid: str) -> Any:
    """Say that another item never shares a form with this one."""
    item, form = item_of(uid), Enemy()
    if form.validate_on_submit():
        try:
            other = db.session.scalars(
                select(Item).where(Item.exam == item.exam, Item.key == (form.enemy.data or ""))
            ).first()
            if other is None:
                raise Refused(_("There is no item with this key in the exam."), field="enemy", status=422)
            with transaction():
                items.part(item, other, by=me().person, reason=form.reason.data or "")
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("exam_office.item", _("They never share a form."), uid=uid)
    return item_page(item_of(uid), status=422, enemy=form)


@exam_office.post("/items/<uid>/enemies/<int:number>/end")
@allow(May.WRITE_ITEMS, May.LEAD_EXAMS)
def end_enemy(uid: str, number: int) -> BaseResponse:
    """Let two items share a form again."""
    item, row = item_of(uid), db.session.get(ItemEnemy, number)
    if row is None or item.id not in (row.low_id, row.high_id):
        raise Missing(_("There is no such item."))
    with transaction():
        items.reconcile(row, by=me().person)
    return go("exam_office.item", _("They may share a form again."), uid=uid)


class _OnlyChecked(Exception):
    """The file was only to be checked: what was taken is rolled back."""


def _brought_in(found: Gift, exam: str, *, keep: bool) -> item_import.Outcome:
    outcome = item_import.Outcome()
    try:
        with transaction():
            outcome = item_import.bring_in(found, exam, by=me().person)
            if not keep:
                raise _OnlyChecked
    except _OnlyChecked:
        pass
    return outcome


@exam_office.route("/items/import", methods=["GET", "POST"])
@allow(May.WRITE_ITEMS)
def import_items() -> Any:
    """Take items in from a GIFT file, or only check it."""
    form, outcome, g.nav = Import(), None, "exam_office.items"
    form.exam.choices = _exams()
    faults: list[str] = []
    if form.validate_on_submit():
        try:
            name = str(form.file.data.filename or "items.gift")[:100]
            found = item_import.read(form.file.data.read(item_import.BIGGEST + 1), name)
            outcome = _brought_in(found, str(form.exam.data), keep=not form.check_only.data)
        except Refused as refusal:
            first, *faults = str(refusal).split("\n")
            form.refused(Refused(first, field=refusal.field))
    return render_template(
        "office/exams/import.html", form=form, outcome=outcome, faults=faults
    ), 422 if form.errors else 200  # fmt: skip


@exam_office.post("/blueprints/<exam>/<part>/forms")
@allow(May.LEAD_EXAMS)
def fix_form(exam: str, part: str) -> BaseResponse:
    """Draw a fixed form of a part."""
    levels.level(exam)
    called = " ".join(request.form.get("called", "").split())[:120]
    if not called:
        raise Refused(_("Please give the form a name."), status=422)
    with transaction():
        exam_forms.draw_form(exam, part, candidate=None, by=me().person, called=called)
    return go("exam_office.blueprints", _("The form is drawn."))
