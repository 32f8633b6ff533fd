"""What licences hear of money and membership. Each may come twice, late or out of order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from portal.accounts.merging import OrganisationsMerged
from portal.billing import issuing
from portal.billing.events import CreditNoteIssued, DunningStepReached, InvoiceReversed, InvoiceSettled
from portal.billing.ladder import BLOCK_SERVICE
from portal.billing.models import Invoice
from portal.billing.note_models import NoteKind
from portal.core import clock
from portal.core.db import db
from portal.core.states import move
from portal.members.events import CreditTermsGiven, StandingChanged, TermEnded, TermOpened, TierChanged
from portal.services.licences import arrears, contracts, deal_letters, following, life, moving, taking
from portal.services.licences.kinds import ClosedWhy
from portal.services.licences.locking import lock
from portal.services.licences.models.deal import DealKind, DealState, LicenceQuote, LicenceQuoteLine
from portal.services.licences.models.licence import Licence

D = DealState


def billed(invoice: Invoice) -> LicenceQuote | None:
    """Return what of licences an invoice is over, if it was issued for it alone."""
    kind, _colon, number = invoice.billed_subject.partition(":")
    return db.session.get(LicenceQuote, int(number)) if kind == LicenceQuote.__tablename__ else None


def collected_on(invoice: Invoice) -> list[LicenceQuote]:
    """Return the small increases on an invoice over several."""
    lines = [one.order_line_id for one in invoice.lines]
    mine = select(LicenceQuoteLine.quote_id).where(LicenceQuoteLine.order_line_id.in_(lines))
    rows = select(LicenceQuote).where(LicenceQuote.id.in_(mine), LicenceQuote.kind == DealKind.COLLECTED)
    return list(db.session.scalars(rows.order_by(LicenceQuote.id)))


def on_settled(event: InvoiceSettled) -> None:
    """Let what was bought take effect, give nodes back that were closed unpaid, lift the hold of arrears."""
    quote = billed(event.invoice)
    if quote is not None:
        taking.take_effect(quote, by="payment")
    else:
        for one in collected_on(event.invoice):
            taking.give_again(one, by="payment")
    arrears.forget(event.invoice)


def on_reversed(event: InvoiceReversed) -> None:
    """Give up an order whose invoice was taken back; what was in effect ends now, without grace."""
    quote = billed(event.invoice)
    for one in [quote] if quote is not None else collected_on(event.invoice):
        if not taking.drop(one, by="reversal", reason=deal_letters.REVERSED):
            _end(one)
    arrears.forget(event.invoice)


def _end(quote: LicenceQuote) -> None:
    lock(quote.licence_id)
    fresh = taking.locked(quote.id)
    if fresh.state is not D.DONE:
        return
    for one in fresh.lines:
        term = contracts.term_of(one.order_line) if one.order_line is not None else None
        if term is not None and term.closed_at is None:
            life.close_term(term, clock.now(), ClosedWhy.CREDIT_NOTE, by="credit note")
    move(fresh, D.DROPPED)
    db.session.flush()
    following.look_again(fresh.licence)


def on_credit_note(event: CreditNoteIssued) -> None:
    """Close the terms that a termination ends on their last day served; there is no grace after a credit note."""
    note = event.note
    if note.kind is not NoteKind.TERMINATION or note.last_day is None:
        return
    over = clock.start_of(note.last_day + taking.DAY)
    for one in note.lines:
        term = contracts.term_of(one.order_line)
        if term is not None and term.closed_at is None and over < term.ends_at:
            life.close_term(term, over, ClosedWhy.CREDIT_NOTE, by="credit note")


def on_dunned(event: DunningStepReached) -> None:
    """Suspend for arrears what a person confirmed: nothing is suspended by a date alone."""
    if event.action == BLOCK_SERVICE:
        arrears.suspend(event.invoice)


def on_credit_given(event: CreditTermsGiven) -> None:
    """Let orders begin that waited for their money, now that finance lets the organisation pay later."""
    rows = (
        select(LicenceQuote)
        .join(Licence, Licence.id == LicenceQuote.licence_id)
        .where(Licence.org_id == event.membership.org_id, LicenceQuote.state == D.ORDERED)
        .order_by(LicenceQuote.id)
    )
    for one in db.session.scalars(rows).all():
        if one.invoice_id is not None:
            issuing.locked(one.invoice_id)
        taking.take_effect(one, by="credit terms")


def on_term_opened(event: TermOpened) -> None:
    """Give a member the licences of its tier."""
    following.follow(event.term.membership)


def on_term_ended(event: TermEnded) -> None:
    """Close what a membership term gave where it ends early."""
    following.follow(event.ending.term.membership)


def on_tier_changed(event: TierChanged) -> None:
    """Close the nodes of one tier and open those of another on the same day."""
    following.follow(event.membership)


def on_standing_changed(event: StandingChanged) -> None:
    """Hold or wake what lives by the membership's rights."""
    following.follow(event.membership)


def on_merged(event: OrganisationsMerged) -> None:
    """Let the licences of a duplicate belong to the entry that is kept, as far as it has none for the tool."""
    moving.on_merged(event.merge)


REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (InvoiceSettled, on_settled), (InvoiceReversed, on_reversed), (CreditNoteIssued, on_credit_note),
    (DunningStepReached, on_dunned), (CreditTermsGiven, on_credit_given), (TermOpened, on_term_opened),
    (TermEnded, on_term_ended), (TierChanged, on_tier_changed), (StandingChanged, on_standing_changed),
)  # fmt: skip
