"""A change of tier: confirmed exactly as shown, in effect when covered, or dropped as if it had never been asked."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import issuing
from portal.billing.events import InvoiceReversed, InvoiceSettled
from portal.billing.models import Invoice
from portal.billing.quote_models import LineRole
from portal.core import audit, clock, outbox
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move
from portal.members import review, terms, tier_letters, tier_money, tier_plan, tier_quotes, tier_terms
from portal.members.belonging import Ending, Membership, Term
from portal.members.events import TermOpened, TierChanged
from portal.members.facts import facts_of
from portal.members.models import Application, ApplicationState
from portal.members.standing import EndingCause, in_force
from portal.members.tier_models import TierLine, TierQuote, TierQuoteState, When
from portal.members.tier_plan import Plan

S, T = ApplicationState, TierQuoteState
NONE = Money(0)


def _lock(quote: TierQuote) -> tuple[Application, TierQuote]:
    """Lock what a change touches: invoices first, as whoever settles one does, then case, member and preview."""
    tier_terms.lock(quote.membership, [quote.term, *(line.old_term for line in quote.lines)])
    application = review.locked(quote.application_id)
    terms.locked(quote.membership)
    return application, tier_quotes.locked_quote(quote.id)


def change_tier(quote: TierQuote, *, by: Person) -> TierQuote:
    """Confirm a preview: just this is invoiced. `Outdated` (409), before anything is written, if it moved.

    Up, the change waits for its money and then holds from the quoted day; with nothing to pay it holds at once.
    """
    application, fresh = _lock(quote)
    if fresh.state is not T.OFFERED or application.state is not S.APPROVED:
        raise Refused(_l("This preview is closed already: it was confirmed, or a newer one took its place."))
    tier_quotes.still_holds(fresh)
    _forget_earlier(fresh, by=by)
    move(fresh, T.CONFIRMED)
    fresh.confirmed_at, fresh.confirmed_by = clock.now(), by.name
    db.session.flush()
    audit.record(
        "tier.confirmed", application, by=by, org_id=application.org_id, number=fresh.number, gross=fresh.gross,
        tier=fresh.new_tier, day=fresh.effective_on,
    )  # fmt: skip
    tier_money.issue(fresh, by=by)
    application.invoice = fresh.invoice
    if not fresh.lines:
        _complete(application)
        tier_terms.offer_again(fresh.membership, fresh.term, by=by)
        tier_letters.chosen(fresh)
    elif fresh.gross <= NONE:
        take_effect(fresh)
    return fresh


def _forget_earlier(quote: TierQuote, *, by: Person) -> None:
    """Drop an earlier choice for the next term: the newer word counts."""
    earlier = select(TierQuote).where(
        TierQuote.membership_id == quote.membership_id, TierQuote.state == T.CONFIRMED,
        TierQuote.takes_effect == When.NEXT, TierQuote.id != quote.id,
    )  # fmt: skip
    for one in db.session.scalars(earlier).all():
        move(one, T.DROPPED)
        audit.record("tier.dropped", one.application, by=by, org_id=one.application.org_id, number=one.number)


def _billed(invoice: Invoice) -> TierQuote | None:
    """Return the preview that an invoice is of."""
    kind, _colon, number = invoice.billed_subject.partition(":")
    return db.session.get(TierQuote, int(number)) if kind == TierQuote.__tablename__ else None


def on_settled(event: InvoiceSettled) -> None:
    """Let a confirmed change take effect once its invoice is covered."""
    quote = _billed(event.invoice)
    if quote is not None and quote.invoice_id is not None:
        fulfil(quote)


def fulfil(quote: TierQuote) -> bool:
    """Split the terms of a confirmed change whose invoice is covered; one whose term has ended is dropped instead.

    Invoices are locked before the case: whoever settles holds one already, and two orders would deadlock.
    """
    application, fresh = _lock(quote)
    if fresh.state is not T.CONFIRMED or application.state is not S.APPROVED or fresh.invoice is None:
        return False
    if issuing.cover(fresh.invoice) not in {"settled", "waived"}:
        return False
    if not _possible(fresh):
        drop(application, by="fulfilment", reason="the term that was to change has ended")
        return False
    take_effect(fresh)
    return True


def _possible(quote: TierQuote) -> bool:
    """Whether the terms that a preview splits are still there on the quoted day, and nobody has ended them since."""
    facts = facts_of([quote.membership])[quote.membership_id]
    there = [in_force(facts, line.starts) for line in quote.lines]
    wanted = [line.old_term_id for line in quote.lines]
    found = [one.id if one is not None else None for one in there]
    return found == wanted and not tier_terms.ended(facts) & set(wanted)


def take_effect(quote: TierQuote) -> None:
    """Split each term of a preview on its day: the old one ends, the new one begins, and what was sold is agreed."""
    application = quote.application
    for line in quote.lines:
        if line.role is LineRole.CHARGE:
            line.new_term = _split(quote, line)
            tier_money.agree(line)
    move(quote, T.DONE)
    quote.done_at = clock.now()
    db.session.flush()
    last = next(line.new_term for line in reversed(quote.lines) if line.new_term is not None)
    tier_terms.offer_again(quote.membership, last, by=quote.confirmed_by)
    found = _paid_meanwhile(quote)
    if found is None:
        _complete(application)
    else:
        tier_letters.offered(
            application, tier_quotes.offer(tier_quotes.write(application, found, by="fulfilment"))
        )


def _paid_meanwhile(quote: TierQuote) -> Plan | None:
    """Return what a year ahead costs that was paid at the old tier after the preview was confirmed: it is asked for next."""
    try:
        _term, later = tier_terms.running(quote.membership, quote.effective_on)
        rest = next((one for one in later if one.tier == quote.old_tier), None)
        if rest is None:
            return None
        return tier_plan.plan(quote.membership, quote.new_tier, day=rest.start, when=When.NOW)
    except Refused:
        return None  # nothing can be computed now: the member asks for that year later


def _split(quote: TierQuote, line: TierLine) -> Term:
    old = line.old_term
    db.session.add(
        Ending(
            term=old, on=line.starts, cause=EndingCause.TIER_CHANGE, reason=quote.number,
            by_name=quote.confirmed_by,
        )
    )  # fmt: skip
    db.session.flush()
    # What was paid for the old term covers a change without an invoice of its own.
    invoice = quote.invoice if quote.gross > NONE else old.invoice
    covered = tier_terms.WAIVER if old.cover == "invoice" else old.cover
    return terms.open_term(
        quote.membership, kind=quote.kind, tier=quote.new_tier, start=line.starts, months=tier_terms.MONTHS,
        price=quote.yearly, charged=line.gross, cover="invoice" if line.gross else covered, invoice=invoice, by=quote.confirmed_by, anchor=old.anchor, k=old.k, end=line.ends,
    )  # fmt: skip


def _complete(application: Application) -> None:
    move(application, S.COMPLETED)
    application.closed_on = clock.today()
    audit.record("application.completed", application, by="fulfilment", org_id=application.org_id)


def drop(application: Application, *, by: Person | str, reason: str) -> Money:
    """End an approved change that will not be: its money is free again, the old tier's days are charged as before.

    The caller holds the locks of invoice and application, invoice first. Returns what became credit.
    """
    move(application, S.CLOSED)
    application.closed_on, application.close_reason = clock.today(), reason[:300]
    quote, freed = tier_quotes.last_quote(application), NONE
    if quote is not None and quote.state in {T.SHOWN, T.OFFERED, T.CONFIRMED}:
        was = quote.state
        move(quote, T.DROPPED)
        db.session.flush()
        if was is T.CONFIRMED:
            freed = tier_money.take_back(quote, by=by)
    audit.record(
        "application.closed", application, by=by, org_id=application.org_id, reason=reason, freed=freed
    )
    tier_letters.dropped(application, freed)
    return freed


def keep_tier(quote: TierQuote, *, by: Person) -> None:
    """Take a choice for the next term back before that term begins: the tier stays as it is."""
    _application, fresh = _lock(quote)
    if fresh.state is not T.CONFIRMED or fresh.lines:
        raise Refused(_l("There is no choice for the next membership year that could be taken back."))
    move(fresh, T.DROPPED)
    db.session.flush()
    audit.record(
        "tier.dropped", fresh.application, by=by, org_id=fresh.application.org_id, number=fresh.number
    )
    tier_terms.offer_again(fresh.membership, fresh.term, by=by)


def on_reversed(event: InvoiceReversed) -> None:
    """Close a change whose invoice finance took back before it was paid."""
    quote = _billed(event.invoice)
    if quote is None or quote.invoice_id != event.invoice.id:
        return
    application, fresh = _lock(quote)
    if fresh.state is T.CONFIRMED and application.state is S.APPROVED:
        drop(application, by="reversal", reason="the invoice was taken back")


def on_term_opened(event: TermOpened) -> None:
    """Tell of a new tier where a term follows another at once; a choice for the next term is done with it."""
    term = event.term
    before = _before(term)
    if before is None or before.tier == term.tier:
        return
    chosen = select(TierQuote).where(
        TierQuote.membership_id == term.membership_id, TierQuote.state == T.CONFIRMED,
        TierQuote.takes_effect == When.NEXT, TierQuote.effective_on == term.start,
        TierQuote.new_tier == term.tier,
    )  # fmt: skip
    for quote in db.session.scalars(chosen).all():
        if not quote.lines:
            move(quote, T.DONE)
            quote.done_at = clock.now()
    audit.record(
        "membership.tier_changed", term.membership, by=term.by_name, org_id=term.membership.org_id,
        old=before.tier, new=term.tier, start=term.start, kind=term.kind,
    )  # fmt: skip
    publish(TierChanged(term.membership, before.tier, term.tier, term.start))


def _before(term: Term) -> Term | None:
    """Return the term that held the day before a term began; on a membership's first day the one that it replaced."""
    facts = facts_of([term.membership])[term.membership_id]
    held = in_force(facts, term.start - timedelta(days=1))
    if held is not None:
        return db.session.get_one(Term, held.id)
    replaced = select(Term).join(Ending, Ending.term_id == Term.id).where(
        Term.membership_id == term.membership_id, Term.start == term.start, Ending.on == term.start,
        Ending.cause == EndingCause.TIER_CHANGE, Term.id != term.id,
    )  # fmt: skip
    return db.session.scalars(replaced.order_by(Term.id.desc())).first()


def on_tier_changed(event: TierChanged) -> None:
    """Write to the member, and make the certificate anew when the new tier has begun."""
    membership: Membership = event.membership
    key = f"membership_certificate:{membership.uid}:{event.new}:{event.on}"
    outbox.queue("membership_certificate", key, {"uid": membership.uid})
    tier_letters.changed(event)
