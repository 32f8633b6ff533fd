"""The office's pages about the wall: what the next edition would do, whose removal waits, and every edition with its changes."""

from __future__ import annotations

import itertools
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import catalogue
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import editions, wall
from portal.members.wall_models import WallChange, WallChangeKind, WallEdition, WallEntry

walls = Blueprint("walls", __name__, url_prefix="/office/wall")
SHOWN = 200


def count_waiting() -> Select[int]:
    """Select how many removals wait for a second person."""
    return select(func.count(WallEntry.id)).where(WallEntry.held_by_id.is_not(None))


def _differences(
    before: dict[str, Any] | None, after: dict[str, Any] | None, fields: tuple[str, ...]
) -> list[tuple[str, str, str]]:
    """Return what changed between two states of an entry in some fields: label, before, now."""
    old, new = _flat(before), _flat(after)
    return [
        (label, old.get(key, ""), new.get(key, ""))
        for key, label in _labels().items()
        if key in fields and old.get(key, "") != new.get(key, "")
    ]


def _labels() -> dict[str, str]:
    return {
        "zh": _("Name in Chinese"), "en": _("Name in English"), "tier": _("Tier"), "category": _("Kind"),
        "homepage": _("Website"), "joined": _("Member since"), "founding": _("Founding member"),
    }  # fmt: skip


def _flat(body: dict[str, Any] | None) -> dict[str, str]:
    """Return an entry as people read it, field by field."""
    if body is None:
        return {}
    kind = catalogue.entries("category").get(body["category"] or "")
    return {
        **(body["name"] or {}),
        "tier": wall.tier_name(body["tier"]),
        "category": catalogue.in_words(kind["name"]) if kind else str(body["category"] or ""),
        "homepage": body["homepage"] or "",
        "joined": body["joined"] or "",
        "founding": _("Yes") if body["founding"] else "",
    }


def _lines(rows: list[Any]) -> list[dict[str, Any]]:
    """Return steps or changes as lines of a table, with the names of today."""
    told = {WallChangeKind.ADDED: ("tier",), WallChangeKind.CHANGED: tuple(_labels())}
    ids = [row.org_id for row in rows]
    found = db.session.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    orgs = {org.id: org for org in found}
    return [
        {
            "org": orgs[row.org_id], "kind": row.kind, "reason": row.reason,
            "fields": _differences(row.before, row.after, told.get(row.kind, ())),
        }
        for row in rows
    ]  # fmt: skip


@walls.get("/")
@allow(May.READ_MEMBERS)
def desk() -> str:
    """Show the last edition, whose removal waits, and what publishing now would change."""
    ahead = list(itertools.islice(editions.steps(), SHOWN + 1))
    past = select(WallEdition).order_by(WallEdition.n.desc())
    return render_template(
        "office/wall.html", last=editions.last(), waiting=editions.waiting(), ahead=_lines(ahead[:SHOWN]),
        more=len(ahead) > SHOWN, most=editions.without_check(), page=page_of(past), me=me().person,
        may_publish=me().staff_may(May.PUBLISH_WALL),
    )  # fmt: skip


@walls.post("/editions")
@allow(May.PUBLISH_WALL)
def publish() -> BaseResponse:
    """Publish an edition now; the portal does so every night."""
    with transaction():
        made = editions.publish(by=me().person)
    if made is None:
        return go("walls.desk", _("Nothing has changed since the last edition."), tone="info")
    return go("walls.edition", _("Edition %(n)s is published.", n=made.n), n=made.n)


@walls.post("/removals")
@allow(May.PUBLISH_WALL)
def release() -> BaseResponse:
    """Release removals that wait, as a second member of staff."""
    chosen = request.form.getlist("organisation")
    with transaction():
        made = editions.release(chosen, by=me().person)
    return go("walls.edition", _("Released in edition %(n)s.", n=made.n), n=made.n)


@walls.get("/editions/<int:n>")
@allow(May.READ_MEMBERS)
def edition(n: int) -> str:
    """Show one edition: what was added, changed and removed, and what had to wait."""
    row = db.session.scalars(select(WallEdition).where(WallEdition.n == n)).first()
    if row is None:
        raise Missing(_("There is no such edition."))
    changes = select(WallChange).where(WallChange.edition_id == row.id)
    page = page_of(changes.order_by(WallChange.id))
    return render_template("office/wall_edition.html", edition=row, page=page, lines=_lines(page.items))
