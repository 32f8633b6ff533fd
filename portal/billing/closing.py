"""Closing a month of the books: the checks, proposed by one, done by another; only the last closed one opens again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import exchange, months, recognising, revaluing
from portal.billing.book_models import AccountingPeriod, PeriodState
from portal.billing.events import PeriodClosed
from portal.billing.models import Invoice, InvoiceState, OrderLine
from portal.billing.money_models import JournalEntry
from portal.billing.verify import verify_books
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.events import publish
from portal.core.money import Money
from portal.core.states import move

P = PeriodState


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding is mended: what the link says, and the page with its filters."""

    words: str
    endpoint: str
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a close: what it looks at, what it found (nothing is good), and whether that blocks.

    `place` is where a person mends it; `booked_now` says that `book_missing` does.
    """

    words: str
    found: tuple[str, ...]
    blocks: bool = True
    place: Place | None = None
    booked_now: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.found


# Checks other parts bring (bank statements, fapiao): asked with the month's first day.
MORE: list[Callable[[date], Check]] = []
# Parts that bring several checks from one look at the books.
SEVERAL: list[Callable[[date], list[Check]]] = []


def row_of(month: date) -> AccountingPeriod | None:
    """Return the row of a month, if it was ever proposed for closing."""
    return db.session.scalars(select(AccountingPeriod).where(AccountingPeriod.month == month)).first()


def state_of(month: date) -> PeriodState:
    """Return the state of a month; one without a row is open."""
    row = row_of(month)
    return row.state if row is not None else P.OPEN


def first_month() -> date | None:
    """Return the month the books begin with."""
    found = db.session.scalar(select(func.min(JournalEntry.posted_on)))
    return months.first_of(found) if found is not None else None


def next_to_close() -> date | None:
    """Return the earliest month that is not closed; None for empty books."""
    month = first_month()
    closed = set(db.session.scalars(select(AccountingPeriod.month).where(AccountingPeriod.state == P.CLOSED)))
    while month is not None and month in closed:
        month = months.following(month)
    return month


def last_closed() -> AccountingPeriod | None:
    """Return the last closed month: the only one that opens again."""
    return db.session.scalars(
        select(AccountingPeriod)
        .where(AccountingPeriod.state == P.CLOSED)
        .order_by(AccountingPeriod.month.desc())
    ).first()


def _over(month: date) -> Check:
    found = []
    if clock.today() <= months.last_of(month):
        found.append(_("The month is not over yet."))
    earlier = next_to_close()
    place = None
    if earlier is not None and earlier < month:
        found.append(_("%(month)s is to be closed first.", month=f"{earlier:%Y-%m}"))
        place = Place(_("Go to that month"), "money.month", (("text", f"{earlier:%Y-%m}"),))
    return Check(_("The month is over, the earlier ones are closed"), tuple(found), place=place)


def _earned(month: date) -> Check:
    missing = recognising.missing_by(months.last_of(month))
    said = tuple(
        _("Line %(line)s: %(sum)s earned and not booked.", line=line, sum=f"{due / 100:,.2f}")
        for line, due in list(missing.items())[:20]
    )
    return Check(_("All income of the month is booked"), said, booked_now=True)


def _rates(month: date) -> Check:
    end = months.last_of(month)
    missing = [code for code in revaluing.currencies(end) if exchange.rate_at(code, end) is None]
    said = [
        _("No exchange rate of %(currency)s is loaded for %(day)s.", currency=code, day=end)
        for code in missing
    ]
    filters = (("currency", (missing or [""])[0]), ("day", end.isoformat()))
    place = Place(_("Load the rate"), "money.rates", filters)
    return Check(_("Exchange rates of the month’s end are loaded"), tuple(said), place=place)


def _revalued(month: date) -> Check:
    late = revaluing.due(months.last_of(month))
    said = (_("Receivables in other currencies are not revalued yet."),) if late else ()
    return Check(_("Receivables in other currencies stand at the month’s end rate"), said, booked_now=True)


def _offers(month: date) -> Check:
    statement = (
        select(Invoice.number)
        .join(OrderLine, OrderLine.order_id == Invoice.order_id)
        .where(Invoice.state.in_([InvoiceState.OPEN, InvoiceState.PAID]), OrderLine.agreed_on.is_(None))
        .where(Invoice.gross > Money(0), ~Invoice.reversed, Invoice.issued_on <= months.last_of(month))
        .distinct()
        .order_by(Invoice.number)
        .limit(20)
    )
    return Check(
        _("Invoiced and not agreed yet: earns nothing"),
        tuple(map(str, db.session.scalars(statement))),
        blocks=False,
        place=Place(_("Look at the invoices"), "money.invoices"),
    )


def checks(month: date) -> list[Check]:
    """Return what is checked before a month closes, blocking checks first."""
    books = verify_books()[1]
    found = [
        _over(month),
        Check(_("Entries balance, accounts equal their lists, numbers have no gap"), tuple(books[:20])),
        _earned(month),
        _rates(month),
        _revalued(month),
        *(ask(month) for ask in MORE),
        *(check for ask in SEVERAL for check in ask(month)),
        _offers(month),
    ]
    return sorted(found, key=lambda check: not check.blocks)


def row_to_move(month: date) -> AccountingPeriod:
    """Return the row of a month under its lock; one that was never proposed gets its row here."""
    row = db.session.scalars(
        select(AccountingPeriod)
        .where(AccountingPeriod.month == month)
        .with_for_update(of=AccountingPeriod)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        row = AccountingPeriod(month=month)
        db.session.add(row)
        db.session.flush()
    return row


def _pass(month: date) -> None:
    broken = [check.words for check in checks(month) if check.blocks and not check.good]
    if broken:
        raise Refused(_l("This month cannot be closed: %(what)s.", what="; ".join(broken)))


def propose_close(month: date, *, by: Person) -> AccountingPeriod:
    """Propose to close a month: from here on only finance posts into it, with a reason."""
    row = row_to_move(month)
    _pass(month)
    move(row, P.SOFT_CLOSED)
    row.proposed_by, row.closed_by, row.closed_at = by, None, None
    audit.record("period.proposed", row, by=by, month=f"{month:%Y-%m}")
    return row


def _not_own(row: AccountingPeriod, first: int | None, by: Person) -> None:
    if first == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person of finance confirms it."))


def close(month: date, *, by: Person) -> AccountingPeriod:
    """Close a month another proposed, after the same checks; from here on the database refuses entries in it."""
    row = row_to_move(month)
    if row.state is not P.SOFT_CLOSED:
        raise Refused(_l("Nobody proposed to close this month."))
    _not_own(row, row.proposed_by_id, by)
    _pass(month)
    move(row, P.CLOSED)
    row.closed_by, row.closed_at = by, clock.now()
    audit.record("period.closed", row, by=by, month=f"{month:%Y-%m}")
    db.session.flush()
    publish(PeriodClosed(month))
    return row


def decline_close(month: date, *, by: Person) -> None:
    """Leave a month open that was proposed for closing; the proposer may take it back too."""
    row = row_to_move(month)
    move(row, P.OPEN)
    row.proposed_by = None
    audit.record("period.declined", row, by=by, month=f"{month:%Y-%m}")


def propose_reopen(month: date, *, by: Person, reason: str) -> None:
    """Propose to open the last closed month again; a second person does it."""
    row, last = row_to_move(month), last_closed()
    if last is None or last.month != month:
        raise Refused(_l("Only the last closed month can be opened again."))
    if row.reopen_by_id is not None:
        raise Refused(_l("Somebody has proposed this already."))
    row.reopen_by, row.reopen_reason = by, reason
    audit.record("period.reopen_proposed", row, by=by, month=f"{month:%Y-%m}", reason=reason)


def reopen(month: date, *, by: Person) -> None:
    """Open the last closed month again, as another proposed."""
    row, last = row_to_move(month), last_closed()
    if row.reopen_by_id is None or last is None or last.month != month:
        raise Refused(_l("Nobody proposes to open this month again."))
    _not_own(row, row.reopen_by_id, by)
    move(row, P.OPEN)
    reason = row.reopen_reason
    row.reopen_by, row.reopen_reason, row.proposed_by, row.closed_by, row.closed_at = (
        None,
        "",
        None,
        None,
        None,
    )
    audit.record("period.reopened", row, by=by, month=f"{month:%Y-%m}", reason=reason)


def decline_reopen(month: date, *, by: Person) -> None:
    """Leave a closed month closed."""
    row = row_to_move(month)
    if row.reopen_by_id is None:
        raise Refused(_l("Nobody proposes to open this month again."))
    row.reopen_by, row.reopen_reason = None, ""
    audit.record("period.reopen_declined", row, by=by, month=f"{month:%Y-%m}")


def shown_months() -> list[date]:
    """Return the months of the books, the newest first."""
    month, found = first_month(), []
    last = months.first_of(clock.today())
    while month is not None and month <= last:
        found.append(month)
        month = months.first_of(months.last_of(month) + timedelta(days=1))
    return found[::-1]
