"""Attempts to pay online: at most one alive per invoice, and none for a sum that is no longer owed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.billing.checkout_models import AttemptState, CheckoutAttempt, PaymentAlert, Trouble
from portal.billing.models import Invoice
from portal.billing.money_models import Receipt
from portal.billing.provider_models import SavedCard
from portal.core import outbox
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.states import move

T = AttemptState
LIVE = (T.CREATING, T.OPEN, T.PROCESSING)


def live_of(invoice: Invoice) -> CheckoutAttempt | None:
    """Return the attempt of an invoice that is still alive."""
    return db.session.scalars(
        select(CheckoutAttempt).where(
            CheckoutAttempt.invoice_id == invoice.id, CheckoutAttempt.state.in_(LIVE)
        )
    ).first()


def latest_of(invoice: Invoice) -> CheckoutAttempt | None:
    """Return the newest attempt of an invoice."""
    return db.session.scalars(
        select(CheckoutAttempt)
        .where(CheckoutAttempt.invoice_id == invoice.id)
        .order_by(CheckoutAttempt.n.desc())
    ).first()


def new(
    invoice: Invoice, amount: Money, *, gateway: str, keep_card: bool = False, card: SavedCard | None = None
) -> CheckoutAttempt:
    """Write down that an invoice is going to be paid online; the index refuses a second one alive."""
    used = db.session.scalar(select(func.count()).where(CheckoutAttempt.invoice_id == invoice.id)) or 0
    made = CheckoutAttempt(
        invoice=invoice, n=used + 1, amount=amount, gateway=gateway, keep_card=keep_card, card=card
    )
    db.session.add(made)
    db.session.flush()
    return made


def lapse(invoice: Invoice, owed: Money) -> None:
    """End the live attempt of an invoice whose balance is another now; the provider is told by the outbox.

    One that is being processed stays, and so does a charge of a card on file: its money may be on the way, and what
    is too much becomes credit.
    """
    row = live_of(invoice)
    if row is None or row.amount == owed or row.state is T.PROCESSING or row.card_id is not None:
        return
    give_up(row)


def give_up(row: CheckoutAttempt) -> None:
    """End an attempt that nobody has paid, and have its session closed."""
    move(row, T.EXPIRED if row.state is T.OPEN else T.FAILED)
    db.session.flush()
    if row.session_id:
        close_session(row.session_id)


def close_session(session_id: str) -> None:
    """Have a session closed at the provider, once."""
    outbox.queue("expire_session", f"expire_session:{session_id}", {"id": session_id})


def by_uid(uid: str, *, lock: bool = False) -> CheckoutAttempt:
    """Return an attempt, perhaps under its lock; refused as missing if there is none."""
    statement = select(CheckoutAttempt).where(CheckoutAttempt.uid == uid)
    if lock:
        statement = statement.with_for_update(of=CheckoutAttempt).execution_options(populate_existing=True)
    row = db.session.scalars(statement).first()
    if row is None:
        raise Refused(_l("There is no such payment."), status=404)
    return row


def alert(
    key: str, trouble: Trouble, detail: str, *, invoice: Invoice | None = None, receipt: Receipt | None = None
) -> None:
    """Put something about a payment before the finance desk, once per key."""
    if db.session.scalar(select(PaymentAlert.id).where(PaymentAlert.key == key[:200])) is None:
        db.session.add(
            PaymentAlert(
                key=key[:200], trouble=trouble, detail=detail[:300], invoice=invoice, receipt=receipt
            )
        )
        db.session.flush()
