"""The members as staff see them: the list, and one member as one page."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import merging
from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import catalogue, export, i18n, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import checklist, overview, stories, wall
from portal.members.belonging import Membership
from portal.members.forms import Reason
from portal.members.standing import Standing
from portal.members.tasks import IN_FORCE

roll = Blueprint("roll", __name__, url_prefix="/office/members")
IN_FORCE_CODE = "in_force"
SORTS: dict[str, Callable[[], Any]] = {
    "name": wall.by_name, "tier": lambda: wall.ranked(), "since": lambda: Membership.member_since,
}  # fmt: skip


def chips_for(*, standings: bool) -> list[dict[str, Any]]:
    """Return the filters of a list of members, as they stand in the URL."""
    tier, category, now = (request.args.get(key, "") for key in ("tier", "category", "standing"))
    groups: list[dict[str, Any]] = [
        {
            "label": _("Tier"),
            "options": [web.chip("tier", code, wall.tier_name(code), tier) for code in wall.tier_order()],
        },
        {
            "label": _("Kind"),
            "options": [
                web.chip("category", code, catalogue.in_words(body["name"]), category)
                for code, body in catalogue.entries("category").items()
            ],
        },
    ]
    if standings:
        shown = [s for s in Standing if s is not Standing.NONE]
        force = web.chip("standing", IN_FORCE_CODE, _("In force"), now)
        groups.append(
            {
                "label": _("Standing"),
                "options": [force, *(web.chip("standing", s.value, labels.label(s), now) for s in shown)],
            }
        )
    return groups


def _found(statement: Select[Any]) -> Select[Any]:
    """Narrow a list of memberships to those that the address asks for."""
    args = request.args
    statement = wall.filtered(
        statement,
        q=args.get("q", ""),
        tier=args.get("tier", ""),
        category=args.get("category", ""),
    )
    if args.get("standing") == IN_FORCE_CODE:
        statement = statement.where(Membership.standing.in_(IN_FORCE))
    elif args.get("standing") in {one.value for one in Standing}:
        statement = statement.where(Membership.standing == Standing(args["standing"]))
    return statement


def _order() -> tuple[tuple[Any, ...], bool]:
    """Return what the address sorts by, ending with what is unique, and whether from the top down."""
    sort = request.args.get("sort", "name")
    return (SORTS.get(sort.removeprefix("-"), wall.by_name)(), Organisation.id), sort.startswith("-")


@roll.get("/")
@allow(May.READ_MEMBERS)
def members() -> str:
    """List every membership."""
    statement, (order, down) = _found(_lines(i18n.language())), _order()
    page = page_of(statement, order=order, down=down, total=_total(statement), plain=True)
    return render_template(
        "office/members.html",
        page=page,
        chips=partial(chips_for, standings=True),
        tier_name=wall.tier_name,
    )


@lru_cache(maxsize=8)
def _lines(_language: str) -> Select[Any]:
    """Return what the list shows of every membership; put together once per language."""
    return select(
        Membership.tier,
        func.coalesce(Membership.member_since, Membership.stated_joined).label("since"),
        Membership.standing,
        Organisation.uid,
        Organisation.unclaimed,
        wall.shown_name(),
    ).join_from(Membership, Organisation)


_ALL = select(func.count()).select_from(Membership)


def _total(statement: Select[Any]) -> int | None:
    """Return how many members there are, without a look at their names where nothing narrows the list."""
    if statement.whereclause is not None:
        return None
    return db.session.connection().scalar(_ALL)


@roll.get("/file")
@allow(May.READ_MEMBERS)
def members_file() -> Response:
    """Hand out the members asked for as CSV."""
    categories = catalogue.entries("category")
    heads = (
        _("Organisation"), _("Legal name"), _("Legal name in English"), _("Registration"), _("Kind"), _("Tier"),
        _("Standing"), _("Member since"), _("Founding member"), _("Website"),
    )  # fmt: skip

    def row(one: Membership) -> tuple[Any, ...]:
        org, kind = one.org, categories.get(one.org.category)
        return (
            org.name, org.legal_name, org.legal_name_en, org.legal_key, catalogue.in_words(kind["name"]) if kind else "",
            wall.tier_name(one.tier), labels.label(one.standing), wall.joined(one),
            _("Yes") if one.founding else _("No"), org.homepage,
        )  # fmt: skip

    order, down = _order()
    found = _found(select(Membership).join(Membership.org).options(contains_eager(Membership.org)))
    found = found.order_by(*(one.desc() if down else one for one in order))
    return export.csv_of("members", heads, found, row, by=me().person)


def one(uid: str) -> Membership:
    """Return the membership of an organisation, or refuse as if it were not there."""
    named = select(Membership).join(Membership.org).options(contains_eager(Membership.org))
    row = db.session.scalars(named.where(Organisation.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such member."))
    return row


@roll.get("/<uid>")
@allow(May.READ_MEMBERS)
def member(uid: str) -> Any:
    """Show one member: standing, what comes next, terms, people, money, benefits and story; a signpost leads on."""
    reader = me()
    shown = overview.of(uid, reader)
    if shown is None or shown["membership"].org.merged_into_id is not None:
        return _signpost(uid)
    return render_template(
        "office/member.html",
        **shown,
        reason=Reason(),
        tier_name=wall.tier_name,
        may_tick=reader.staff_may(May.REVIEW),
        newest=stories.NEWEST,
    )


def _signpost(uid: str) -> BaseResponse:
    org = db.session.scalars(select(Organisation).where(Organisation.uid == uid)).first()
    if org is None or org.merged_into_id is None:
        raise Missing(_("There is no such member."))
    return go("roll.member", uid=merging.kept_for(org).uid)


@roll.post("/<uid>/checklist/<item>")
@allow(May.REVIEW)
def tick(uid: str, item: str) -> BaseResponse:
    """Tick an item of the checklist."""
    row = one(uid)
    if catalogue.entries("checklist").get(item, {}).get("done_when") != "tick":
        raise Missing(_("This item is done by doing it; it cannot be ticked."))
    with transaction():
        checklist.tick(row, item, by=me().person)
    return go("roll.member", _("Ticked."), uid=uid)
