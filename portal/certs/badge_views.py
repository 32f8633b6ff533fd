"""What verifiers of badges read: badges by their address, status lists, levels, the issuer and its keys; and shared pages."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from portal.certs import badges, issuing, levels, pictures, proofs, sharing, signing_badges, verifying
from portal.core import catalogue, clock, signing
from portal.core.api import share
from portal.core.errors import Missing
from portal.core.unchanged import unchanged
from portal.core.web import public as anybody

badge_pages = Blueprint("badges", __name__)
VC, JWT = "application/vc", "application/vc+jwt"
SECONDS = 300


def _json(body: Any, kind: str = "application/json") -> Response:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=1)
    return share(Response(text, content_type=kind), seconds=SECONDS)


def _either(document: str, token: str) -> Response:
    """Answer with a credential in the form that was asked for: JSON with its proof, or JWT."""
    best = request.accept_mimetypes.best_match(
        [VC, "application/json", "application/ld+json", JWT, "application/jwt"]
    )
    as_token = best in {JWT, "application/jwt"}
    made = _json(token if as_token else document, str(best) if as_token else VC)
    made.headers["Vary"] = "Accept"
    return made


@badge_pages.get("/badges/<public_id>")
@anybody
def badge(public_id: str) -> Response:
    """Hand out a badge: JSON with its proof, or that document as JWT by Accept."""
    row = signing_badges.found(public_id)
    made = _either(row.document or "", row.jwt or "")
    made.headers["X-Robots-Tag"] = "noindex"
    return made


@badge_pages.get("/badges/status/<purpose>/<int:number>")
@anybody
def status_list(purpose: str, number: int) -> Response:
    """Hand out a status list as it stands now, signed: JSON with its proof, or that document as JWT by Accept."""
    minute = clock.now().replace(second=0, microsecond=0)  # an urgent hold falls away by time alone
    forms = unchanged(
        ("status list", purpose, number, minute), lambda: signing_badges.status_list(purpose, number)
    )
    return _either(*forms)


@badge_pages.get("/badges/levels/<code>")
@anybody
def level(code: str) -> str:
    """Say what a level is and what its holders have shown: the criteria that badges name."""
    one = levels.level(code)
    return render_template("public/level.html", level=one, narrative=one.narrative)


@badge_pages.get("/badges/levels/<code>.png")
@anybody
def level_png(code: str) -> Response:
    """Hand out the picture of a level."""
    return share(Response(pictures.png(levels.level(code).code), mimetype="image/png"), seconds=86_400)


@badge_pages.get("/badges/levels/<code>.svg")
@anybody
def level_svg(code: str) -> Response:
    """Hand out the picture of a level as SVG."""
    one = levels.level(code)
    return share(Response(pictures.svg(one.code, one.names["en"]), mimetype="image/svg+xml"), seconds=86_400)


@badge_pages.get("/.well-known/did.json")
@anybody
def did() -> Response:
    """Hand out the keys that badges are signed with: those of today and all before, but leaked ones."""
    return _json(signing_badges.did_document())


def _issuer() -> dict[str, Any]:
    brand = catalogue.entry("brand", "foundation")
    found = {
        "did": issuing.did(),
        "name": brand["name"],
        "mail": brand["mail"],
        "url": signing_badges.where().base,
    }
    return badges.profile(found, signing_badges.where())


@badge_pages.get("/issuers/foundation")
@anybody
def issuer() -> Response:
    """Hand out the issuer's profile."""
    return _json({"@context": [proofs.CREDENTIALS, proofs.OPEN_BADGES], **_issuer()})


@badge_pages.get("/issuers/foundation.png")
@anybody
def issuer_png() -> Response:
    """Hand out the issuer's picture."""
    return share(Response(pictures.png(""), mimetype="image/png"), seconds=86_400)


@badge_pages.get("/issuers/root.pem")
@anybody
def root() -> Response:
    """Hand out the root certificate by which readers of PDFs check our signatures."""
    key = signing.current(signing.KeyUse.ROOT)
    if key is None or not key.certificate_pem:
        raise Missing(_("There is no such file."))
    return share(Response(key.certificate_pem, mimetype="application/x-pem-file"), seconds=SECONDS)


@badge_pages.get("/shared/<token>")
@anybody
def shared(token: str) -> Response:
    """Show the awards that their holder shared by this address, with the full name, as they stand now."""
    link, awards = sharing.opened(token)
    seen = [(award, verifying.see(row) if row else None) for award, row in awards]
    made = Response(render_template("public/shared.html", link=link, seen=seen))
    made.headers["X-Robots-Tag"], made.headers["Cache-Control"] = "noindex", "no-store"
    made.headers["Referrer-Policy"] = "no-referrer"
    return made
