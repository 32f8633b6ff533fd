"""The public pages: what the foundation is, its tiers and prices, and whether the portal is well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alembic.script import ScriptDirectory
from flask import Blueprint, Response, abort, redirect, render_template, request, session
from flask_babel import gettext as _
from sqlalchemy import text

from portal.billing.catalogue import price_of
from portal.certs.documents import readiness
from portal.core import catalogue, flags, i18n, personal, web
from portal.core.db import Model, db
from portal.core.money import Money
from portal.core.settings import place, settings
from portal.core.web import public as anybody
from portal.members import individuals

public = Blueprint("public", __name__)


@dataclass(frozen=True, slots=True)
class TierCard:
    """A tier as the public sees it: dues a year, for whom, what it gives."""

    code: str
    name: str
    price: Money | None
    price_note: str
    for_whom: str
    points: list[str]


def tier_cards() -> list[TierCard]:
    """Return the tiers in force today, the highest first, in the reader's language."""
    return [
        TierCard(
            code,
            catalogue.in_words(body["name"]),
            price_of(body["product"]).amount,
            _("a year"),
            catalogue.in_words(body["for"]),
            [catalogue.in_words(point) for point in body["points"]],
        )
        for code, body in catalogue.entries("tier").items()
    ]


@public.get("/")
@anybody
def home() -> str:
    """Show what the foundation is, the road in, and the tiers."""
    from portal.public import members  # noqa: PLC0415 - they share the blueprint of this module

    total = members.total()
    figures = [
        {"label": _("Members"), "value": total, "href": "/members"},
        {"label": _("Tiers"), "value": len(catalogue.entries("tier")), "href": "/tiers"},
    ]
    return render_template(
        "public/home.html", tiers=tier_cards(), newest=members.newest(), figures=figures if total else []
    )


@public.get("/tiers")
@anybody
def tiers() -> str:
    """Show tiers and prices, and compare what each gives."""
    return render_template(
        "public/tiers.html", tiers=tier_cards(), rights=compared(), person_tier=individuals.tier_for()
    )


def compared() -> list[tuple[str, list[Any]]]:
    """Return each benefit with what every tier gives of it: a number, True for uncounted, or None."""
    tiers = list(catalogue.entries("tier"))
    return [
        (catalogue.in_words(body["name"]), [_given(body.get("tiers", {}), code) for code in tiers])
        for body in catalogue.entries("benefit").values()
    ]


def _given(table: dict[str, int | None], tier: str) -> int | bool | None:
    return (table[tier] or True) if tier in table else None


@public.get("/privacy")
@anybody
def privacy() -> str:
    """Say which personal data are kept, what for and how long, who works on them, and what people are asked."""
    return render_template(
        "public/privacy.html", purposes=personal.by_purpose(Model.metadata), kept=catalogue.entries("retention"),
        processors=catalogue.entries("processor"), consents=catalogue.entries("consent"),
    )  # fmt: skip


@public.get("/terms")
@anybody
def terms() -> str:
    """Say by which rules the portal is used."""
    return render_template("public/terms.html")


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
    if settings().production and flags.raised(flags.DEMO):
        return Response("this database holds demo data\n", status=503, mimetype="text/plain")
    wanting = readiness.lacking()
    papers = f"documents: unavailable, {wanting}\n" if wanting else ""
    return Response(f"ready\n{papers}", mimetype="text/plain")
