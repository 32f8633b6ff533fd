"""Subscriptions that fall due together, renewed and paid by the verbs of the house."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.billing.catalogue import price_of
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Way
from portal.billing.price_models import PriceVersion
from portal.billing.settling import put_on, record_receipt
from portal.billing.subscribing import renew as renew_one
from portal.billing.subscription_models import Renewal, Subscription, SubscriptionPeriod
from portal.core import clock, periods
from portal.core.db import db, let_go, transaction

LEAD, BATCH = 30, 500


def subscribed(count: int) -> list[int]:
    """Write companies whose year ends in ten days; return the numbers of their subscriptions."""
    anchor = periods.nth(clock.today() + timedelta(days=10), 12, -1)
    for start in range(0, count, BATCH):
        with transaction():
            price = db.session.get_one(PriceVersion, price_of("dues.silver").id)
            for n in range(start, min(count, start + BATCH)):
                org = Organisation(legal_name=f"续费{n:06d}号科技有限公司", legal_key=f"CN:RENEW{n:09d}")
                db.session.add(
                    Subscription(
                        party=Party(org=org), price=price, quantity=1, anchor=anchor, months=12,
                        renewal=Renewal.KEEP, lead_days=LEAD, language="zh_Hans_CN",
                    )
                )  # fmt: skip
        let_go()
    return list(db.session.scalars(select(Subscription.id).order_by(Subscription.id)))


def renew(numbers: list[int]) -> list[int]:
    """Renew each in a transaction of its own; return the numbers of their invoices."""
    for number in numbers:
        with transaction():
            if not renew_one(number):
                raise SystemExit(f"subscription {number} was not due")
        let_go()
    made = select(SubscriptionPeriod.invoice_id).where(SubscriptionPeriod.subscription_id.in_(numbers))
    found = [number for number in db.session.scalars(made) if number is not None]
    let_go()
    return found


def settle(bills: list[int]) -> None:
    """Let the whole of each invoice arrive by the bank, in a transaction of its own."""
    for number in bills:
        with transaction():
            bill = db.session.get_one(Invoice, number)
            receipt, _new = record_receipt(
                Way.BANK, "bench", f"bench:{number}", bill.gross, clock.today(), payer=bill.buyer_name,
                party=bill.party, by="bench",
            )  # fmt: skip
            if put_on(receipt, bill, by="bench") != bill.gross:
                raise SystemExit(f"invoice {number} was not paid")
        let_go()
