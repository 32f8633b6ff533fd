"""What reports look at before a month closes: accounts against rows, the bank against its statements, work that is not booked."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import BigInteger, and_, func, select, type_coerce

from portal.billing import closing, earning, ledger, months, recognition, verify_bank
from portal.billing.bank_models import BankBook, BankLine
from portal.billing.closing import Check, Place
from portal.billing.models import Invoice, InvoiceLine, InvoiceState, Order, OrderLine, Party
from portal.billing.money_models import JournalEntry, JournalLine
from portal.core import clock, heap
from portal.core.db import LEDGER_CURRENCY, db
from portal.core.errors import Refused
from portal.core.money import Money, half_up
from portal.reports.closed.positions import Position, positions, said
from portal.reports.facts import gather
from portal.reports.flows import Flows
from portal.reports.lists import in_force
from portal.services.engagements import delivering
from portal.services.engagements.models import Engagement, EngagementState, Milestone, MilestoneState
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeStatement

MOST = 20
DONE = (MilestoneState.ACCEPTED, MilestoneState.DEEMED)


def look(month: date) -> list[Position]:
    """Return the roll-forwards of a month as they stand now."""
    first, last, today = months.first_of(month), months.last_of(month), clock.today()
    with heap.filling():
        return positions(Flows(gather(today, first, last), in_force(today)))


def _place(month: date) -> Place:
    asked = f"{month:%Y-%m}"
    return Place(_("Look at the reconciliation"), "reports.reconciliation", (("from", asked), ("to", asked)))


def _rows(found: list[Position], month: date) -> list[Check]:
    words = {
        "ar": _("The receivables account is the sum of the invoices"),
        "contract": _("Deferred income and contract assets are the sums of the contract lines"),
        "streams": _("The income accounts are the report by stream"),
        "vat": _("The VAT account is the sum of the lines"),
        "credit": _("Customer credit is the sum of the receipts"),
        "bank": _("The bank moves by what came, what went and what it cost"),
    }
    place = _place(month)
    return [Check(words[one.code], tuple(one.faults()[:MOST]), place=place) for one in found]


def _currencies(month: date) -> Check:
    """Every entry balances in each currency that it is all in."""
    units = func.sum(JournalLine.units)
    broken = db.session.execute(
        select(JournalLine.entry_id, func.max(JournalLine.currency), units)
        .join(JournalEntry, JournalEntry.id == JournalLine.entry_id)
        .where(JournalEntry.posted_on.between(month, months.last_of(month)))
        .group_by(JournalLine.entry_id)
        .having(
            and_(
                func.count(JournalLine.currency.distinct()) == 1,
                func.max(JournalLine.currency) != LEDGER_CURRENCY, units != 0,
            )
        )
        .order_by(JournalLine.entry_id)
        .limit(MOST)
    )  # fmt: skip
    found = tuple(
        _("Entry %(entry)s does not balance in %(currency)s.", entry=row[0], currency=row[1])
        for row in broken
    )
    return Check(_("Every entry balances in its own currency"), found)


def _bank(month: date) -> Check:
    """Once an account has statements, whatever the books say of the bank stands in one."""
    words = _("The bank account is its statement")
    opened = db.session.scalar(select(func.min(BankBook.opened_on)))
    if opened is None:
        return Check(words, ())
    amount = func.sum(type_coerce(JournalLine.amount, BigInteger))
    booked = db.session.execute(
        select(JournalEntry.kind, JournalEntry.source, amount)
        .join(JournalLine, JournalLine.entry_id == JournalEntry.id)
        .where(
            JournalLine.account == ledger.BANK, JournalEntry.kind != "bank_opening",
            JournalEntry.posted_on.between(max(month, opened), months.last_of(month)),
        )
        .group_by(JournalEntry.kind, JournalEntry.source)
        .having(amount != 0)
        .order_by(JournalEntry.kind, JournalEntry.source)
    )  # fmt: skip
    lines = db.session.execute(
        select(BankLine.id, BankLine.receipt_id, BankLine.refund_id).order_by(BankLine.id)
    )
    told = {source for row in lines for source in verify_bank.sources(row)}
    alone = [(source, int(fen)) for kind, source, fen in booked if (kind, source) not in told]
    if not alone:
        return Check(words, ())
    found = ngettext(
        "%(num)s entry of the bank account stands in no statement, over %(sum)s in all: %(which)s",
        "%(num)s entries of the bank account stand in no statement, over %(sum)s in all: %(which)s",
        len(alone),
        sum=said(sum(fen for _source, fen in alone)),
        which=", ".join(source for source, _fen in alone[:5]),
    )
    return Check(words, (found,), place=Place(_("Clear the bank"), "money.bank"))


def _milestones(last: date) -> list[str]:
    rows = db.session.scalars(
        select(Milestone)
        .join(Engagement, Engagement.id == Milestone.engagement_id)
        .join(OrderLine, OrderLine.id == Milestone.order_line_id)
        .where(
            Milestone.state.in_(DONE), Milestone.accepted_on <= last, OrderLine.recognition == earning.MILESTONE,
            Engagement.state != EngagementState.TERMINATED,
        )
        .order_by(Milestone.id)
    )  # fmt: skip
    found = []
    for line, row in {one.order_line_id: one for one in rows}.items():
        percent = delivering.accepted_percent(row.order_line, row.engagement)
        earned = sum(one.amount.minor for one in recognition.plan_of(row.order_line))
        due = half_up(earning.worth(row.order_line) * percent, 100)
        if earned != due:
            found.append(
                _(
                    "Line %(line)s: %(percent)s %% accepted is %(due)s, %(earned)s is booked.",
                    line=line, percent=percent, due=said(due), earned=said(earned),
                )
            )  # fmt: skip
    return found


def _work(month: date) -> Check:
    """No rated usage and no accepted milestone is without its entry."""
    last = months.last_of(month)
    untold = db.session.scalars(
        select(ComputeStatement)
        .where(
            ComputeStatement.state == StatementState.CONFIRMED, ComputeStatement.order_id.is_(None),
            ComputeStatement.into_id.is_(None), ComputeStatement.month <= last, ComputeStatement.commission > Money(0),
        )
        .order_by(ComputeStatement.month, ComputeStatement.id)
        .limit(MOST)
    )  # fmt: skip
    found = [_("Agreed commission is not booked: %(number)s", number=row.number) for row in untold]
    return Check(
        _("Rated usage and accepted milestones are booked"), tuple([*found, *_milestones(last)][:MOST])
    )


def _begun(month: date) -> Check:
    """Lines whose time began and that no invoice names yet earn nothing until one does."""
    live = (
        select(InvoiceLine.id)
        .join(Invoice, Invoice.id == InvoiceLine.invoice_id)
        .where(InvoiceLine.order_line_id == OrderLine.id, Invoice.state != InvoiceState.VOID)
        .exists()
    )
    rows = db.session.execute(
        select(OrderLine.id, OrderLine.period_start, OrderLine.net, Party.title)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Party, Party.id == Order.party_id)
        .where(
            OrderLine.agreed_on.is_not(None), OrderLine.period_start <= months.last_of(month),
            OrderLine.net > Money(0), ~live,
        )
        .order_by(OrderLine.period_start, OrderLine.id)
        .limit(MOST)
    )  # fmt: skip
    found = tuple(
        _("Line %(line)s over %(sum)s began on %(day)s.", line=row[0], sum=said(row[2].minor), day=row[1])
        for row in rows
    )
    place = Place(_("Look at the invoices"), "money.invoices")
    return Check(_("What has begun is invoiced"), found, blocks=False, place=place)


def blocking(month: date) -> list[Check]:
    """Return the checks of reports without which no snapshot is written."""
    return [*_rows(look(month), month), _currencies(month), _bank(month), _work(month)]


def several(month: date) -> list[Check]:
    """Return every check of reports."""
    return [*blocking(month), _begun(month)]


def insist(flows: Flows) -> None:
    """Refuse if a roll-forward does not hold."""
    broken = [check.words for check in _rows(positions(flows), flows.start) if not check.good]
    if broken:
        raise Refused(_("No snapshot is written: %(what)s.", what="; ".join(broken)))


def install() -> None:
    """Let every close look at these too."""
    if several not in closing.SEVERAL:
        closing.SEVERAL.append(several)
