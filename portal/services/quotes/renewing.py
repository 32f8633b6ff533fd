"""The road to the next period of a service: told, quoted, reminded; renewed by a click, or by the customer's own tick."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import subscribing
from portal.billing.changing import Outdated
from portal.billing.subscription_models import Subscription, SubscriptionState
from portal.core import catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.rows import each, ids_of
from portal.services.offers import rows
from portal.services.quotes import accepting, drafting, sending, terms
from portal.services.quotes.deciding import rule
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import Q, QuoteFor, ServiceQuote
from portal.services.quotes.term_letters import ahead
from portal.services.quotes.term_models import ServiceTerm, ServiceTermStep

CHORE = "offer_service_renewals"


def ladder() -> list[int]:
    """Return the steps in days from the end of the period: told, quoted, then reminded."""
    told, quoted = -rule("renewal_announced"), -rule("renewal_quoted")
    return sorted({told, quoted, *(int(one) for one in catalogue.policy("service.renewal_ladder"))})


def offer_service_renewals() -> int:
    """Go on with every service whose period ends soon: quote it, tell of it, renew it by tick, let it end."""
    live = (
        select(ServiceTerm.id)
        .join(Subscription, ServiceTerm.subscription_id == Subscription.id)
        .where(Subscription.state != SubscriptionState.ENDED)
        .order_by(ServiceTerm.id)
    )
    return each(CHORE, ids_of(live), _go_on)


def _go_on(number: int) -> int:
    term = terms.locked(number)
    end, today = terms.last_period(term).end, clock.today()
    done = 0
    if term.subscription.state is SubscriptionState.ACTIVE:
        if today >= end - timedelta(days=rule("renewal_quoted")):
            done += _quote(term, end)
        done += _by_tick(term, end)
        if terms.last_period(term).end == end:
            done += _tell(term, end)
            done += _end(term, end)
    return done


def quote_for(term: ServiceTerm, end: date) -> ServiceQuote | None:
    """Return the newest quote for the period that begins on a day."""
    found = select(ServiceQuote).where(
        ServiceQuote.about == term.subject, ServiceQuote.kind == QuoteFor.RENEWAL
    )
    asked = db.session.scalars(found.order_by(ServiceQuote.id.desc())).all()
    return next((one for one in asked if any(line.starts == end for line in one.lines)), None)


def _quote(term: ServiceTerm, end: date) -> int:
    """Quote the next period at the price of the day, once; when prices or the standing moved, its next version goes out."""
    there = quote_for(term, end)
    if there is None:
        make(term, end, by=CHORE)
        return 1
    return int(there.state is Q.SENT and _moved(there))


def _moved(quote: ServiceQuote) -> bool:
    """Send the next version of a quote that no longer says what would be ordered; False if it still does."""
    try:
        accepting.still_holds(quote)
    except Outdated:
        fresh = drafting.revise(quote, by=CHORE)
        fresh.valid_days = max(1, ((quote.expires_on or clock.today()) - clock.today()).days)
        sending.send(fresh, by=CHORE)
        return True
    return False


def make(term: ServiceTerm, end: date, *, by: Person | str) -> ServiceQuote:
    """Write and send the quote for the period that begins on a day."""
    offer = rows.find(term.offer)
    if offer is None:
        raise Refused(_l("This offer is no longer sold: there is no next period."))
    left = (end - clock.today()).days
    quote = drafting.draft(
        term.subscription.party, [Ask(term.offer, quantity=term.subscription.quantity, starts=end)], by=by,
        title=offer.name, language=term.subscription.language, kind=QuoteFor.RENEWAL, about=term.subject,
        valid_days=max(1, left + grace()),
    )  # fmt: skip
    return sending.send(quote, by=by)


def grace() -> int:
    """Return for how many days after its period a service goes on while it is not renewed."""
    return int(catalogue.policy("support.grace_days"))


def _by_tick(term: ServiceTerm, end: date) -> int:
    """Accept the quote in the customer's name where he ticked that it renews by itself."""
    quote = quote_for(term, end)
    first = min((one for one in ladder() if one > -rule("renewal_quoted")), default=-30)
    if not term.by_itself or quote is None or quote not in terms.open_renewals(term):
        return 0
    if clock.today() < end + timedelta(days=first):
        return 0
    accepting.accept(quote, digest=quote.digest, by="offer_service_renewals")
    return 1


def _tell(term: ServiceTerm, end: date) -> int:
    """Write the steps that were reached; of the words only the latest is sent."""
    day = (clock.today() - end).days
    reached = [step for step in ladder() if step <= day]
    asked = select(ServiceTermStep.step).where(
        ServiceTermStep.term_id == term.id, ServiceTermStep.ends_on == end
    )
    there = set(db.session.scalars(asked))
    fresh = [step for step in reached if step not in there]
    if not fresh:
        return 0
    tell = fresh[-1] if fresh[-1] > max(there, default=min(fresh) - 1) else None
    for step in fresh:
        db.session.add(ServiceTermStep(term=term, ends_on=end, step=step, sent=step == tell))
    db.session.flush()
    if tell is not None:
        ahead(term, end, tell, quote_for(term, end))
    return 1 if tell is not None else 0


def _end(term: ServiceTerm, end: date) -> int:
    """Let a service end that nobody renewed within its grace."""
    if clock.today() < end + timedelta(days=grace()):
        return 0
    subscribing.end_subscription(term.subscription, by=CHORE)
    return 1
