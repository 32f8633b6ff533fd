"""How the history of compute statements reads, and the page that an entry opens."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l

from portal.accounts import audit_office
from portal.core import story
from portal.core.db import db
from portal.services.statements.models import ComputeSeller, ComputeStatement


def _statement(number: int) -> str | None:
    row = db.session.get(ComputeStatement, number)
    return url_for("compute_office.statement", uid=row.uid) if row is not None else None


def _seller(number: int) -> str | None:
    row = db.session.get(ComputeSeller, number)
    return url_for("compute_office.seller", uid=row.uid) if row is not None else None


def install() -> None:
    """Name the verbs, their details, and the pages that an entry opens."""
    audit_office.opens("compute_statement", _statement)
    audit_office.opens("compute_seller", _seller)
    story.words(_VERBS, _DETAILS)


_DETAILS = {
    "month": _l("Month"), "base": _l("Turnover"), "commission": _l("Commission"), "sending": _l("Sending"),
    "report": _l("Report"), "lines": _l("Lines"), "deemed": _l("By silence"), "contract": _l("Contract"),
    "since": _l("Since"), "bp": _l("Rate in basis points"), "answer": _l("Answer"), "into": _l("Goes on in"),
}  # fmt: skip
_VERBS = {
    "compute.seller_began": (_l("Began to sell compute"), "shop"),
    "compute.seller_ended": (_l("Ends selling compute"), "door-closed"),
    "compute.rate_set": (_l("Rate of commission set"), "percent"),
    "compute.reported": (_l("Sales reported"), "file-earmark-arrow-up"),
    "compute.sent": (_l("Statement sent"), "send"),
    "compute.disputed": (_l("Statement disputed"), "megaphone"),
    "compute.confirmed": (_l("Statement confirmed"), "check2-circle"),
    "compute.told_late": (_l("Told in a later statement"), "clock-history"),
    "compute.invoiced": (_l("Statement closed"), "receipt"),
}
