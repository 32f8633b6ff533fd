"""Renewals as staff see them: who is on which step of the ladder, one member's renewal, pause, many at once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing import issuing
from portal.core import catalogue, clock, web
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.paging import page_of
from portal.core.web import go
from portal.members import (
    credit_terms,
    late_money,
    reminding,
    renewal_list,
    renewal_queries,
    renewing,
    wall,
)
from portal.members.belonging import Membership
from portal.members.renewal_forms import Until, Why
from portal.members.renewal_models import LateMoney, RenewalOffer

# The second form with a day on the page of a member: its fields have names of their own.
MORE = "more-"
renewals = Blueprint("renewals", __name__, url_prefix="/office/renewals")


def _one(uid: str) -> Membership:
    row = db.session.scalars(select(Membership).join(Organisation).where(Organisation.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such member."))
    return row


def _chips() -> list[dict[str, Any]]:
    step, state = request.args.get("step", ""), request.args.get("state", "")
    states = [
        ("waits", _("Not invoiced")),
        ("billed", _("Invoiced, unpaid")),
        ("renewed", _("Renewed")),
    ]
    return [
        {"label": _("State"), "options": [web.chip("state", code, words, state) for code, words in states]},
        {
            "label": _("Step"),
            "options": [
                web.chip("step", one.code, catalogue.in_words(dict(one.name)), step)
                for one in renewal_list.ladder_steps()
            ],
        },
    ]


@renewals.get("/")
@allow(May.READ_MEMBERS)
def upcoming() -> str:
    """List the terms that end within 90 days or ended within grace, by their day, with where each stands."""
    args = request.args
    found = renewal_list.statement(step=args.get("step", ""), state=args.get("state", ""))
    page = page_of(found, order=renewal_list.order(), rows=True)
    return render_template(
        "office/renewals.html", page=page, rows=renewal_list.shown(page.items), chips=_chips(),
        tier_name=wall.tier_name, may_bill=me().staff_may(May.CHASE_DEBTORS), today=clock.today(),
    )  # fmt: skip


@renewals.post("/invoices")
@allow(May.CHASE_DEBTORS)
def bill_many() -> BaseResponse:
    """Issue the invoices of the members ticked, each as it would be issued alone."""
    chosen = request.form.getlist("uid")
    done, said = 0, ""
    for uid in chosen[:200]:
        try:
            with transaction():
                _bill(_one(uid))
            done += 1
        except Refused as refusal:
            said = str(refusal)
    if not done:
        raise Refused(said or _("Please tick at least one member."), status=409 if said else 422)
    words = ngettext("%(num)s invoice is on its way.", "%(num)s invoices are on their way.", done)
    return go("renewals.upcoming", f"{words} {said}".strip())


def _bill(row: Membership) -> None:
    """Offer the next term of a member if nobody has, and issue its invoice."""
    term = renewal_queries.last_term(row)
    found = renewal_queries.open_offer(row)
    if found is None and term is None:
        raise Refused(_("This term is not renewed: it was ended, has no end, or is followed by another one."))
    if found is None and term is not None:
        found = renewing.offer(term, by=me().person)
    if found is not None:
        renewing.invoice(found, by=me().person)


def _page(uid: str, *, pause: Until | None = None, more: Until | None = None, status: int = 200) -> Any:
    row = _one(uid)
    g.nav = "renewals.upcoming"
    reader, offer = me(), renewal_queries.open_offer(row) or renewal_queries.last_offer(row)
    term = renewal_queries.last_term(row) or (offer.term if offer is not None else None)
    steps = renewal_queries.steps_of(row.org)
    return render_template(
        "office/renewal.html", membership=row, org=row.org, offer=offer, term=term, late=late_money.waiting(row),
        past=_past(row), offers=_offers(row), tier_name=wall.tier_name, ledger=reminding.ledger(term) if term else [],
        names={one.code: dict(one.name) for one in steps},
        next=renewal_list.upcoming(steps, term.end, renewal_queries.grace_days(), clock.today()) if term and term.end else None,
        stop=reminding.STOPS.get(reminding.stopped(offer) or "") if offer is not None else None,
        held=reminding.pause_of(row), credit=credit_terms.in_force(row), pause=pause or Until(formdata=None),
        more=more or Until(formdata=None, prefix=MORE), why=Why(formdata=None), unpaid=credit_terms.unpaid_term(row),
        owed=issuing.owed(offer.invoice) if offer is not None and offer.invoice is not None else None,
        may_review=reader.staff_may(May.REVIEW), may_chase=reader.staff_may(May.CHASE_DEBTORS),
        may_release=reader.staff_may(May.CHASE_DEBTORS) or reader.staff_may(May.DECIDE_APPEALS),
        reads_money=reader.staff_may(May.READ_MONEY),
    ), status  # fmt: skip


def _past(row: Membership) -> list[LateMoney]:
    waits = late_money.waiting(row)
    found = select(LateMoney).where(LateMoney.membership_id == row.id).order_by(LateMoney.id.desc())
    return [one for one in db.session.scalars(found) if one is not waits]


def _offers(row: Membership) -> list[RenewalOffer]:
    found = select(RenewalOffer).where(RenewalOffer.membership_id == row.id).order_by(RenewalOffer.id.desc())
    return list(db.session.scalars(found))


@renewals.get("/<uid>")
@allow(May.READ_MEMBERS)
def one(uid: str) -> Any:
    """Show the renewal of one member: offer, invoice, every step, what holds it, late money."""
    return _page(uid)


@renewals.post("/<uid>/invoice")
@allow(May.CHASE_DEBTORS)
def bill(uid: str) -> BaseResponse:
    """Issue the invoice of one member's renewal now."""
    row = _one(uid)
    with transaction():
        _bill(row)
    return go("renewals.one", _("The invoice is on its way."), uid=uid)


