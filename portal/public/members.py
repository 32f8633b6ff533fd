"""The member wall, a member's own page, and the wall as data for other programs."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml
from flask import Response, jsonify, render_template, request
from flask_babel import gettext as _
from sqlalchemy import func, select

from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock
from portal.core.api import share
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.paging import page_of
from portal.core.web import public as anybody
from portal.members import wall
from portal.members.belonging import Membership
from portal.members.landscape import document
from portal.members.roll import chips_for
from portal.public.views import public


@public.get("/members")
@anybody
def members() -> str:
    """Show the wall: by tier, then by name in the reader's language; searched and filtered in the URL."""
    args = request.args
    statement = wall.filtered(
        wall.shown(), q=args.get("q", ""), tier=args.get("tier", ""), category=args.get("category", "")
    )
    counts = wall.counts(statement)
    page = page_of(
        statement.with_only_columns(
            Membership.tier,
            Membership.founding,
            func.coalesce(Membership.member_since, Membership.stated_joined).label("since"),
            Organisation.uid,
            Organisation.category,
            wall.shown_name(),
        ),
        order=(wall.ranked(), wall.by_name(), Organisation.id),
        total=sum(counts.values()),
        plain=True,
        sizes=(100,),
    )
    groups: list[dict[str, Any]] = []
    for row in page.items:
        if not groups or groups[-1]["code"] != row.tier:
            groups.append(
                {
                    "code": row.tier,
                    "tier": wall.tier_name(row.tier),
                    "count": counts.get(row.tier, 0),
                    "members": [],
                }
            )
        groups[-1]["members"].append(row)
    return render_template(
        "public/wall.html",
        groups=groups,
        page=page,
        total=page.total,
        filters=partial(chips_for, standings=False),
        categories=catalogue.entries("category"),
        people=_people() if not args.get("tier") and not args.get("category") else [],
    )


def _people() -> list[Membership]:
    """Return the individuals who agreed to be shown, by name; a long list is cut."""
    people = wall.filtered(wall.shown(people=True), q=request.args.get("q", ""))
    return list(db.session.scalars(people.order_by(wall.by_name(), Membership.id).limit(500)))


@public.get("/members/<uid>")
@anybody
def member(uid: str) -> str:
    """Show one member of the wall; a certificate's QR code leads here."""
    row = (
        db.session.scalars(wall.shown().where(Organisation.uid == uid)).first()
        or db.session.scalars(wall.shown(people=True).where(Organisation.uid == uid)).first()
    )
    if row is None:
        raise Missing(_("This organisation is not shown on the member wall."))
    category = catalogue.entries("category").get(row.org.category)
    return render_template(
        "public/member.html", row=row, tier=wall.tier_name(row.tier), since=wall.joined(row),
        category=catalogue.in_words(category["name"]) if category else "",
    )  # fmt: skip


@public.get("/members.json")
@anybody
def members_json() -> Response:
    """Hand out the wall as data. `edition` counts the published editions; there is one a day so far."""
    rows = db.session.scalars(wall.shown().order_by(wall.ranked(), Organisation.sort_en, Membership.id))
    body = {"edition": 1, "day": str(clock.today()), "members": [entry(row) for row in rows]}
    return share(jsonify(body))


def entry(row: Membership) -> dict[str, Any]:
    """Return a member of the wall as programs read it."""
    org, day = row.org, wall.joined(row)
    return {
        "id": org.uid,
        "name": {
            "zh": org.display_name_zh or org.legal_name,
            "en": org.display_name_en or org.legal_name_en or org.legal_name,
        },
        "tier": row.tier,
        "category": org.category or None,
        "homepage": org.homepage or None,
        "logo": None,
        "joined": str(day) if day else None,
        "founding": row.founding,
    }


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
