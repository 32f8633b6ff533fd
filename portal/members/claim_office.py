"""The office's list of claims, and each claim: confirm, decline, use and release."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import DateField
from wtforms.validators import DataRequired

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.core import audit, catalogue, clock, export, labels, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import claiming, deciding, granting, honouring, seating, wall
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import Claim, ClaimState
from portal.members.benefit_office import perks, reason_given, who
from portal.members.forms import Reason, area

C = ClaimState
OPEN = "open"


class UseForm(Form):
    """When a claim was used, and how."""

    used_on = DateField(_l("Used on"), validators=[DataRequired(_l("Please fill this in."))])
    reason = area(_l("Note"), longest=300, required=False, rows=2)


def _found() -> Select[Claim]:
    """Select the claims that the address asks for."""
    state, code = request.args.get("state", ""), request.args.get("benefit", "")
    statement = (
        select(Claim)
        .join(Grant, Claim.grant_id == Grant.id)
        .join(Membership, Grant.membership_id == Membership.id)
        .join(Organisation, Membership.org_id == Organisation.id)
    )
    where: list[ColumnElement[bool]] = []
    if state == OPEN:
        where = [Claim.state == C.CLAIMED, ~Claim.provisional]
    elif state in {one.value for one in C}:
        where = [Claim.state == C(state)]
    if code in catalogue.entries("benefit"):
        where.append(Grant.benefit == code)
    return statement.where(*where)


def _chips() -> list[dict[str, Any]]:
    state, code = request.args.get("state", ""), request.args.get("benefit", "")
    names = [
        ("", _("All")),
        (OPEN, _("To be confirmed by us")),
        *((one.value, labels.label(one)) for one in C),
    ]
    benefits = [
        (key, catalogue.in_words(body["name"]))
        for key, body in catalogue.entries("benefit").items()
        if deciding.claimable(body)
    ]
    return [
        {
            "label": _("State"),
            "options": [
                {"label": words, "href": web.url_with(state=key or None, page=None), "active": state == key}
                for key, words in names
            ],
        },
        {
            "label": _("Benefit"),
            "options": [
                {"label": words, "href": web.url_with(benefit=None if code == key else key, page=None), "active": code == key}
                for key, words in benefits
            ],
        },
    ]  # fmt: skip


@perks.get("/claims")
@allow(May.READ_MEMBERS)
def claims() -> str:
    """List the claims, the newest first."""
    g.nav = "perks.overview"
    page = page_of(_found(), order=(Claim.id,), down=True)
    return render_template("office/claims.html", page=page, chips=_chips(), name=granting.benefit_name)


HEADS = (
    _l("Organisation"), _l("Benefit"), _l("Quantity"), _l("State"), _l("Provisional"), _l("Claimed"), _l("Claimed by"), _l("What for"),
    _l("Decided"), _l("Decided by"), _l("Reason"), _l("Used on"),
)  # fmt: skip


def _cells(row: Claim) -> tuple[Any, ...]:
    return (
        row.grant.membership.org.name, granting.benefit_name(row.grant.benefit), row.quantity, labels.label(row.state),
        _("Yes") if row.provisional else _("No"), row.claimed_at, row.by.name, row.note, row.decided_at, row.decided_by, row.reason, row.used_on,
    )  # fmt: skip


@perks.get("/claims/file")
@allow(May.READ_MEMBERS)
def claims_csv() -> Response:
    """Hand out the claims asked for as CSV."""
    return export.csv_of("claims", HEADS, _found().order_by(Claim.id), _cells, by=me().person)


@perks.get("/claims/xlsx/file")
@allow(May.READ_MEMBERS)
def claims_xlsx() -> Response:
    """Hand out the claims asked for as a spreadsheet."""
    heads = [str(head) for head in HEADS]
    return export.xlsx_of("claims", _("Claims"), heads, _found().order_by(Claim.id), _cells, by=me().person)


def _claim(uid: str) -> Claim:
    row = db.session.scalars(select(Claim).where(Claim.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such claim, or it is not yours."))
    return row


@perks.get("/claims/<uid>")
@allow(May.READ_MEMBERS)
def claim(uid: str) -> str:
    """Show one claim: who asks for what, what is left, what comes next, and its story."""
    row, reader, g.nav = _claim(uid), me(), "perks.overview"
    held = next(one for one in granting.held_by([row.grant.membership]) if one.grant.id == row.grant_id)
    role = deciding.confirmer(deciding.definition(row))
    mine = role == deciding.AUTOMATIC or role in {one.value for one in reader.staff}
    close = honouring.acts_for(reader.person, row.grant.membership.org)
    return render_template(
        "office/claim.html", claim=row, name=granting.benefit_name(row.grant.benefit), held=held, who=who(deciding.definition(row)),
        decides=reader.staff_may(May.CONFIRM_BENEFITS) and mine and not close, number=seating.number_in_line(row),
        decline=Reason(), use=UseForm(used_on=clock.today()), honoured=honouring.honoured_until(row.grant.membership),
        history=db.session.scalars(audit.of_subject(row.subject)).all(), tier_name=wall.tier_name,
    )  # fmt: skip


def _done(uid: str, said: str) -> BaseResponse:
    return go("perks.claim", said, uid=uid)


@perks.post("/claims/<uid>/confirmation")
@allow(May.CONFIRM_BENEFITS)
def confirm(uid: str) -> BaseResponse:
    """Confirm a claim."""
    row, reader = _claim(uid), me()
    with transaction():
        claiming.confirm(row, by=reader.person, roles=reader.staff)
    return _done(uid, _("Confirmed; the member is told."))


@perks.post("/claims/<uid>/refusal")
@allow(May.CONFIRM_BENEFITS)
def decline(uid: str) -> BaseResponse:
    """Decline a claim, with the reason."""
    row, reader, reason = _claim(uid), me(), reason_given()
    with transaction():
        claiming.decline(row, by=reader.person, roles=reader.staff, reason=reason)
    return _done(uid, _("Declined; the member is told why."))


@perks.post("/claims/<uid>/use")
@allow(May.CONFIRM_BENEFITS)
def use(uid: str) -> BaseResponse:
    """Write down that a confirmed claim was used."""
    row, reader, given = _claim(uid), me(), UseForm()
    if not given.validate_on_submit() or given.used_on.data is None:
        raise Refused(_("Please say on which day it was used."), status=422)
    with transaction():
        claiming.use(
            row, by=reader.person, roles=reader.staff, on=given.used_on.data, reason=given.reason.data or ""
        )
    return _done(uid, _("Noted as used."))


@perks.post("/claims/<uid>/release")
@allow(May.CONFIRM_BENEFITS)
def release(uid: str) -> BaseResponse:
    """Release a confirmed claim, with the reason."""
    row, reader, reason = _claim(uid), me(), reason_given()
    with transaction():
        deciding.refuse_unless_confirmer(row, by=reader.person, roles=reader.staff)
        claiming.release(row, by=reader.person, reason=reason)
    return _done(uid, _("Released; its place is free again."))
