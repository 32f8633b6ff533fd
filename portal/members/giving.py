"""Terms opened by hand: settled elsewhere, complimentary or for life; long back-dated or free ones take two people."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l

from portal.accounts.people import Person
from portal.billing.catalogue import price_of
from portal.core import catalogue, clock
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.periods import nth
from portal.members import leaving_letters, terms
from portal.members.belonging import Membership, Term, TermKind

K = TermKind
BY_HAND = (K.NEW, K.RENEWAL, K.REINSTATEMENT, K.COMPLIMENTARY, K.LIFETIME)
FREE = (K.COMPLIMENTARY, K.LIFETIME)
MOST_MONTHS = 120


def takes_two(kind: TermKind, start: date) -> bool:
    """Whether a second person confirms: for complimentary and lifetime terms, and beyond the days back that one may."""
    days = int(catalogue.policy("backdate.single_days"))
    return kind in FREE or (clock.today() - start).days > days


def why_not(kind: TermKind, tier: str, start: date, months: int, charged: Money) -> Refused | None:
    """Return what is wrong with what was asked for; None if nothing is."""
    if kind not in BY_HAND:
        return Refused(_l("Please choose one of the list."), field="kind", status=422)
    if tier not in catalogue.entries("tier"):
        return Refused(_l("Please choose one of the list."), field="tier", status=422)
    if kind is not K.LIFETIME and not 1 <= months <= MOST_MONTHS:
        return Refused(_l("Please give the length in months, from 1 to 120."), field="months", status=422)
    if charged < Money(0) or (kind in FREE and charged):
        return Refused(_l("Nothing is charged for such a term."), field="charged", status=422)
    if not date(1990, 1, 1) <= start <= nth(clock.today(), 12, 2):
        return Refused(_l("This day lies too far away."), field="start", status=422)
    return None


def open_by_hand(
    membership: Membership, *, kind: TermKind, tier: str, start: date, months: int, charged: Money, by: Person,
    reason: str, second: Person | None = None,
) -> Term:  # fmt: skip
    """Open a term that no invoice of ours covers; `second` is who confirmed it where one alone may not."""
    if wrong := why_not(kind, tier, start, months, charged):
        raise wrong
    if takes_two(kind, start) and second is None:
        raise Refused(_l("A second person must confirm such a term."))
    if terms.expelled(membership.org):
        raise Refused(_l("The member is expelled: nothing revives the membership while the bar runs."))
    free = kind in FREE
    made = terms.open_term(
        membership, kind=kind, tier=tier, start=start, months=months,
        price=Money(0) if free else _price(tier, charged), charged=charged, cover="waiver" if free else "elsewhere",
        invoice=None, by=by, second=second.name if second else "", reason=reason[:300],
    )  # fmt: skip
    leaving_letters.opened(membership, made)
    return made


def _price(tier: str, charged: Money) -> Money:
    """Return the price of a tier's whole period today; what was charged where it has no price."""
    product = catalogue.entry("tier", tier).get("product")
    try:
        return price_of(product).amount if product else charged
    except (KeyError, Refused):
        return charged
