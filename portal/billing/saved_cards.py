"""Cards on file: kept only by the payer's own tick, forgotten when he says so."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import attempts, gateway, gateway_books, letters
from portal.billing.checkout_models import CheckoutAttempt
from portal.billing.models import Party
from portal.billing.provider_models import SavedCard
from portal.billing.sessions import Session
from portal.core import audit, catalogue, clock, outbox
from portal.core.db import db, let_go
from portal.core.errors import Refused


def offered() -> bool:
    """Whether payers may have their card kept here: the setting is off unless finance turns it on."""
    return gateway.which() == gateway.STRIPE and bool(catalogue.policy("online.saved_cards"))


def card_of(party: Party) -> SavedCard | None:
    """Return the card a party has on file."""
    mine = select(SavedCard).where(SavedCard.party_id == party.id, SavedCard.removed_at.is_(None))
    return db.session.scalars(mine).first()


def customer_of(party: Party) -> str:
    """Return by which name the provider knows a party with a card on file."""
    card = card_of(party)
    return card.customer if card is not None else ""


def keep(party: Party, found: Session) -> None:
    """Keep the card that just paid; it takes the place of the one before."""
    before = card_of(party)
    if before is not None and before.method == found.method:
        return
    if before is not None:
        _drop(before)
    card = SavedCard(party=party, customer=found.customer, method=found.method, words=found.card[:80])
    db.session.add(card)
    db.session.flush()
    audit.record("card.kept", card, by="payment page", org_id=party.org_id, card=card.words)


def _drop(card: SavedCard) -> None:
    card.removed_at = clock.now()
    db.session.flush()
    outbox.queue("forget_card", f"forget_card:{card.uid}", {"method": card.method})


def remove(card: SavedCard, *, by: Person) -> None:
    """Forget a card, here and at the provider."""
    if card.removed_at is not None:
        raise Refused(_l("This card is not kept any more."))
    _drop(card)
    card.removed_by = by
    audit.record("card.removed", card, by=by, org_id=card.party.org_id, card=card.words)


@outbox.handles("forget_card", _l("Card to forget"))
def _forget(item: outbox.Claim) -> None:
    let_go()
    gateway_books.forget_card(item.payload["method"])


def failed(attempt: CheckoutAttempt) -> None:
    """Tell the payer that his card did not pay, with the page where he can; close what waits for him there."""
    if attempt.session_id:
        attempts.close_session(attempt.session_id)
    letters.card_failed(attempt.invoice, attempt.uid, why=attempt.why)
