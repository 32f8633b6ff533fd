"""The public operations, the document of all operations, and the page for people made from it."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Annotated, Any

from flask import Response, current_app, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts import consents
from portal.accounts.organisations import Organisation
from portal.billing.catalogue import price_of
from portal.core import catalogue, clock, cursors
from portal.core.api import (
    PREFIX,
    PUBLIC_PROBLEMS,
    Amount,
    Answer,
    Clean,
    OneRow,
    Paged,
    Uid,
    Words,
    operations,
    responses,
    share,
    shared,
)
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.web import public as anybody
from portal.members import form, wall
from portal.members.belonging import Membership
from portal.public.views import public

wall_api = operations("api_wall", __name__, str(_l("Open to everybody")))
Code = Annotated[str, Clean, Field(max_length=40)]


class MemberQuery(Paged):
    """Which members: any name in either script, a tier, a category."""

    q: Annotated[str, Clean, Field(max_length=100)] = ""
    tier: Code = ""
    category: Code = ""


class MemberAnswer(Answer):
    """A member of the wall."""

    id: Uid
    name: Words
    tier: str
    category: str | None
    homepage: str | None
    logo: str | None
    joined: date | None
    founding: bool


class Members(Answer):
    """A part of the wall, by name."""

    items: list[MemberAnswer]
    next: str | None


class Tier(Answer):
    """A tier with what it costs; no price means by agreement."""

    code: str
    name: Words
    holder: str
    price: Amount | None
    months: int | None
    points: list[Words]


class Tiers(Answer):
    """All tiers in force, the highest first."""

    items: list[Tier]


@wall_api.get(
    "/members", operation_id="list_members", summary=str(_l("Members on the wall")),
    responses=responses(*PUBLIC_PROBLEMS, ok=Members), security=[],
)  # fmt: skip
@anybody
def list_members(query: MemberQuery) -> Response:
    """Whoever consented to be shown."""
    rows, onward = cursors.page(
        wall.filtered(wall.shown(), q=query.q, tier=query.tier, category=query.category),
        [(Organisation.sort_en, str), (Membership.id, int)],
        limit=query.limit,
        cursor=query.cursor,
    )
    return shared(Members(items=[MemberAnswer(**wall.entry(row)) for row in rows], next=onward))


@wall_api.get(
    "/members/<uid>", operation_id="get_member", summary=str(_l("One member of the wall")),
    responses=responses(*PUBLIC_PROBLEMS, ok=MemberAnswer), security=[],
)  # fmt: skip
@anybody
def get_member(path: OneRow) -> Response:
    """The id is the one in the address of the member's page."""
    row = db.session.scalars(wall.shown().where(Organisation.uid == path.uid)).first()
    if row is None:
        raise Missing(_("This organisation is not shown on the member wall."))
    return shared(MemberAnswer(**wall.entry(row)))


@wall_api.get(
    "/tiers", operation_id="list_tiers", summary=str(_l("Tiers and prices")),
    responses=responses(*PUBLIC_PROBLEMS, ok=Tiers), security=[],
)  # fmt: skip
@anybody
def list_tiers() -> Response:
    """Prices include tax and are those of today."""
    items = []
    for code, body in catalogue.entries("tier").items():
        price = price_of(body["product"])
        items.append(
            Tier(
                code=code,
                name=Words(**body["name"]),
                holder=body.get("holder", "organisation"),
                price=Amount.of(price.amount),
                months=price.months,
                points=[Words(**point) for point in body["points"]],
            )
        )
    return shared(Tiers(items=items))


def document() -> dict[str, Any]:
    """Return the OpenAPI document, with the tiers and the form's fields as they stand today."""
    found: dict[str, Any] = copy.deepcopy(current_app.api_doc)  # type: ignore[attr-defined]
    brand = catalogue.brand()
    found["info"]["title"] = f"{brand.short} API"
    schemas, today = found["components"]["schemas"], clock.today()
    fields = [field for field in form.fields(today) if field.kind != form.FILE]
    schemas["AnswersChange"]["properties"]["answers"] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            field.code: {"type": "boolean"}
            if field.kind == "check"
            else {"type": "string", "maxLength": field.longest}
            for field in fields
        },
    }
    schemas["NewApplication"]["properties"]["tier"] = {
        "type": "string",
        "enum": ["", *catalogue.entries("tier")],
    }
    schemas["ConsentWord"]["properties"]["purpose"] = {"type": "string", "enum": list(consents.purposes())}
    for path in found["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "header":
                    parameter["schema"].pop("default", None)
    return found


@public.get(f"{PREFIX}/openapi.json")
@anybody
def openapi() -> Response:
    """Hand out the document that describes the API."""
    made = Response(json.dumps(document(), ensure_ascii=False), content_type="application/json")
    return share(made)


@public.get(f"{PREFIX}/")
@anybody
def api_page() -> str:
    """Show the API to people: made from the document."""
    found = document()
    operations_of: dict[str, list[dict[str, Any]]] = {}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            operations_of.setdefault(operation["tags"][0], []).append(
                {"method": method.upper(), "path": path, "open": not operation.get("security"), **operation}
            )
    return render_template("public/api.html", groups=operations_of, schemas=found["components"]["schemas"])
