"""What lies on the demo's finance desk: transfers nobody knows or paid too much, a refund, a dispute, a payout."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import (
    crediting,
    disputes,
    exchange,
    gateway,
    hand,
    inbox,
    online,
    payouts,
    practice,
    refunds,
    settling,
)
from portal.billing.checkout_models import CheckoutAttempt, PracticeSession
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt, ReceiptEntry
from portal.billing.note_models import NoteKind
from portal.billing.sessions import Disputed, Moved, PaidOut
from portal.core import clock, outbox
from portal.core.db import db, transaction
from portal.core.money import Money
from portal.members.models import Application

ONLINE = ("inkspring", "dawn-models")
CARD_BP = 340
Who = Callable[[str], Person]


def _arrive(who: Who, day: date, ref: str, amount: Money, payer: str, text: str) -> int:
    """Let a transfer arrive that one of finance writes down and the other confirms; return its receipt's id."""
    with clock.stopped_at(day), transaction():
        entry = settling.propose_receipt(
            bank_ref=ref, amount=amount, received_on=day, payer=payer, text=text, by=who("finance")
        )
        number = entry.id
    with clock.stopped_at(day), transaction():
        return settling.confirm_receipt(db.session.get_one(ReceiptEntry, number), by=who("finance2")).id


def pay_online(day: date, case: int) -> None:
    """Let a firm pay its dues through the test gateway."""
    with clock.stopped_at(day):
        with transaction():
            invoice = db.session.get_one(Application, case).invoice
            number = invoice.id if invoice is not None else 0
        online.begin(db.session.get_one(Invoice, number))
        with transaction():
            newest = select(CheckoutAttempt.session_id).where(CheckoutAttempt.invoice_id == number)
            session = db.session.scalars(newest).one() or ""
            row = db.session.scalars(
                select(PracticeSession).where(PracticeSession.session_id == session)
            ).one()
            practice.play(row, "pay")
        inbox.keep(
            {
                "id": f"evt_test_demo{number:06d}", "object": "event", "type": "checkout.session.completed",
                "livemode": False, "data": {"object": {"id": session, "object": "checkout.session"}},
            }
        )  # fmt: skip
        outbox.drain("demo")


def _payments() -> list[Receipt]:
    found = select(Receipt).where(Receipt.provider == gateway.TEST).order_by(Receipt.id)
    return list(db.session.scalars(found))


def _provider(today: date) -> None:
    """Let the test gateway pay out what came through it, and a payer go to his bank."""
    lines = []
    for n, row in enumerate(_payments(), 1):
        fee = Money(-(-row.amount.minor * CARD_BP // 10000))
        name = f"txn_test_demo{n:06d}"
        lines.append(Moved(name, "charge", row.amount, fee, row.amount - fee, (row.provider_ref,)))
    total = sum((line.net for line in lines), Money(0))
    payouts.take_over(
        PaidOut("po_test_demo000001", total, today, "paid", live=False, lines=tuple(lines)),
        provider=gateway.TEST,
    )
    last = _payments()[-1]
    disputes.take_over(
        Disputed(
            "dp_test_demo000001", (last.provider_ref,), last.amount, "fraudulent", "needs_response",
            clock.now() + timedelta(days=7), live=False,
        )
    )  # fmt: skip


def fill(who: Who, today: date) -> None:
    """Put something of each kind on the desk."""
    open_one = select(Invoice).where(Invoice.state == InvoiceState.OPEN).order_by(Invoice.id)
    paid_one = select(Invoice).where(Invoice.state == InvoiceState.PAID, Invoice.gross > Money(0))
    with clock.stopped_at(today), transaction():
        waiting = db.session.scalars(open_one).first()
        paid = db.session.scalars(paid_one.order_by(Invoice.id.desc())).first()
        owed = (waiting.gross, waiting.buyer_name) if waiting else (Money(2_000_000), "松塔科技有限公司")
        twice = (paid.buyer_name, paid.reference) if paid else ("松塔科技有限公司", "")
    with clock.stopped_at(today), transaction():
        _provider(today)
    _arrive(who, today, "DEMO-000001", owed[0], owed[1], "会费")
    _arrive(who, today, "DEMO-000002", Money(1_234_500), "松塔贸易有限公司", "货款 合同 2026-118")
    over = _arrive(who, today, "DEMO-000003", Money(200_000), twice[0], f"会费 {twice[1]}")
    with clock.stopped_at(today), transaction():
        receipt = db.session.get_one(Receipt, over)
        to = refunds.Payee(receipt.payer, "示例银行北京分行", "0000 1111 2222 3333")
        refunds.request_refund(
            receipt, receipt.amount, by=who("finance2"), reason="重复支付，付款方要求退回。", payee=to
        )
    _books(who, today)


def _books(who: Who, today: date) -> None:
    """Issue a credit note and propose another, write an entry by hand, load a rate."""
    paid = select(Invoice).where(
        Invoice.state == InvoiceState.PAID, Invoice.gross > Money(0), ~Invoice.reversed
    )
    with clock.stopped_at(today), transaction():
        first, second = list(db.session.scalars(paid.order_by(Invoice.id).limit(2)))
        line = first.lines[0]
        note = crediting.propose_note(
            first, NoteKind.PRICE_ADJUSTMENT, by=who("finance"), reason="首年服务内容减少，双方同意下调会费。",
            nets={line.id: Money(line.net.minor // 20)},
        )  # fmt: skip
        crediting.issue_note(note, by=who("finance2"))
        crediting.propose_note(
            second, NoteKind.TERMINATION, by=who("finance2"), reason="会员提前退出。", last_day=today
        )
        hand.propose_entry(
            today,
            [("6602", Money(3_600)), ("1002", Money(-3_600))],
            by=who("finance2"),
            reason="本季度银行账户管理费。",
        )
        exchange.load_rate("USD", today, "7.1043", source="中国外汇交易中心", by=who("finance").name)
