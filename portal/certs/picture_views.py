"""Pictures of items behind their doors: authors and reviewers, the candidate whose attempt asks them, graders and judges."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me, signed_in
from portal.accounts.may import May
from portal.certs import item_pictures, items, picturing, sitting, sitting_views, verdicts
from portal.certs.doors import exam_office, exams
from portal.certs.forms import PictureForm
from portal.certs.item_desk import item_of, item_page
from portal.certs.marking_office import marking
from portal.certs.models.bank import ItemVersion
from portal.certs.models.pictures import ItemPicture
from portal.certs.panel_office import cut_panels, shown_in
from portal.certs.sitting_access import own_attempt
from portal.core import catalogue, files
from portal.core.db import db, let_go, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import uploads


@exam_office.post("/items/<uid>/pictures")
@allow(May.WRITE_ITEMS)
def add_picture(uid: str) -> Any:
    """Add a picture to the draft of an item."""
    item, form = item_of(uid), PictureForm()
    picturing.refuse_unwritten(items.newest(item))  # such a page has no form in which this could be said
    if not form.validate_on_submit():
        return item_page(item, status=422, picturing=form)
    try:
        most = int(catalogue.policy("item.picture_megabytes")) * 1024 * 1024
        side = int(catalogue.policy("item.picture_side"))
        let_go()
        taken = uploads.check_picture(form.file.data, most=most, side=side)
        content = files.put(taken.data, taken.media_type)
        with transaction():
            row = picturing.add(
                item_of(uid), content, taken, zh=form.alt_zh.data or "", en=form.alt_en.data or "", by=me().person
            )  # fmt: skip
            place = row.place
    except Refused as refusal:
        form.refused(refusal)
        return item_page(item_of(uid), status=refusal.status, picturing=form)
    return go("exam_office.item", _("Picture %(n)s added.", n=place), uid=uid)


@exam_office.post("/items/<uid>/pictures/<picture>/removal")
@allow(May.WRITE_ITEMS)
def remove_picture(uid: str, picture: str) -> BaseResponse:
    """Remove a picture from the draft of an item."""
    item = item_of(uid)
    with transaction():
        place = picturing.remove(item, picture, by=me().person)
    return go("exam_office.item", _("Picture %(n)s removed.", n=place), uid=uid)


@exam_office.get("/items/<uid>/pictures/<picture>")
@allow(May.READ_ITEMS)
def item_picture(uid: str, picture: str) -> Response:
    """Show a picture of any version of an item to whoever may read items."""
    wanted = select(ItemPicture).join(ItemVersion, ItemPicture.version_id == ItemVersion.id)
    return _answer(
        db.session.scalars(
            wanted.where(ItemPicture.uid == picture, ItemVersion.item_id == item_of(uid).id)
        ).first()
    )


@exams.get("/sittings/<uid>/pictures/<picture>")
@signed_in
def sitting_picture(uid: str, picture: str) -> Response:
    """Show a picture to the candidate whose running part asks its item, in the browser in which he sits; to nobody else."""
    row = own_attempt(uid)
    asked = [one.id for one in sitting.asked_now(row, device_hash=sitting_views.device())]
    rows = [one for found in item_pictures.of(*asked).values() for one in found.values()]
    return _answer(next((one for one in rows if item_pictures.address_in(row.uid, one) == picture), None))


@marking.get("/answers/<uid>/pictures/<picture>")
@allow(May.MARK)
def answer_picture(uid: str, picture: str) -> Response:
    """Show a picture of an item of which an answer waits for a grader."""
    return _answer(_within([one.version for one in verdicts.waiting()], uid, picture))


@cut_panels.get("/<uid>/pictures/<picture>")
@allow(May.ENTER_OFFICE)
def panel_picture(uid: str, picture: str) -> Response:
    """Show a picture of an item that a panel rates, to its judges and to who leads it."""
    return _answer(_one_of([one.id for one in shown_in(uid)], picture))


def _within(versions: list[ItemVersion], uid: str, picture: str) -> ItemPicture | None:
    return _one_of([one.id for one in versions if one.uid == uid], picture)


def _one_of(versions: list[int], picture: str) -> ItemPicture | None:
    rows = [one for found in item_pictures.of(*set(versions)).values() for one in found.values()]
    return next((one for one in rows if one.uid == picture), None)


def _answer(row: ItemPicture | None) -> Response:
    if row is None:
        raise Missing(_("There is no such entry, or it is not yours."))
    return item_pictures.answer(row)
