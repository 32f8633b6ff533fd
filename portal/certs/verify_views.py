"""The public check: type or scan a number, see what the certificate is worth, compare name and file; no account, no lists."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal.certs import verifying
from portal.core import files
from portal.core.errors import Missing, Refused
from portal.core.web import public as anybody

verify = Blueprint("verify", __name__)
LONGEST = 100


def _unlisted(body: str, status: int = 200) -> Response:
    """Keep a page out of search engines, and out of caches that would show an old state."""
    made = make_response(body, status)
    made.headers["X-Robots-Tag"] = "noindex"
    made.headers["Cache-Control"] = "no-store"
    return made


@verify.get("/verify")
@anybody
def page() -> Any:
    """Ask for a number, and lead to its page; a mistyped one is told from arithmetic alone."""
    typed = request.args.get("number", "")[: LONGEST + 1]
    if not typed.strip():
        return _unlisted(render_template("public/verify.html", typed="", problem=""))
    try:
        return redirect(url_for("verify.number_page", number=verifying.read(typed)), code=303)
    except Missing as refusal:
        return _unlisted(render_template("public/verify.html", typed=typed, problem=str(refusal)), 404)


def _page(typed: str, **more: Any) -> Response:
    try:
        number = verifying.read(typed)
        seen = verifying.see(verifying.found(number))
    except Missing as refusal:
        body = render_template("public/verify.html", typed=typed[:LONGEST], problem=str(refusal))
        return _unlisted(body, 404)
    return _unlisted(render_template("public/verified.html", seen=seen, **more))


@verify.get("/verify/<number>")
@anybody
def number_page(number: str) -> Any:
    """Show what a certificate is worth at this moment; the QR code on the paper leads here."""
    return _page(number)


@verify.post("/verify/<number>/name")
@anybody
def match_name(number: str) -> Any:
    """Say whether a name is the one on the document; the name itself is not shown."""
    typed = request.form.get("name", "").strip()
    row = verifying.found(verifying.read(number))
    if not typed:
        raise Refused(_("Please type the name as it stands on the paper."), status=422)
    return _page(number, name=typed[:LONGEST], matched=verifying.matches(row, typed))


@verify.post("/verify/<number>/file")
@anybody
def compare(number: str) -> Any:
    """Say whether a file is the one we issued: it is hashed and forgotten."""
    row = verifying.found(verifying.read(number))
    given = request.files.get("file")
    if given is None or not given.filename:
        raise Refused(_("Please choose the PDF file of the certificate."), status=422)
    digest, size = hashlib.sha256(), 0
    while piece := given.stream.read(1 << 16):
        size += len(piece)
        if size > files.BIGGEST:
            raise Refused(_("The file is larger than 10 MB."), status=422)
        digest.update(piece)
    same = row.file is not None and row.file.sha256 == digest.hexdigest()
    return _page(number, compared=same)
