"""The sponsor's pages: coming editions with what is free, one's own places, and the checklist of each."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from portal.accounts.access import me, signed_in
from portal.core import clock
from portal.core import files as core_files
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.web import go
from portal.members import work_files
from portal.services.sponsors import access, editions, fulfilling, letters
from portal.services.sponsors import forms as f
from portal.services.sponsors.doors import sponsors
from portal.services.sponsors.kinds import PlaceState
from portal.services.sponsors.models import SponsorEdition, SponsorPlace

PAGE = "sponsors.place"


def offers(edition: SponsorEdition) -> list[dict[str, Any]]:
    """Return the packages of an edition with what each promises and how many places are free."""
    free = [one.package_id for one in editions.places(edition, PlaceState.OPEN)]
    return [
        {"package": one, "items": editions.items(one), "free": free.count(one.id)}
        for one in editions.packages(edition)
    ]


@sponsors.get("/")
@signed_in
def listed() -> str:
    """Show the places of the reader's organisations, and the coming editions with what is free."""
    rows = list(db.session.scalars(access.own(me()).order_by(SponsorPlace.id.desc())))
    return render_template(
        "sponsors/list.html", rows=rows, name_of=letters.name_of, left=fulfilling.unfulfilled,
        editions=[(one, offers(one)) for one in editions.coming()],
    )  # fmt: skip


def _page(row: SponsorPlace, status: int = 200, **given: Any) -> Any:
    g.nav = "sponsors.listed"
    return render_template(
        "sponsors/place.html", row=row, name=letters.name_of(row), items=fulfilling.items(row), today=clock.today(),
        form=given.get("form") or f.HandIn(formdata=None), open_item=given.get("item"),
    ), status  # fmt: skip


@sponsors.get("/<uid>")
@signed_in
def place(uid: str) -> Any:
    """Show a place: its state, what is promised by when, and what is to be handed in."""
    return _page(access.own_place(uid))


def taken(upload: FileStorage | None) -> tuple[core_files.Content, str] | None:
    """Check a file and lay it in the store, outside any transaction; None if none was chosen."""
    if upload is None or not upload.filename:
        return None
    checked = work_files.check(upload)
    return core_files.put(checked.data, checked.media_type), checked.name


@sponsors.post("/<uid>/items/<item>")
@signed_in
def hand_in(uid: str, item: str) -> Any:
    """Hand in what is asked for."""
    row, form = access.own_place(uid), f.HandIn()
    line = access.item_of(row, item)
    if form.validate_on_submit():
        try:
            file = taken(request.files.get("file"))
            with transaction():
                fulfilling.hand_in(line, by=me().person, words=form.words.data or "", file=file)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PAGE, _("Thank you. We look at it and tell you if something is wrong."), uid=uid)
    return _page(access.own_place(uid), 422, form=form, item=item)


@sponsors.get("/<uid>/items/<item>/file")
@signed_in
def file(uid: str, item: str) -> Response:
    """Hand out the file of a line of the checklist."""
    return core_files.send(access.file_of(access.own_place(uid), item))
