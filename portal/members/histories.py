"""Gathers the spans of all holders from terms, endings and reversals as they were known, in four statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import InstrumentedAttribute

from portal.billing.models import Invoice
from portal.core.db import db
from portal.members.belonging import Ending, Reversal, Term, TermKind
from portal.members.spans import Span, yearly
from portal.members.standing import EndingCause

HISTORY = "history:"
MOVES = {kind.value for kind in (TermKind.UPGRADE, TermKind.DOWNGRADE, TermKind.RECLASS)}
WITHOUT_DUES = {TermKind.COMPLIMENTARY, TermKind.LIFETIME}
TOGETHER = 5_000
Stops = dict[int, tuple[date, datetime, int, EndingCause]]


def spans(
    *, known: datetime | None = None, memberships: Iterable[int] | None = None
) -> dict[int, list[Span]]:
    """Return the spans by membership, of all or of those named, from what was recorded by an instant."""
    only = None if memberships is None else list(memberships)
    stops = _stops(known)
    found: dict[int, list[Span]] = defaultdict(list)
    statement = select(
        Term.id, Term.membership_id, Term.kind, Term.tier, Term.start, Term.end, Term.anchor, Term.charged, Term.source_key,
        Invoice.net, Invoice.gross,
    ).outerjoin(Invoice, Term.invoice_id == Invoice.id)  # fmt: skip
    statement = statement.where(_recorded(Term.recorded_at, known)).order_by(
        Term.membership_id, Term.start, Term.id
    )
    if only is not None:
        statement = statement.where(Term.membership_id.in_(only))
    for row in _each(statement):
        found[row.membership_id].append(_span(row, stops))
    return dict(found)


def _each(statement: Any) -> Iterable[Any]:
    return db.session.execute(statement.execution_options(yield_per=TOGETHER))


def _recorded(column: InstrumentedAttribute[datetime], known: datetime | None) -> ColumnElement[bool]:
    return true() if known is None else column <= known


def _stops(known: datetime | None) -> Stops:
    """Return the ending that counts of each term: the earliest, on a tie the one recorded later, none that was undone."""
    undone = set(
        db.session.scalars(
            select(Reversal.undoes_id).where(
                Reversal.undoes_kind == "ending", _recorded(Reversal.recorded_at, known)
            )
        )
    )
    found: Stops = {}
    statement = select(Ending.id, Ending.term_id, Ending.on, Ending.cause, Ending.recorded_at)
    for row in _each(statement.where(_recorded(Ending.recorded_at, known))):
        if row.id in undone:
            continue
        said, held = (row.on, row.recorded_at, row.id, row.cause), found.get(row.term_id)
        if held is None or said[0] < held[0] or (said[0] == held[0] and said[1:3] > held[1:3]):
            found[row.term_id] = said
    return found


def _span(row: Any, stops: Stops) -> Span:
    said = stops.get(row.id)
    cuts = said is not None and (row.end is None or said[0] <= row.end)
    told = (row.source_key or "").split(":", 2)
    historic = row.kind is TermKind.IMPORTED and told[0] == HISTORY[:-1]
    move = told[1] if historic else row.kind.value
    value = 0
    if row.kind not in WITHOUT_DUES:
        net, gross = (row.net.minor, row.gross.minor) if row.gross else (1, 1)
        value = yearly(row.charged.minor, row.start, row.end, row.anchor, net=net, gross=gross)
    return Span(
        term=row.id, start=row.start, stop=said[0] if said and cuts else row.end, tier=row.tier, value=value,
        cause=said[3] if said and cuts else None, listed=row.kind is TermKind.IMPORTED and not historic,
        move=move if move in MOVES else "",
    )  # fmt: skip