@renewals.post("/<uid>/pause")
@allow(May.REVIEW, May.CHASE_DEBTORS)
def pause(uid: str) -> Any:
    """Keep the reminders of a member back until a day."""
    row, form = _one(uid), Until()
    if status := form.carry_out(
        lambda: reminding.pause(row, until=form.until.data, by=me().person, reason=form.reason.data)
    ):
        return _page(uid, pause=form, status=status)
    return go("renewals.one", _("The renewal reminders are paused."), uid=uid)


@renewals.post("/<uid>/resumption")
@allow(May.REVIEW, May.CHASE_DEBTORS)
def resume(uid: str) -> BaseResponse:
    """Let the reminders of a member go on."""
    row = _one(uid)
    with transaction():
        reminding.resume(row, by=me().person)
    return go("renewals.one", _("The renewal reminders go on from the next morning."), uid=uid)


def _late(uid: str) -> LateMoney:
    found = late_money.waiting(_one(uid))
    if found is None:
        raise Missing(_("Nothing is to be decided about this money any more."))
    return found


def _reason() -> str:
    given = Why()
    if not given.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    return str(given.reason.data)


@renewals.post("/<uid>/late-money/decision")
@allow(May.REVIEW)
def decide_late(uid: str) -> BaseResponse:
    """Let a member choose although the money came very late, or ask for a new application."""
    row, reason = _late(uid), _reason()
    good = request.form.get("good") == "yes"
    with transaction():
        (late_money.allow if good else late_money.refuse)(row, by=me().person, reason=reason)
    return go("renewals.one", _("The member is told."), uid=uid)


@renewals.post("/<uid>/late-money/end")
@allow(May.CHASE_DEBTORS, May.DECIDE_APPEALS)
def release_late(uid: str) -> BaseResponse:
    """Note what was decided about the money of somebody who was expelled."""
    row, reason = _late(uid), _reason()
    with transaction():
        late_money.release(row, by=me().person, reason=reason)
    return go("renewals.one", _("Noted. The membership stays as it was."), uid=uid)


@renewals.post("/<uid>/credit-terms")
@allow(May.CHASE_DEBTORS)
def give_credit(uid: str) -> BaseResponse:
    """Let a member pay after the start of its terms."""
    row, reason = _one(uid), _reason()
    with transaction():
        credit_terms.give(row, by=me().person, reason=reason)
    return go("renewals.one", _("From now on this member pays after the start."), uid=uid)


@renewals.post("/<uid>/credit-terms/end")
@allow(May.CHASE_DEBTORS)
def end_credit(uid: str) -> BaseResponse:
    """Ask a member to pay before the start again."""
    row = _one(uid)
    with transaction():
        credit_terms.end(row, by=me().person)
    return go("renewals.one", _("From the next term on this member pays before the start."), uid=uid)


@renewals.post("/<uid>/extension")
@allow(May.CHASE_DEBTORS)
def extend(uid: str) -> Any:
    """Give an unpaid term more time before it suspends."""
    row, form = _one(uid), Until(prefix=MORE)
    term = credit_terms.unpaid_term(row)
    if term is None:
        raise Refused(_("No term of this member is unpaid."))
    if status := form.carry_out(
        lambda: credit_terms.extend(term, until=form.until.data, by=me().person, reason=form.reason.data)
    ):
        return _page(uid, more=form, status=status)
    return go("renewals.one", _("The term has more time."), uid=uid)
