"""Service credits: what a level gives back for promises that were missed in a month, proposed to finance as a credit note.

credit = half_up(net of the month × per cent a miss × misses, 100), at most the level's share of the month's net; the net of
a month is that of the paid period by its days: half_up(net × days of the month within it, days of the period).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing import crediting as notes
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, Party
from portal.billing.note_models import CreditNote, NoteKind
from portal.billing.price_models import PriceVersion, Product
from portal.billing.subscription_models import Subscription, SubscriptionPeriod
from portal.core import audit, catalogue, periods
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money, half_up
from portal.services.support import monthly
from portal.services.support.monthly_models import SupportReport


@dataclass(frozen=True, slots=True)
class Owed:
    """What a month's misses come to: on which line of which invoice, net."""

    missed: int
    line: InvoiceLine
    net: Money


def _rule(report: SupportReport) -> dict[str, Any] | None:
    level = catalogue.entries("support_level", on=report.month).get(report.level)
    found: dict[str, Any] | None = (level or {}).get("credit")
    return found


def _period(report: SupportReport) -> SubscriptionPeriod | None:
    """Return the paid period in which a report's month ends."""
    products = catalogue.entry("support_level", report.level, on=report.month)["products"]
    last = periods.nth(report.month, 1, 1)
    rows = (
        select(SubscriptionPeriod)
        .join(Subscription)
        .join(Party, Subscription.party_id == Party.id)
        .join(PriceVersion, SubscriptionPeriod.price_id == PriceVersion.id)
        .join(Product, PriceVersion.product_id == Product.id)
        .join(Invoice, SubscriptionPeriod.invoice_id == Invoice.id)
        .where(
            Party.org_id == report.org_id, Product.code.in_(products), Invoice.state == InvoiceState.PAID,
            SubscriptionPeriod.start < last, SubscriptionPeriod.end >= last,
        )
        .order_by(SubscriptionPeriod.id)
    )  # fmt: skip
    return db.session.scalars(rows).first()


def amount(net: int, inside: int, days: int, missed: int, *, percent: int, most: int) -> int:
    """Return the credit in fen for `missed` promises of a month that lies `inside` days in a period of `days` and `net`."""
    month = half_up(net * inside, days)
    return min(half_up(month * percent * missed, 100), half_up(month * most, 100))


def owed(report: SupportReport) -> Owed | None:
    """Return what a month's misses come to; None where the level gives nothing back or nothing was missed."""
    rule, said = _rule(report), monthly.body(report)
    missed = said["judged"] - said["kept"]
    period = _period(report) if rule and missed else None
    if rule is None or period is None:
        return None
    line = db.session.scalars(select(InvoiceLine).where(InvoiceLine.order_line_id == period.line_id)).first()
    if line is None:
        return None
    start, end = max(period.start, report.month), min(period.end, periods.nth(report.month, 1, 1))
    net = amount(
        line.net.minor, (end - start).days, (period.end - period.start).days, missed,
        percent=int(rule["percent"]), most=int(rule["most"]),
    )  # fmt: skip
    return Owed(missed, line, Money(net)) if net else None


def propose(report: SupportReport, *, by: Person) -> CreditNote:
    """Propose the credit of a month to finance, once; a second person of finance issues it."""
    row = db.session.scalars(
        select(SupportReport).where(SupportReport.id == report.id).with_for_update(of=SupportReport)
    ).one()
    if row.credit_id is not None:
        raise Refused(_l("The credit of this month is proposed already."))
    found = owed(row)
    if found is None:
        raise Refused(_l("Nothing is to be given back for this month."))
    reason = f"{row.level} {row.month:%Y-%m}: {found.missed}"
    note = notes.propose_note(
        found.line.invoice, NoteKind.PRICE_ADJUSTMENT, by=by, reason=reason, nets={found.line.id: found.net}
    )
    row.credit = note
    audit.record("support.credit", row, by=by, org_id=row.org_id, amount=note.gross, misses=found.missed)
    return note
