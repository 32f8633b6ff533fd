"""The members as staff see them: the list, and one member as one page."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import contacts
from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing.models import Invoice, Party
from portal.core import audit, catalogue, i18n, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import checklist, papers, wall
from portal.members.belonging import Membership, Term
from portal.members.models import Application
from portal.members.standing import Standing

roll = Blueprint("roll", __name__, url_prefix="/office/members")


def chips_for(*, standings: bool) -> list[dict[str, Any]]:
    """Return the filters of a list of members, as they stand in the URL."""
    tier, category, now = (request.args.get(key, "") for key in ("tier", "category", "standing"))
    groups: list[dict[str, Any]] = [
        {
            "label": _("Tier"),
            "options": [_chip("tier", code, wall.tier_name(code), tier) for code in wall.tier_order()],
        },
        {
            "label": _("Kind"),
            "options": [
                _chip("category", code, catalogue.in_words(body["name"]), category)
                for code, body in catalogue.entries("category").items()
            ],
        },
    ]
    if standings:
        shown = [s for s in Standing if s is not Standing.NONE]
        groups.append(
            {
                "label": _("Standing"),
                "options": [_chip("standing", s.value, labels.label(s), now) for s in shown],
            }
        )
    return groups


def _chip(key: str, code: str, words: str, now: str) -> dict[str, Any]:
    active = now == code
    return {
        "label": words,
        "href": web.url_with(**{key: None if active else code, "page": None}),
        "active": active,
    }


@roll.get("/")
@allow(May.READ_MEMBERS)
def members() -> str:
    """List every membership."""
    args = request.args
    statement = wall.filtered(
        _lines(i18n.language()),
        q=args.get("q", ""),
        tier=args.get("tier", ""),
        category=args.get("category", ""),
    )
    if args.get("standing") in {one.value for one in Standing}:
        statement = statement.where(Membership.standing == Standing(args["standing"]))
    sort = args.get("sort", "name")
    column = {"name": wall.by_name(), "tier": wall.ranked(), "since": Membership.member_since}.get(
        sort.removeprefix("-"), wall.by_name()
    )
    page = page_of(
        statement,
        order=(column, Organisation.id),
        down=sort.startswith("-"),
        total=_total(statement),
        rows=True,
    )
    return render_template(
        "office/members.html", page=page, chips=chips_for(standings=True), tier_name=wall.tier_name
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
    return db.session.scalar(_ALL)


def _one(uid: str) -> Membership:
    named = select(Membership).join(Membership.org).options(contains_eager(Membership.org))
    row = db.session.scalars(named.where(Organisation.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such member."))
    return row


@roll.get("/<uid>")
@allow(May.READ_MEMBERS)
def member(uid: str) -> str:
    """Show one member: standing, terms, people, money, benefits and story."""
    row = _one(uid)
    money = me().staff_may(May.READ_MONEY)
    invoices = select(Invoice.uid, Invoice.number, Invoice.gross, Invoice.state).join(
        Party, Invoice.party_id == Party.id
    )
    own = invoices.where(Party.org_id == row.org_id).order_by(Invoice.id.desc())
    applications = select(Application.uid, Application.submitted_at, Application.state)
    benefits = catalogue.entries("benefit")
    return render_template(
        "office/member.html",
        membership=row,
        terms=db.session.scalars(select(Term).where(Term.membership_id == row.id).order_by(Term.start)).all(),
        people=db.session.scalars(contacts.contacts_of(row.org)).all(),
        missing=contacts.missing(row.org, row.tier),
        invoices=db.session.execute(own).all() if money else [],
        applications=db.session.execute(applications.where(Application.org_id == row.org_id)).all(),
        grants=[
            (catalogue.in_words(benefits[g.benefit]["name"]), g)
            for g in papers.granted(row)
            if g.benefit in benefits
        ],
        items=checklist.items(row),
        history=db.session.scalars(audit.of_subject(row.subject, row.org.subject)).all(),
        tier_name=wall.tier_name,
        may_tick=me().staff_may(May.REVIEW),
    )


@roll.post("/<uid>/checklist/<item>")
@allow(May.REVIEW)
def tick(uid: str, item: str) -> BaseResponse:
    """Tick an item of the checklist."""
    row = _one(uid)
    if catalogue.entries("checklist").get(item, {}).get("done_when") != "tick":
        raise Missing(_("This item is done by doing it; it cannot be ticked."))
    with transaction():
        checklist.tick(row, item, by=me().person)
    return go("roll.member", _("Ticked."), uid=uid)
