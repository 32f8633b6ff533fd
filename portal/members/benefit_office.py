"""The office's side of benefits: capacity and queues, and claims to confirm, decline, use and release."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template
from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.words import role
from portal.core import catalogue
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.web import go
from portal.members import (
    benefit_changes,
    deciding,
    granting,
    roll,
    seating,
    value,
    wall,
)
from portal.members.access import office_application
from portal.members.belonging import Grant
from portal.members.benefit_models import SEATED, Claim, ClaimState, Round
from portal.members.forms import Reason
from portal.members.office import cases

perks = Blueprint("perks", __name__, url_prefix="/office/benefits")
C = ClaimState


def count_open() -> Select[int]:
    """Select how many claims wait for somebody's word."""
    return select(func.count(Claim.id)).where(Claim.state == C.CLAIMED, ~Claim.provisional)


def who(body: dict[str, Any]) -> str:
    """Return who confirms claims of a benefit, in words."""
    if not deciding.claimable(body):
        return _("needs no claim")
    code = deciding.confirmer(body)
    return _("at once, by itself") if code == deciding.AUTOMATIC else role(code)


@perks.get("/")
@allow(May.READ_MEMBERS)
def overview() -> str:
    """List the benefits with their capacity, and what waits."""
    waits = dict(
        db.session.execute(
            select(Grant.benefit, func.count(Claim.id))
            .join(Grant, Claim.grant_id == Grant.id)
            .where(Claim.state == C.CLAIMED, ~Claim.provisional)
            .group_by(Grant.benefit)
        ).all()
    )
    rows = [
        {
            "code": code, "name": catalogue.in_words(body["name"]), "who": who(body), "places": seating.places(code, body),
            "open": waits.get(code, 0), "tiers": ", ".join(_given(body)),
        }
        for code, body in catalogue.entries("benefit").items()
    ]  # fmt: skip
    return render_template("office/benefits.html", rows=rows, open=sum(waits.values()))


def _given(body: dict[str, Any]) -> list[str]:
    """Return what each tier and category gets, in words."""
    categories = catalogue.entries("category")
    names = {
        **{code: wall.tier_name(code) for code in body.get("tiers", {})},
        **{code: catalogue.in_words(categories[code]["name"]) for code in body.get("categories", {}) if code in categories},
    }  # fmt: skip
    tables = {**body.get("tiers", {}), **body.get("categories", {})}
    return [f"{names.get(code, code)} {quantity or ''}".strip() for code, quantity in tables.items()]


@perks.get("/<code>")
@allow(May.READ_MEMBERS)
def benefit(code: str) -> str:
    """Show one benefit: its definition, its periods of capacity, and its queue in the order of serving."""
    body = catalogue.entries("benefit").get(code)
    if body is None:
        raise Missing(_("There is no such benefit."))
    places, g.nav = seating.places(code, body), "perks.overview"
    queue = seating.line(places.row, body) if places is not None and places.row is not None else []
    held = (
        select(Round, func.coalesce(func.sum(Claim.quantity), 0))
        .outerjoin(Claim, (Claim.round_id == Round.id) & Claim.state.in_(SEATED))
        .where(Round.benefit == code)
        .group_by(Round.id)
        .order_by(Round.start.desc())
        .limit(12)
    )
    price = body.get("list_value")
    return render_template(
        "office/benefit.html", code=code, name=catalogue.in_words(body["name"]), body=body, who=who(body), places=places,
        queue=queue, rounds=db.session.execute(held).all(), given=_given(body), shares=body.get("shares"),
        price=Money(int(price["amount"])) if price else None, excluded=[granting.benefit_name(one) for one in body.get("exclusive_with", ())],
        tier_name=wall.tier_name,
    )  # fmt: skip


def reason_given() -> str:
    """Return the reason of a form; `Refused` without one."""
    given = Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    return str(given.reason.data)


@roll.roll.get("/<uid>/benefits")
@allow(May.READ_MEMBERS)
def of_member(uid: str) -> str:
    """Show what one member was given, has left and used, and what it is worth beside the dues."""
    row = roll.one(uid)
    held = granting.held_by([row])
    claims = sorted({one.id: one for grant in held for one in grant.claims}.values(), key=lambda one: -one.id)
    g.nav = "roll.members"
    return render_template(
        "office/member_benefits.html",
        membership=row,
        found=value.delivered(row),
        claims=claims,
        name=granting.benefit_name,
    )


@cases.post("/<uid>/early-claims")
@allow(May.DECIDE)
def early_claims(uid: str) -> BaseResponse:
    """Let an approved applicant claim before it has signed and paid."""
    row, reason = office_application(uid), reason_given()
    with transaction():
        benefit_changes.allow_early(row, by=me().person, reason=reason)
    return go("cases.case", _("The applicant may claim provisionally and is told."), uid=uid)
