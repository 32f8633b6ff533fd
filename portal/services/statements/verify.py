"""What always holds of compute statements, checked on the stored rows by `portal verify`."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from sqlalchemy import select

from portal.core.db import db
from portal.core.money import Money
from portal.services.statements import figures
from portal.services.statements.kinds import AGREED, StatementState
from portal.services.statements.models import ComputeLine, ComputeShare, ComputeStatement

S = StatementState


def verify_statements() -> tuple[int, list[str]]:
    """Return how many statements were looked at and a sentence for each fault."""
    rows = {row.id: row for row in db.session.scalars(select(ComputeStatement).order_by(ComputeStatement.id))}
    shares: dict[int, list[ComputeShare]] = defaultdict(list)
    for share in db.session.scalars(select(ComputeShare).order_by(ComputeShare.id)):
        if share.sending == rows[share.statement_id].sending:
            shares[share.statement_id].append(share)
    found = [fault for row in rows.values() for fault in _faults(row, shares[row.id])]
    found += _lines() + _truth(rows, shares)
    return len(rows), found


def _faults(row: ComputeStatement, shares: list[ComputeShare]) -> list[str]:
    found = []
    if row.state in {S.SENT, S.DISPUTED, *AGREED} and row.sending:
        if sum((one.commission for one in shares), Money(0)) != row.commission:
            found.append(f"{row.subject}: its commission is not the sum of its months")
        if sum((one.base for one in shares), Money(0)) != row.base:
            found.append(f"{row.subject}: its turnover is not the sum of its months")
    if row.order is not None and row.order.lines[0].gross != row.gross:
        found.append(f"{row.subject}: its order is over another sum")
    if row.invoice is not None and row.into_id is None and row.invoice.gross != row.gross:
        found.append(f"{row.subject}: its invoice is over another sum")
    return found


def _lines() -> list[str]:
    return [
        f"{line.subject}: hours × price are not its amount"
        for line in db.session.scalars(select(ComputeLine).order_by(ComputeLine.id))
        if figures.amount(line.milli_hours, line.unit_price.minor) != line.amount.minor
    ]


def _truth(rows: dict[int, ComputeStatement], shares: dict[int, list[ComputeShare]]) -> list[str]:
    """Check that of each seller's month all agreed shares together are the commission on its true turnover."""
    sums: dict[tuple[int, date], list[ComputeShare]] = defaultdict(list)
    for row in rows.values():
        if row.state in AGREED:
            for one in shares[row.id]:
                sums[row.seller_id, one.month].append(one)
    return [
        f"compute_seller:{seller}: the corrections of {month:%Y-%m} do not sum to the truth"
        for (seller, month), told in sorted(sums.items())
        if len({one.bp for one in told}) != 1
        or sum(one.commission.minor for one in told)
        != figures.commission(sum(one.base.minor for one in told), told[0].bp)
    ]
