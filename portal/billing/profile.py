"""The payer's own details: what new invoices say of it; those already issued keep what they said."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import Reader, me, signed_in
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.people_views import acting_for, required_org
from portal.billing import forms as f
from portal.billing import issuing, purchase_orders, saved_cards
from portal.billing.fapiao_forms import OrderNumber
from portal.billing.models import Party
from portal.billing.profile_checks import FAPIAO_FIELDS as FIELDS
from portal.billing.profile_checks import check_tax_number
from portal.billing.views import billing
from portal.core import audit
from portal.core.db import transaction
from portal.core.errors import Refused
from portal.core.web import go


def set_profile(party: Party, given: dict[str, str], *, by: Person) -> None:
    """Change what future invoices say of a payer; the audit keeps old and new of each field."""
    country = party.org.country if party.org is not None else ""
    new = {**given, "tax_number": check_tax_number(given["tax_number"], country)}
    changed = {
        name: [getattr(party, name), new[name]] for name in FIELDS if getattr(party, name) != new[name]
    }
    for name in changed:
        setattr(party, name, new[name])
    if changed:
        audit.record("party.profile_changed", party, by=by, org_id=party.org_id, changed=changed)


def _holder(reader: Reader, what: May) -> Organisation | Person:
    return required_org(reader, what) if acting_for(reader) is not None else reader.person


def _page(holder: Organisation | Person, form: f.Profile, status: int = 200) -> Any:
    reader = me()
    may_edit = not isinstance(holder, Organisation) or holder.id in reader.orgs(May.PAY)
    party = issuing.known_party(holder)
    card = saved_cards.card_of(party) if party is not None else None
    order_form = OrderNumber(formdata=None, data={"number": purchase_orders.standing(party) if party else ""})
    return render_template(
        "billing/profile.html", holder=holder, form=form, may_edit=may_edit, card=card, order_form=order_form
    ), status


@billing.get("/billing-details")
@signed_in
def profile() -> Any:
    """Show the details that invoices carry."""
    holder = _holder(me(), May.SEE_MONEY)
    party = issuing.known_party(holder)
    if party is not None:
        return _page(holder, f.Profile(obj=party))
    title = holder.legal_name if isinstance(holder, Organisation) else holder.name
    return _page(holder, f.Profile(data={"title": title, "address": getattr(holder, "address", "")}))


@billing.post("/billing-details")
@signed_in
def change_profile() -> BaseResponse | Any:
    """Change the details that invoices carry."""
    reader, form = me(), f.Profile()
    holder = _holder(reader, May.PAY)
    if not form.validate_on_submit():
        return _page(holder, form, 422)
    try:
        with transaction():
            given = {name: getattr(form, name).data or "" for name in FIELDS}
            set_profile(issuing.party_of(holder), given, by=reader.person)
    except Refused as refusal:
        form.refused(refusal)
        return _page(holder, form, refusal.status)
    return go("billing.profile", str(_l("Saved. Invoices issued from now on carry these details.")))
