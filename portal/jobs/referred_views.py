"""What the letter of a referral opens: the post, by whom, what is shared; a yes leads to the form, a no erases the address."""

from __future__ import annotations

from typing import Any

from flask import render_template

from portal.core.db import transaction
from portal.core.errors import Missing
from portal.core.web import public
from portal.jobs import applying, credits, naming, referring
from portal.jobs.application_models import NO_REFERRAL, Referral
from portal.jobs.people_doors import referred


def _found(token: str) -> Referral:
    row = referring.found(token)
    if not applying.takes(row.post):
        raise Missing(NO_REFERRAL)
    return row


@referred.get("/<token>")
@public
def letter(token: str) -> Any:
    """Show what somebody was referred to; nothing is shared by looking."""
    row = _found(token)
    return render_template(
        "jobs/candidate/referred.html", row=row, token=token, title=naming.title_of, asks=credits.asks(row.post), city=naming.city
    )  # fmt: skip


@referred.post("/<token>/refusal")
@public
def refuse(token: str) -> Any:
    """Say no: the address is erased at once."""
    row = _found(token)
    with transaction():
        referring.decline(row)
    return render_template("jobs/candidate/referred_no.html")
