"""Sellers and their rates: who reports, from when, and how many basis points hold in a month."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select, update

from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing.catalogue import Audience, Price, price_of
from portal.billing.months import first_of
from portal.billing.pricing import PriceModel
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.periods import nth
from portal.members import terms
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeRate, ComputeSeller, ComputeShare, ComputeStatement

PRODUCT = "compute.commission"


def locked(seller: ComputeSeller) -> ComputeSeller:
    """Return a seller under its lock: whatever is told, sent or agreed for it waits here in turn."""
    db.session.flush()
    db.session.execute(
        update(ComputeSeller)
        .where(ComputeSeller.id == seller.id)
        .values(turn=ComputeSeller.turn + 1)
        .execution_options(synchronize_session=False)
    )
    return db.session.get_one(ComputeSeller, seller.id, populate_existing=True)


def begin(org: Organisation, *, since: date, contract: str, by: Person) -> ComputeSeller:
    """Let a member sell compute from a month on; its contract gives the foundation the right to look at the books."""
    if terms.membership_of(org) is None:
        raise Refused(_l("Only members sell compute packages here."), field="org", status=422)
    there = select(ComputeSeller.id).where(ComputeSeller.org_id == org.id)
    if db.session.scalar(there) is not None:
        raise Refused(_l("This member sells already."), field="org", status=422)
    row = ComputeSeller(org=org, since=first_of(since), contract=contract)
    db.session.add(row)
    db.session.flush()
    audit.record("compute.seller_began", row, by=by, org_id=org.id, since=row.since, contract=contract)
    return row


def end(seller: ComputeSeller, *, until: date, by: Person) -> None:
    """Let a seller report its last month; `until` is the first month without sales."""
    row, month = locked(seller), first_of(until)
    if month <= row.since or month < first_of(clock.today()):
        raise Refused(_l("The end lies in a month to come."), field="until", status=422)
    row.until = month
    audit.record("compute.seller_ended", row, by=by, org_id=row.org_id, until=month)


def bounds() -> tuple[int, int]:
    """Return the least and the greatest rate that may be agreed, in basis points."""
    low, high = catalogue.policy("compute.rate_bp")
    return int(low), int(high)


def set_rate(seller: ComputeSeller, *, start: date, bp: int, reason: str, by: Person) -> ComputeRate:
    """Write down the rate of a seller from a month on, never for a month of which a statement was sent."""
    row, month = locked(seller), first_of(start)
    low, high = bounds()
    if not low <= bp <= high:
        raise Refused(
            _l("A rate lies between %(low)s %% and %(high)s %%.", low=f"{low / 100:g}", high=f"{high / 100:g}"),
            field="percent", status=422,
        )  # fmt: skip
    sent = (
        select(func.max(ComputeShare.month))
        .join(ComputeStatement, ComputeShare.statement_id == ComputeStatement.id)
        .where(ComputeStatement.seller_id == row.id)
    )
    last = db.session.scalar(sent)
    if month < row.since or (last is not None and month <= last):
        raise Refused(
            _l("A new rate begins with a month of which no statement was sent."), field="start", status=422
        )
    same = select(ComputeRate.id).where(ComputeRate.seller_id == row.id, ComputeRate.start == month)
    if db.session.scalar(same) is not None:
        raise Refused(_l("For that month a rate is written down already."), field="start", status=422)
    made = ComputeRate(seller=row, start=month, bp=bp, reason=reason, by=by)
    db.session.add(made)
    db.session.flush()
    audit.record("compute.rate_set", row, by=by, org_id=row.org_id, start=month, bp=bp, reason=reason)
    return made


def price(seller: ComputeSeller, *, on: date | None = None) -> Price:
    """Return the published share that holds for a seller on a day."""
    membership = terms.membership_of(seller.org)
    tier = membership.tier if membership is not None else ""
    return price_of(PRODUCT, on=on, audience=Audience(tier=tier or "", category=seller.org.category))


def rate_of(seller: ComputeSeller, month: date) -> int:
    """Return the rate of a seller in a month: its own, else the published one of the month's first day."""
    own = (
        select(ComputeRate.bp)
        .where(ComputeRate.seller_id == seller.id, ComputeRate.start <= month)
        .order_by(ComputeRate.start.desc())
    )
    found = db.session.scalar(own.limit(1))
    if found is not None:
        return found
    published = price(seller, on=month)
    if published.model is not PriceModel.SHARE:
        raise Refused(_l("The price of compute commissions is no share."))
    return published.terms.bp


def rates(seller: ComputeSeller) -> list[ComputeRate]:
    """Return a seller's own rates, the newest first."""
    rows = select(ComputeRate).where(ComputeRate.seller_id == seller.id).order_by(ComputeRate.start.desc())
    return list(db.session.scalars(rows))


def every() -> Select[ComputeSeller]:
    """Select the sellers in order of their beginning."""
    return select(ComputeSeller).order_by(ComputeSeller.since, ComputeSeller.id)


def months_of(seller: ComputeSeller, today: date) -> list[date]:
    """Return the months that are over and of which a seller reports."""
    found, month = [], seller.since
    last = min(first_of(today), seller.until or date.max)
    while month < last:
        found.append(month)
        month = nth(month, 1, 1)
    return found


def expect(seller: ComputeSeller, month: date) -> ComputeStatement | None:
    """Expect the statement of a month; None if it is there already."""
    there = select(ComputeStatement.id).where(
        ComputeStatement.seller_id == seller.id, ComputeStatement.month == month
    )
    if db.session.scalar(there) is not None:
        return None
    made = ComputeStatement(seller=seller, month=month)
    db.session.add(made)
    db.session.flush()
    return made


def missing(statement: ComputeStatement) -> bool:
    """Whether nothing was told of a month that is over."""
    return statement.state is StatementState.EXPECTED
