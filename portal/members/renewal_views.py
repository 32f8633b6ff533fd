"""The member's side of renewing: what is offered and what it costs, confirm, pay, and the choice after late money."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import contacts
from portal.accounts.access import Reader, allow, me
from portal.accounts.may import ContactRole, May
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.people_views import acting_for, required_org
from portal.billing import issuing, purchase_orders
from portal.billing.models import InvoiceState
from portal.billing.saved_cards import card_of, offered
from portal.core import clock
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go
from portal.members import late_money, renewal_queries, renewing, wall
from portal.members.access import own_membership
from portal.members.belonging import Membership
from portal.members.home import member
from portal.members.renewal_forms import Confirm
from portal.members.renewal_models import LateState, RenewalOffer

CHOICES = (LateState.CONTINUOUS, LateState.FRESH)


def _row(*any_of: May) -> Membership:
    """Return the membership of the organisation the reader acts for, if he may do one of these there."""
    reader = me()
    org = acting_for(reader)
    what = next((one for one in any_of if org is not None and org.id in reader.orgs(one)), any_of[0])
    row = own_membership(required_org(reader, what).id)
    if row is None:
        raise Missing(_("There is no membership to renew yet."))
    return row


def _offer(*any_of: May) -> RenewalOffer:
    found = renewal_queries.open_offer(_row(*any_of))
    if found is None:
        raise Missing(_("Nothing is offered at the moment."))
    return found


@member.get("/membership/renewal")
@allow(May.SEE_ORG)
def renewal() -> Any:
    """Show what comes after the term: price, invoice, what is still to be confirmed, or the choice after late money."""
    return _page(_row(May.SEE_ORG))


def _page(row: Membership, form: Confirm | None = None, status: int = 200) -> Any:
    reader, org = me(), row.org
    g.nav = "member.membership"
    offer = renewal_queries.open_offer(row) or renewal_queries.last_offer(row)
    money = reader.may(May.SEE_MONEY, org.id)
    late = late_money.waiting(row)
    party = issuing.known_party(org)
    number = purchase_orders.standing(party) if party is not None else ""
    return render_template(
        "member/renewal.html", org=org, membership=row, offer=offer, term=renewal_queries.last_term(row), late=late,
        ways=late_money.ways(late) if late is not None and late.state is LateState.ASKED else {},
        choose_by=late_money.last_day_to_choose(late) if late is not None else None,
        form=form or Confirm(formdata=None, data={"number": number}), sees_money=money,
        owed=issuing.owed(offer.invoice) if money and offer is not None and offer.invoice is not None else None,
        card=card_of(party) if money and party is not None and offered() else None, tier_name=wall.tier_name,
        missing=contacts.missing(org, row.tier), first=_first(row), today=clock.today(),
        lapses=renewal_queries.lapse_day(offer) if offer is not None else None,
        people=_people(org), may=_may(reader, org),
    ), status  # fmt: skip


def _may(reader: Reader, org: Organisation) -> dict[str, bool]:
    verbs = {"ask": May.SUBMIT, "pay": May.PAY, "people": May.MANAGE_PEOPLE}
    return {name: org.id in reader.orgs(what) for name, what in verbs.items()}


def _first(row: Membership) -> date | None:
    """Return the day from which the last term can be renewed."""
    term = renewal_queries.last_term(row)
    return renewal_queries.act_day(term, "offer") if term is not None else None


def _people(org: Organisation) -> list[tuple[str, list[ContactRole]]]:
    """Return who hears about the renewal: each name once, with the roles."""
    roles = (ContactRole.BILLING, ContactRole.REPRESENTATIVE, ContactRole.OWNER, ContactRole.SIGNATORY)
    found: dict[Person, list[ContactRole]] = {}
    for role in roles:
        for person in contacts.holders(org, role):
            found.setdefault(person, []).append(role)
    return [(person.name, held) for person, held in found.items()]


@member.post("/membership/renewal/offer")
@allow(May.SUBMIT)
def ask_renewal() -> BaseResponse:
    """Ask for the next term before the portal offers it by itself."""
    term = renewal_queries.last_term(_row(May.SUBMIT))
    if term is None:
        raise Refused(_("This term is not renewed: it was ended, has no end, or is followed by another one."))
    with transaction():
        renewing.offer(term, by=me().person)
    return go("member.renewal", _("Here is your offer. You can have the invoice at once."))


@member.post("/membership/renewal/confirmation")
@allow(May.SUBMIT, May.PAY)
def confirm_renewal() -> Any:
    """Confirm tier and contacts, and give the order number that the invoice is to name."""
    offer, form = _offer(May.SUBMIT, May.PAY), Confirm()
    if not form.validate_on_submit():
        return _page(offer.membership, form, 422)
    person = me().person
    with transaction():
        renewing.confirm(offer, by=person)
        paid = offer.invoice
        if paid is not None and paid.state is InvoiceState.OPEN:
            purchase_orders.give(paid, form.number.data or "", by=person)
        else:
            purchase_orders.give_standing(
                issuing.party_of(offer.membership.org), form.number.data or "", by=person
            )
    return go("member.renewal", _("Thank you. That is all we need to know."))


@member.post("/membership/renewal/invoice")
@allow(May.PAY)
def bill_renewal() -> BaseResponse:
    """Have the invoice issued now, before its day."""
    offer = _offer(May.PAY)
    with transaction():
        made = renewing.invoice(offer, by=me().person)
    return go("billing.invoice", _("Here is your invoice."), uid=made.uid)


@member.post("/membership/renewal/choice")
@allow(May.SUBMIT, May.PAY)
def choose_way() -> BaseResponse:
    """Choose how the membership goes on after money that came late."""
    late = late_money.waiting(_row(May.SUBMIT, May.PAY))
    how = next((one for one in CHOICES if one.value == request.form.get("how")), None)
    if late is None or how is None:
        raise Refused(_("Please choose one of the two ways."), status=422)
    with transaction():
        late_money.choose(late, how, by=me().person)
    return go("member.renewal", _("Done. Welcome back."))
