"""Statements as both sides see them: their figures before and after sending, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from portal.core.money import Money
from portal.core.words import day
from portal.services.statements import reporting, settling
from portal.services.statements.chores import steps_of
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeLine, ComputeStatement

S = StatementState


@dataclass(frozen=True, slots=True)
class Part:
    """What a statement says of a month."""

    month: date
    base: Money
    before: Money
    bp: int
    commission: Money


@dataclass(frozen=True, slots=True)
class Seen:
    """A statement's lines and figures; `sent` ones are on record, others as they would be sent today."""

    lines: Sequence[ComputeLine]
    parts: Sequence[Part]
    base: Money
    commission: Money
    carried: Money
    tax: Money
    sent: bool

    @property
    def net(self) -> Money:
        """What is due before tax."""
        return self.commission + self.carried

    @property
    def gross(self) -> Money:
        """What is due with tax."""
        return self.net + self.tax


def seen(row: ComputeStatement) -> Seen:
    """Return a statement's figures: those sent, else what its lines make today."""
    lines = reporting.lines(row)
    if row.state in {S.EXPECTED, S.DRAFT} or not row.sending:
        told = settling.computed(row)
        parts = [
            Part(one.month, Money(one.base), Money(one.before), one.bp, Money(one.commission)) for one in told
        ]
        return Seen(lines, parts, *settling.sums(row, told), sent=False)
    kept = [Part(one.month, one.base, one.before, one.bp, one.commission) for one in settling.shares(row)]
    return Seen(lines, kept, row.base, row.commission, row.carried, row.tax, sent=True)


def next_step(row: ComputeStatement, *, staff: bool = False) -> str:
    """Return in words what happens next with a statement, and who does it."""
    if row.state is S.EXPECTED:
        due = dict(steps_of(row.month))[min(step for step, _day in steps_of(row.month) if step)]
        return _("The seller reports the month, by %(day)s.", day=day(due))
    if row.state is S.DRAFT:
        return _("Finance checks the report and sends the statement.")
    if row.state is S.SENT:
        until = day(row.deemed_after) if row.deemed_after else ""
        return _(
            "The seller confirms it or says what is wrong; without a word it is confirmed when %(day)s ends.",
            day=until,
        )
    if row.state is S.DISPUTED:
        return _("Finance answers and sends it again; the seller may report the month anew.")
    if row.into is not None:
        return _("It goes with %(number)s.", number=row.into.number)
    if row.state is S.CONFIRMED and row.net < Money(0):
        return _("Its sum is below zero: the next statement takes it in.")
    if row.state is S.CONFIRMED:
        return _("Finance issues the invoice.")
    return _("Nothing; it is closed.") if row.invoice is None else _("The invoice is paid as any other.")


def count_waiting() -> Select[int]:
    """Select how many statements wait for finance."""
    return select(func.count(ComputeStatement.id)).where(
        ComputeStatement.state.in_([S.DRAFT, S.DISPUTED])
        | ((ComputeStatement.state == S.CONFIRMED) & ComputeStatement.into_id.is_(None))
    )
