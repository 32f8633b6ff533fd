"""Changing the tier as the member does it: pick one, see what it costs and changes, ask, and confirm just that."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import files
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import form, tier_apply, tier_changes, tier_seen, wall
from portal.members.access import own_application, own_membership
from portal.members.models import ApplicationState
from portal.members.tier_models import TierQuote
from portal.members.tier_quotes import Outdated

tiers = Blueprint("tiers", __name__, url_prefix="/membership")


@tiers.before_request
def _mark() -> None:
    """Say which entry of the rail these pages belong to."""
    g.nav = "member.membership"


def _membership() -> Any:
    row = own_membership(required_org(me(), May.APPLY).id)
    if row is None:
        raise Missing(_("There is no membership yet: a change of tier comes after joining."))
    return row


def _chooser(said: str = "", status: int = 200) -> Any:
    row, tier = _membership(), request.values.get("to", "")
    options = tier_seen.choices(row)
    chosen = tier if tier in {one["code"] for one in options} else ""
    seen, why = tier_seen.computed(row, chosen) if chosen else (None, "")
    live = tier_apply.under_way(row.org)
    draft = live is not None and live.state is ApplicationState.DRAFT
    return render_template(
        "member/tier.html", org=row.org, membership=row, options=options, names={one["code"]: one["name"] for one in options},
        chosen=chosen, seen=seen, why=said or why,
        live=None if draft else live, draft=live if draft else None, tier_now=wall.tier_name(row.tier),
    ), status  # fmt: skip


@tiers.get("/tier")
@allow(May.APPLY)
def choose() -> Any:
    """Show the tiers, and for the one picked money, seats and benefits side by side."""
    return _chooser()


@tiers.post("/tier")
@allow(May.APPLY)
def ask() -> Any:
    """Ask for the tier picked: its preview is written down with the request."""
    row = _membership()
    try:
        with transaction():
            made = tier_apply.ask(
                row.org, request.form.get("to", ""), by=me().person, language=str(get_locale())
            )
    except Refused as refusal:
        return _chooser(str(refusal), refusal.status)
    page = next(iter(form.pages(made.catalogue_day, made.answers)), None)
    return go("apply.page", uid=made.uid, page=page) if page else go("apply.check", uid=made.uid)


def _page(row: TierQuote, said: str = "", status: int = 200) -> Any:
    reader = me()
    return render_template(
        "member/tier_quote.html", quote=row, application=row.application, seen=tier_seen.of_quote(row), outdated=said,
        may=row.application.org_id in reader.orgs(May.CHANGE_TIER),
        pays=row.application.org_id in reader.orgs(May.SEE_MONEY), old=wall.tier_name(row.old_tier),
        new=wall.tier_name(row.new_tier),
    ), status  # fmt: skip


@tiers.get("/changes/<uid>")
@allow(May.APPLY, May.SEE_MONEY)
def quote(uid: str) -> Any:
    """Show one preview: exactly what confirming it invoices, and from which day it holds."""
    return _page(tier_seen.visible_quote(uid))


@tiers.post("/changes/<uid>/confirmation")
@allow(May.CHANGE_TIER)
def confirm(uid: str) -> Any:
    """Confirm a preview; one that moved is answered with a new one (409)."""
    row, by = tier_seen.own_quote(uid), me().person
    try:
        with transaction():
            done = tier_changes.change_tier(row, by=by)
    except Outdated as refusal:
        said = str(refusal)
        with transaction():
            fresh = tier_apply.again(tier_seen.own_quote(uid).application, by=by)
        return _page(fresh, said, 409)
    if done.invoice is not None and done.invoice.gross and me().may(May.SEE_MONEY, done.application.org_id):
        return go("billing.invoice", _("Confirmed. This is the invoice."), uid=done.invoice.uid)
    return go("tiers.quote", _("Confirmed."), uid=uid)


@tiers.post("/changes/<uid>/keeping")
@allow(May.CHANGE_TIER)
def keep(uid: str) -> BaseResponse:
    """Take the choice for the next membership year back."""
    row = tier_seen.own_quote(uid)
    with transaction():
        tier_changes.keep_tier(row, by=me().person)
    return go("tiers.quote", _("Taken back: the tier stays as it is."), uid=uid)


@tiers.post("/requests/<uid>/preview")
@allow(May.CHANGE_TIER)
def again(uid: str) -> BaseResponse:
    """Ask for the figures of today, in place of an outdated preview."""
    row = own_application(uid, May.CHANGE_TIER)
    with transaction():
        fresh = tier_apply.again(row, by=me().person)
    return go("tiers.quote", _("Here are the figures of today."), uid=fresh.uid)


@tiers.get("/changes/<uid>/pdf")
@allow(May.APPLY, May.SEE_MONEY)
def pdf(uid: str) -> Response:
    """Hand out a preview as PDF."""
    row = tier_seen.visible_quote(uid)
    if row.pdf is None:
        raise Missing(_("The PDF is being made. Please try again in a minute."))
    return files.send(row.pdf, inline=True)
