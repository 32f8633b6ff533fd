"""What a member sees of its benefits: what it has, what is left, how to claim, and what the year was worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import catalogue, clock
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form
from portal.core.web import go
from portal.members import claiming, deciding, form, granting, seating, value
from portal.members.access import own_claim, own_grant, own_membership
from portal.members.belonging import Grant, Membership
from portal.members.benefit_models import Claim, ClaimState
from portal.members.forms import Reason, area
from portal.members.granting import Held
from portal.members.home import member

C = ClaimState


class ClaimForm(Form):
    """How many, and what for."""

    quantity = IntegerField(
        _l("How many"),
        default=1,
        validators=[
            InputRequired(_l("Please fill this in.")),
            NumberRange(min=1, max=100_000, message=_l("Please say how many, at least one.")),
        ],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    note = area(_l("What is it for?"), longest=500, required=False, rows=3)


@member.get("/benefits")
@allow(May.SEE_ORG)
def benefits() -> str:
    """Show what the membership gives, what is left and until when, and the claims made."""
    reader, today = me(), clock.today()
    org = required_org(reader, May.SEE_ORG)
    row = own_membership(org.id)
    held = granting.held_by([row]) if row else []
    claims = sorted({one.id: one for grant in held for one in grant.claims}.values(), key=lambda one: -one.id)
    above, more = _above(row)
    return render_template(
        "member/benefits.html", org=org, membership=row, above=above, more=more, claims=claims,
        grants=[_shown(one) for one in held if one.runs(today)], in_line=seating.number_in_line, name=granting.benefit_name,
        may_claim=reader.may(May.CLAIM_BENEFITS, org.id), delivered=value.delivered(row) if row else None,
        unconfirmed=(C.WAITING, C.CLAIMED),
    )  # fmt: skip


def _shown(held: Held) -> dict[str, Any]:
    today, quantity = clock.today(), held.grant.quantity
    used = sum(one.quantity for one in held.claims if one.state is C.USED)
    return {
        "uid": held.grant.uid, "name": granting.benefit_name(held.grant.benefit), "quantity": quantity, "used": used,
        "open": held.taken - used, "left": held.left(today), "until": held.claim_until, "early": held.grant.application_id is not None,
        "claimable": deciding.claimable(held.body), "why_not": claiming.refusal(held, on=today),
    }  # fmt: skip


def _held(row: Grant) -> Held:
    return next(one for one in granting.held_by([row.membership]) if one.grant.id == row.id)


def _page(row: Grant, given: ClaimForm, status: int = 200) -> Any:
    held, g.nav = _held(row), "member.benefits"
    if row.quantity is None and "quantity" in given:
        del given.quantity
    body = catalogue.entries("benefit").get(row.benefit, held.body)
    return render_template(
        "member/benefit.html", grant=row, held=held, one=_shown(held), form=given, places=seating.places(row.benefit, body),
        confirmer=deciding.confirmer(body), excluded=[granting.benefit_name(code) for code in held.body.get("exclusive_with", ())],
        may_claim=me().may(May.CLAIM_BENEFITS, row.membership.org_id), refuses=_refuses(body),
    ), status  # fmt: skip


def _refuses(body: Mapping[str, Any]) -> bool:
    return bool(body.get("capacity", {}).get("beyond") == seating.REFUSE)


@member.get("/benefits/<uid>")
@allow(May.SEE_ORG)
def benefit(uid: str) -> Any:
    """Show one benefit: what is left, who confirms, how many places there are, and the form to claim it."""
    return _page(own_grant(uid), ClaimForm())


@member.post("/benefits/<uid>/claims")
@allow(May.CLAIM_BENEFITS)
def claim(uid: str) -> Any:
    """Claim some of a benefit."""
    row, given = own_grant(uid, May.CLAIM_BENEFITS), ClaimForm()
    quantity = given.quantity.data if row.quantity is not None else 1
    if row.quantity is None:
        del given.quantity
    if not given.validate_on_submit():
        return _page(row, given, 422)
    try:
        with transaction():
            made = claiming.claim(row, quantity, by=me().person, note=given.note.data or "")
    except Refused as refusal:
        given.refused(refusal)
        return _page(row, given, refusal.status)
    return go("member.benefits", _said(made))


def _said(row: Claim) -> str:
    if row.state is C.WAITING:
        number = seating.number_in_line(row)
        return _("All places are taken now: you are number %(number)s on the waiting list.", number=number)
    if row.state is C.CONFIRMED:
        return _("Claimed and confirmed.")
    if row.provisional:
        return _("Claimed provisionally: it is confirmed once the membership has begun.")
    return _("Claimed. We confirm it and write to you.")


@member.post("/claims/<uid>/withdrawal")
@allow(May.CLAIM_BENEFITS)
def withdraw_claim(uid: str) -> BaseResponse:
    """Take back a claim that is not confirmed."""
    row = own_claim(uid, May.CLAIM_BENEFITS)
    with transaction():
        claiming.withdraw(row, by=me().person)
    return go("member.benefits", _("The claim is taken back."))


@member.post("/claims/<uid>/release")
@allow(May.CLAIM_BENEFITS)
def release_claim(uid: str) -> BaseResponse:
    """Give back a confirmed claim that is not needed."""
    row, given = own_claim(uid, May.CLAIM_BENEFITS), Reason()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        claiming.release(row, by=me().person, reason=given.reason.data or "")
    return go("member.benefits", _("Given back; it is yours to claim again."))


@member.get("/benefits/value")
@allow(May.SEE_ORG)
def benefit_value() -> str:
    """Show what the membership year gave, what was used, and what that is worth beside the dues."""
    org = required_org(me(), May.SEE_ORG)
    row, g.nav = own_membership(org.id), "member.benefits"
    found = value.delivered(row) if row is not None else None
    if found is None:
        raise Missing(_("There is nothing to show before the membership has begun."))
    return render_template("member/value.html", org=org, found=found)


def _above(row: Membership | None) -> tuple[str, list[tuple[str, Any, Any]]]:
    """Return the name of the next tier up, and each benefit it gives more of: name, here, there."""
    tiers = catalogue.entries("tier")
    if row is None or row.tier not in tiers:
        return "", []
    kind = tiers[row.tier].get("holder", form.ORGANISATION)
    same = [code for code, body in tiers.items() if body.get("holder", form.ORGANISATION) == kind]
    at = same.index(row.tier)
    if at == 0:
        return "", []
    found = []
    for body in catalogue.entries("benefit").values():
        given = body.get("tiers", {})
        here, there = _given(given, row.tier), _given(given, same[at - 1])
        if there and here is not True and (there is True or not here or there > here):
            found.append((catalogue.in_words(body["name"]), here, there))
    return catalogue.in_words(tiers[same[at - 1]]["name"]), found


def _given(table: dict[str, int | None], tier: str) -> int | bool | None:
    return (table[tier] or True) if tier in table else None
