"""The member wall, a member's own page, and the wall as data for other programs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import Any

import yaml
from flask import Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import merging
from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock, i18n
from portal.core.api import share
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.paging import Page, number, place_in
from portal.core.unchanged import unchanged
from portal.core.web import LONG_QUERY
from portal.core.web import public as anybody
from portal.members import editions, wall
from portal.members.belonging import Membership
from portal.members.landscape import document
from portal.members.roll import chips_for
from portal.public.views import public

SIZES = (100,)
COLUMNS = (
    Membership.tier,
    Membership.founding,
    func.coalesce(Membership.member_since, Membership.stated_joined).label("since"),
    Organisation.uid,
    Organisation.category,
)


@public.get("/members")
@anybody
def members() -> str:
    """Show the wall: by tier, then by name in the reader's language; searched and filtered in the URL."""
    q, tier, category = (request.args.get(key, "") for key in ("q", "tier", "category"))
    key, read = ("wall", q, tier, category, number("page", 1)), partial(_shown, q, tier, category)
    # What nobody types is not worth keeping.
    known = len(request.query_string) < LONG_QUERY
    counts, page, people = unchanged((*key, i18n.language(), clock.today()), read) if known else read()
    groups = [
        {
            "tier": wall.tier_name(code),
            "count": counts.get(code, 0),
            "members": list(rows),
        }
        for code, rows in itertools.groupby(page.items, key=lambda row: row.tier)
    ]
    return render_template(
        "public/wall.html",
        groups=groups,
        page=page,
        total=page.total,
        filters=partial(chips_for, standings=False),
        categories=catalogue.entries("category"),
        people=people,
    )


def _shown(q: str, tier: str, category: str) -> tuple[dict[str, int], Page, list[Any]]:
    """Return how many the wall shows at each tier, the rows of the page asked for, and the individuals."""
    statement = wall.filtered(wall.shown(), q=q, tier=tier, category=category)
    counts = wall.counts(statement)
    page = place_in(sum(counts.values()), SIZES)
    tiers, before = wall.within(counts, page.start, page.size, wall.tier_order())
    rows = (
        statement.with_only_columns(*COLUMNS, wall.shown_name())
        .where(Membership.tier.in_(tiers))
        .order_by(wall.ranked(), wall.by_name(), Organisation.id)
        .limit(page.size)
        .offset(page.start - before)
    )
    found = list(db.session.connection().execute(rows))
    return counts, replace(page, items=found), [] if tier or category else _people(q)


def _people(q: str) -> list[Any]:
    """Return the individuals who agreed to be shown, by name; a long list is cut."""
    people = wall.filtered(wall.shown(people=True), q=q).with_only_columns(
        Organisation.uid, wall.shown_name()
    )
    people = people.order_by(wall.by_name(), Membership.id).limit(500)
    return list(db.session.connection().execute(people))


@public.get("/members/<uid>")
@anybody
def member(uid: str) -> Any:
    """Show one member of the wall; a certificate's QR code leads here, a merged entry to the one that is kept."""
    row = (
        db.session.scalars(wall.shown().where(Organisation.uid == uid)).first()
        or db.session.scalars(wall.shown(people=True).where(Organisation.uid == uid)).first()
    )
    if row is None:
        return _signpost(uid)
    category = catalogue.entries("category").get(row.org.category)
    return render_template(
        "public/member.html", row=row, tier=wall.tier_name(row.tier), since=wall.joined(row),
        category=catalogue.in_words(category["name"]) if category else "",
    )  # fmt: skip


def _signpost(uid: str) -> BaseResponse:
    org = db.session.scalars(select(Organisation).where(Organisation.uid == uid)).first()
    if org is None or org.merged_into_id is None:
        raise Missing(_("This organisation is not shown on the member wall."))
    return redirect(url_for("public.member", uid=merging.kept_for(org).uid), code=302)


@public.get("/members.json")
@anybody
def members_json() -> Response:
    """Hand out the wall as data. `edition` counts the published editions, `day` is that of the last one."""
    rows = db.session.scalars(wall.shown().order_by(wall.ranked(), Organisation.sort_en, Membership.id))
    last = editions.last()
    body = {
        "edition": last.n if last else 0,
        "day": str(last.day if last else clock.today()),
        "members": [wall.entry(row) for row in rows],
    }
    return share(jsonify(body))


@public.get("/members/landscape.yml")
@anybody
def landscape() -> Response:
    """Hand out the wall as a landscape file."""
    text = yaml.safe_dump(document(), allow_unicode=True, sort_keys=False, width=1000)
    return share(Response(text, mimetype="application/yaml"))


def newest(most: int = 5) -> list[dict[str, Any]]:
    """Return the members that joined last, for the home page."""
    rows = db.session.scalars(
        wall.shown()
        .where(Membership.member_since.is_not(None))
        .order_by(Membership.member_since.desc(), Membership.id.desc())
        .limit(most)
    )
    return [
        {"name": row.org.name, "tier": wall.tier_name(row.tier), "href": f"/members/{row.org.uid}"}
        for row in rows
    ]


def total() -> int:
    """Return how many the wall shows."""
    return (
        db.session.scalar(
            select(func.count()).select_from(wall.shown().with_only_columns(Membership.id).subquery())
        )
        or 0
    )
