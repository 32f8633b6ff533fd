"""Operations about renewals: what comes after a term, for the organisation's programs."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.may import May
from portal.accounts.scopes import Scope
from portal.core.api import TOKEN_PROBLEMS, Answer, OneRow, Uid, responses, told
from portal.core.errors import Missing
from portal.members import renewal_queries
from portal.members.access import own_membership
from portal.members.profile_api import TOKEN, own_org, profiles
from portal.members.renewal_models import OfferState, RenewalOffer
from portal.members.renewal_queries import lapse_day
from portal.members.standing import Standing


class OfferAnswer(Answer):
    """An offer: `[start, end)` at a tier; `amount` and `invoice` only for tokens that may see money."""

    id: Uid
    state: OfferState
    tier: str
    start: date
    end: date
    amount: int | None
    currency: str
    invoice: Uid | None
    confirmed: bool
    pay_before: date


class RenewalAnswer(Answer):
    """Where a membership stands: standing today, the term's end, from which day it can be renewed, the newest offer."""

    standing: Standing
    term_end: date | None
    renewable_from: date | None
    offer: OfferAnswer | None


def _offer(row: RenewalOffer, *, money: bool) -> OfferAnswer:
    return OfferAnswer(
        id=row.uid, state=row.state, tier=row.tier, start=row.start, end=row.end,
        amount=row.amount.minor if money else None, currency=row.amount.currency,
        invoice=row.invoice.uid if money and row.invoice is not None else None,
        confirmed=row.confirmed_at is not None, pay_before=lapse_day(row),
    )  # fmt: skip


@profiles.get(
    "/organisations/<uid>/renewal", operation_id="get_renewal", summary=str(_l("What comes after the present term")),
    responses=responses(*TOKEN_PROBLEMS, ok=RenewalAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.PROFILE_READ)
def get_renewal(path: OneRow) -> Any:
    """404 for an organisation without a membership. `pay_before` is the first day on which money comes too late."""
    org = own_org(path.uid, May.SEE_ORG)
    row = own_membership(org.id)
    if row is None:
        raise Missing(_l("There is no membership to renew yet."))
    term = renewal_queries.last_term(row)
    offer = renewal_queries.open_offer(row) or renewal_queries.last_offer(row)
    return told(
        RenewalAnswer(
            standing=row.standing,
            term_end=term.end if term is not None else None,
            renewable_from=renewal_queries.act_day(term, "offer") if term is not None else None,
            offer=_offer(offer, money=org.id in me().orgs(May.SEE_MONEY)) if offer is not None else None,
        )
    )
