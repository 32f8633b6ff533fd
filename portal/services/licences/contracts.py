"""The running contract of a licence: the paid year with everything that was added to it, and the years paid ahead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from portal.billing.catalogue import Price, pinned
from portal.billing.models import OrderLine
from portal.core import clock
from portal.core.db import db
from portal.services.licences import worth
from portal.services.licences.models.deal import (
    CONTRACTS,
    DealKind,
    DealState,
    LicenceQuote,
    LicenceQuoteLine,
)
from portal.services.licences.models.licence import LicenceTerm


def source(line: OrderLine) -> str:
    """Return the source of the term that a line of an order pays for."""
    return f"order_line:{line.id}"


def term_of(line: OrderLine) -> LicenceTerm | None:
    """Return the term that a line of an order paid for, the newest if it was given twice."""
    own = source(line)
    mine = LicenceTerm.source.in_([own, f"{own}:again", f"transfer:{own}", f"transfer:{own}:again"])
    found = select(LicenceTerm).where(mine).order_by(LicenceTerm.id.desc())
    return db.session.scalars(found.execution_options(populate_existing=True)).first()


@dataclass(frozen=True, slots=True)
class Contract:
    """A paid year `[start, end)`: what opened it, the lines that run in it, and how many nodes they pay for."""

    quote: LicenceQuote
    lines: tuple[OrderLine, ...]
    paid: int

    @property
    def start(self) -> date:
        """Return its first day."""
        assert self.quote.starts_on is not None
        return self.quote.starts_on

    @property
    def end(self) -> date:
        """Return the day after its last."""
        assert self.quote.ends_on is not None
        return self.quote.ends_on

    @property
    def below(self) -> int:
        """Return how many nodes of the curve lie below the paid ones: those a membership gave free when it was sold."""
        return 0 if self.quote.share_bp else self.quote.included

    def price(self) -> Price:
        """Return the price it was sold at, with the tax of today."""
        return pinned(self.quote.price_id)

    def full(self, paid: int) -> int:
        """Return what so many paid nodes cost for all of its days, in the price's own terms, in fen."""
        cap = self.quote.included
        return worth.due(self.price(), self.below + paid, cap, self.quote.share_bp)


def ends_with(quote: LicenceQuote) -> date | None:
    """Return the day on which the base term of a contract really ends; None while there is none."""
    line = next((one.order_line for one in quote.lines if one.order_line is not None), None)
    term = term_of(line) if line is not None else None
    return None if term is None else clock.day_of(term.closed_at or term.ends_at)


def contracts(licence_id: int, day: date) -> list[Contract]:
    """Return the contracts of a licence that end after a day, in order: the running one, then those paid ahead."""
    rows = db.session.scalars(
        select(LicenceQuote)
        .where(
            LicenceQuote.licence_id == licence_id, LicenceQuote.state == DealState.DONE, LicenceQuote.kind.in_(CONTRACTS),
            LicenceQuote.ends_on > day,
        )
        .order_by(LicenceQuote.starts_on, LicenceQuote.id)
    )  # fmt: skip
    return [_contract(one) for one in rows if (end := ends_with(one)) is not None and end > day]


def _contract(quote: LicenceQuote) -> Contract:
    rows = db.session.scalars(
        select(LicenceQuoteLine)
        .join(LicenceQuote)
        .where(
            LicenceQuote.licence_id == quote.licence_id, LicenceQuote.state == DealState.DONE,
            LicenceQuoteLine.order_line_id.is_not(None), LicenceQuoteLine.starts >= quote.starts_on,
            LicenceQuoteLine.ends == quote.ends_on,
        )
        .order_by(LicenceQuoteLine.id)
    )  # fmt: skip
    lines: dict[int, OrderLine] = {}
    paid = 0
    for one in rows:
        assert one.order_line is not None
        term = term_of(one.order_line)
        if term is None or term.closed_at is not None:
            continue
        lines.setdefault(one.order_line.id, one.order_line)
        paid += one.adds
    return Contract(quote, tuple(lines.values()), paid)


def current(licence_id: int, day: date | None = None) -> Contract | None:
    """Return the contract that runs on a day, or the next one paid ahead."""
    found = contracts(licence_id, day or clock.today())
    return found[0] if found else None


def last(licence_id: int) -> LicenceQuote | None:
    """Return the newest contract of a licence that was in effect, over or not."""
    rows = select(LicenceQuote).where(
        LicenceQuote.licence_id == licence_id, LicenceQuote.state == DealState.DONE, LicenceQuote.kind.in_(CONTRACTS)
    )  # fmt: skip
    return db.session.scalars(rows.order_by(LicenceQuote.ends_on.desc(), LicenceQuote.id.desc())).first()


def open_deal(licence_id: int, *, renewal: bool = False) -> LicenceQuote | None:
    """Return what of a licence is on offer or waits for its money: the renewal, or anything else."""
    kind = LicenceQuote.kind == DealKind.RENEWAL if renewal else LicenceQuote.kind != DealKind.RENEWAL
    rows = select(LicenceQuote).where(
        LicenceQuote.licence_id == licence_id, kind, LicenceQuote.state.in_([DealState.OFFERED, DealState.ORDERED])
    )  # fmt: skip
    return db.session.scalars(rows.order_by(LicenceQuote.id.desc())).first()
