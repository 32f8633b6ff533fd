"""What lies on the demo's finance desk: a transfer nobody knows, one paid too much, a refund to approve."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import crediting, exchange, hand, refunds, settling
from portal.billing.models import Invoice, InvoiceState
from portal.billing.money_models import Receipt, ReceiptEntry
from portal.billing.note_models import NoteKind
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.money import Money

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


def fill(who: Who, today: date) -> None:
    """Put something of each kind on the desk."""
    open_one = select(Invoice).where(Invoice.state == InvoiceState.OPEN).order_by(Invoice.id)
    paid_one = select(Invoice).where(Invoice.state == InvoiceState.PAID, Invoice.gross > Money(0))
    with clock.stopped_at(today), transaction():
        waiting = db.session.scalars(open_one).first()
        paid = db.session.scalars(paid_one.order_by(Invoice.id.desc())).first()
        owed = (waiting.gross, waiting.buyer_name) if waiting else (Money(2_000_000), "松塔科技有限公司")
        twice = (paid.buyer_name, paid.reference) if paid else ("松塔科技有限公司", "")
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
