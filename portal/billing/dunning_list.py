"""Where many invoices stand with their reminders, in a few statements however long the list is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import or_, select

from portal.billing import ladder
from portal.billing.checkout_models import PaymentAlert, Trouble
from portal.billing.dunning import DISPUTED, FAPIAO, HELD
from portal.billing.dunning_models import DunningHold, DunningNotice
from portal.billing.fapiao_models import Fapiao, FapiaoPart, FapiaoState
from portal.billing.models import Invoice
from portal.billing.money_models import Allocation
from portal.billing.queries import owed_sql
from portal.core import clock
from portal.core.db import db


def standing(invoices: Sequence[Invoice]) -> list[dict[str, Any]]:
    """Return for each open invoice: what is owed, days late, steps so far, the next one, and what holds it."""
    ids, today = [row.id for row in invoices], clock.today()
    sums = select(Invoice.id, owed_sql()).where(Invoice.id.in_(ids))
    owed = {number: amount for number, amount in db.session.execute(sums)}  # noqa: C416 - rows are typed so
    notices: dict[int, list[DunningNotice]] = defaultdict(list)
    reached = select(DunningNotice).where(DunningNotice.invoice_id.in_(ids)).order_by(DunningNotice.place)
    for notice in db.session.scalars(reached):
        notices[notice.invoice_id].append(notice)
    held = _held(ids, today)
    return [
        {
            "invoice": row,
            "owed": owed[row.id],
            "days": (today - row.due_on).days if row.due_on else 0,
            "notices": notices[row.id],
            "held": held.get(row.id),
            **_climb(row, notices[row.id], today),
        }
        for row in invoices
    ]


def _climb(row: Invoice, notices: list[DunningNotice], today: date) -> dict[str, Any]:
    steps = ladder.steps_of(row)
    last = max((one.place for one in notices), default=-1)
    due_on, issued_on = row.due_on or today, row.issued_on or today
    step = ladder.upcoming(steps, due_on=due_on, issued_on=issued_on, last=last)
    return {
        "climbs": row.ladder != ladder.NEVER,
        "names": {one.code: one.words for one in steps},
        "next": (step, max(step.day(due_on), today)) if step is not None else None,
    }


def _held(ids: list[int], today: date) -> dict[int, object]:
    """Return what holds which invoice, the word of a person before what the books say."""
    waits = (
        select(FapiaoPart.invoice_id)
        .join(Fapiao)
        .where(
            FapiaoPart.invoice_id.in_(ids),
            Fapiao.state.in_([FapiaoState.REQUESTED, FapiaoState.RED_REQUESTED]),
        )
    )
    found: dict[int, object] = dict.fromkeys(db.session.scalars(waits), FAPIAO)
    paid = (
        select(Allocation.receipt_id, Allocation.invoice_id).where(Allocation.invoice_id.in_(ids)).subquery()
    )
    disputes = (
        select(Invoice.id)
        .join(paid, paid.c.invoice_id == Invoice.id, isouter=True)
        .join(
            PaymentAlert,
            or_(PaymentAlert.invoice_id == Invoice.id, PaymentAlert.receipt_id == paid.c.receipt_id),
        )
        .where(
            Invoice.id.in_(ids),
            PaymentAlert.trouble == Trouble.DISPUTE,
            PaymentAlert.closed_at.is_(None),
        )
    )
    found |= dict.fromkeys(db.session.scalars(disputes), DISPUTED)
    holds = select(DunningHold).where(DunningHold.invoice_id.in_(ids), DunningHold.lifted_at.is_(None))
    found |= {
        one.invoice_id: HELD[one.kind]
        for one in db.session.scalars(holds)
        if one.until is None or one.until >= today
    }
    return found
