"""The public pages: what the foundation is, its tiers and prices, and whether the portal is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, abort, redirect, render_template, request, session
from flask_babel import gettext as _
from sqlalchemy import text

from portal.core import catalogue, i18n, web
from portal.core.db import db
from portal.core.money import Money
from portal.core.settings import place
from portal.core.web import public as anybody

public = Blueprint("public", __name__)


@dataclass(frozen=True, slots=True)
class TierCard:
    """A tier as the public sees it: dues a year, for whom, what it gives."""

    name: str
    price: Money
    for_whom: str
    points: list[str]


def tier_cards() -> list[TierCard]:
    """Return the tiers in force today, the highest first, in the reader's language."""
    return [
        TierCard(
            catalogue.in_words(body["name"]),
            Money(body["dues"]),
            catalogue.in_words(body["for"]),
            [catalogue.in_words(point) for point in body["points"]],
        )
        for body in catalogue.entries("tier").values()
    ]


@public.get("/")
@anybody
def home() -> str:
    """Show what the foundation is, the road in, and the tiers."""
    road = [
        (_("Apply"), _("Fill in one form; it saves as you type.")),
        (_("Review"), _("We check your papers and answer within ten working days.")),
        (_("Sign"), _("One agreement in Chinese and English, by click or by chop.")),
        (_("Pay"), _("By bank transfer, card, Alipay or WeChat Pay.")),
        (_("Begin"), _("Benefits, papers and your place on the member wall.")),
    ]
    return render_template("public/home.html", tiers=tier_cards(), road=road)


@public.post("/language")
@anybody
def choose_language() -> Any:
    """Keep the language the reader chose, and go back to where they were."""
    language = request.form.get("language", "")
    if language not in i18n.LANGUAGES:
        abort(400)
    session["language"] = language
    return redirect(web.safe_next(request.form.get("next"), "/"), code=303)


@public.get("/healthz")
@anybody
def healthz() -> Response:
    """Say that the process lives."""
    return Response("ok\n", mimetype="text/plain")


@public.get("/readyz")
@anybody
def readyz() -> Response:
    """Say whether the database answers and stands at the newest migration."""
    head = ScriptDirectory(str(place("migrations"))).get_current_head()
    if db.session.execute(text("SELECT version_num FROM alembic_version")).scalar() != head:
        return Response("the migrations have not run\n", status=503, mimetype="text/plain")
    return Response("ready\n", mimetype="text/plain")
