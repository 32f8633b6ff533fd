"""Telling a month's sales: the seller, or staff for him, as often as needed until both sides agree; every report is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.months import first_of
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.files import Content, StoredFile
from portal.core.money import Money
from portal.core.states import move
from portal.core.words import month as month_words
from portal.services.statements import letters, sellers
from portal.services.statements.kinds import AGREED, OPEN, REPORTABLE, StatementState
from portal.services.statements.models import ComputeFile, ComputeLine, ComputeSeller, ComputeStatement
from portal.services.statements.reading import Told, checked

S = StatementState


@dataclass(frozen=True, slots=True)
class Attached:
    """A checked file that lies in the store and waits for its report."""

    content: Content
    name: str


def locked(statement: ComputeStatement) -> ComputeStatement:
    """Return a statement under its seller's lock, fresh from the database."""
    sellers.locked(statement.seller)
    return db.session.get_one(ComputeStatement, statement.id, populate_existing=True)


def lines(statement: ComputeStatement) -> list[ComputeLine]:
    """Return the lines of the last report, in order."""
    rows = select(ComputeLine).where(
        ComputeLine.statement_id == statement.id, ComputeLine.report == statement.report
    )
    return list(db.session.scalars(rows.order_by(ComputeLine.n)))


def told_of(line: ComputeLine) -> Told:
    """Return a line of a report as it was told."""
    return Told(
        line.month, line.package, line.milli_hours, line.unit_price.minor, line.amount.minor, line.evidence
    )


def files(statement: ComputeStatement) -> list[ComputeFile]:
    """Return the files of a statement, the newest first."""
    rows = select(ComputeFile).where(ComputeFile.statement_id == statement.id)
    return list(db.session.scalars(rows.order_by(ComputeFile.id.desc())))


def report(
    statement: ComputeStatement,
    told: Sequence[Told],
    *,
    by: Person,
    nothing: bool = False,
    note: str = "",
    files: Sequence[Attached] = (),
) -> ComputeStatement:
    """Tell what was sold in a month, with corrections of earlier ones; a month without sales is said, not left out."""
    row = locked(statement)
    if row.state not in REPORTABLE:
        raise Refused(
            _l(
                "This statement is agreed or waits for you: what changed goes as a correction into the next one."
            )
        )
    rows = checked(told)
    if bool(rows) == nothing:
        raise Refused(_l("Please give the lines, or say that nothing was sold."), field="file", status=422)
    refuse_wrong_months(row, rows)
    _write(row, rows, files)
    row.reported_at, row.note = clock.now(), note.strip()[:300]
    if row.state is S.EXPECTED:
        move(row, S.DRAFT)
    db.session.flush()
    total = Money(sum(one.amount for one in rows))
    audit.record(
        "compute.reported", row, by=by, org_id=row.seller.org_id, month=row.month, lines=len(rows), base=total,
        report=row.report,
    )  # fmt: skip
    letters.reported(row, total)
    return row


def _write(row: ComputeStatement, rows: Sequence[Told], files: Sequence[Attached]) -> None:
    """Write the next report of a statement, with its files; the earlier ones stay."""
    row.report += 1
    for n, one in enumerate(rows, 1):
        db.session.add(
            ComputeLine(
                statement=row, report=row.report, n=n, month=one.month, package=one.package,
                milli_hours=one.milli_hours, unit_price=Money(one.unit_price), amount=Money(one.amount),
                evidence=one.evidence,
            )
        )  # fmt: skip
    for file in files:
        kept = StoredFile(
            sha256=file.content.sha256, name=file.name, media_type=file.content.media_type, size=file.content.size,
            purpose="compute", org_id=row.seller.org_id,
        )  # fmt: skip
        db.session.add_all([kept, ComputeFile(statement=row, report=row.report, file=kept)])


def refuse_wrong_months(row: ComputeStatement, told: Sequence[Told]) -> None:
    """Refuse lines of months that are not over, not the seller's, or still open in a statement of their own."""
    own = [one for one in told if one.month == row.month]
    if sum(one.amount for one in own) < 0:
        raise Refused(_l("What was sold in a month is not below zero in all."), field="file", status=422)
    _refuse_told_elsewhere(row, row.month)
    for month in sorted({one.month for one in told} - {row.month}):
        if month > row.month or month < row.seller.since or month >= first_of(clock.today()):
            raise _month(_l("%(month)s is no month this statement can correct.", month=month_words(month)))
        _refuse_open(row, month)


def _refuse_open(row: ComputeStatement, month: date) -> None:
    """A correction names a month that is agreed, or one that was never told; nobody else may be correcting it meanwhile."""
    of_month = of(row.seller, month)
    if of_month is None:
        raise _month(_l("%(month)s is no month this statement can correct.", month=month_words(month)))
    if of_month.state in OPEN:
        raise _month(
            _l("The statement of %(month)s is not agreed: please change that one.", month=month_words(month))
        )
    _refuse_told_elsewhere(row, month)


def _refuse_told_elsewhere(row: ComputeStatement, month: date) -> None:
    """Refuse a month of which another statement that is not agreed tells: both would count it from the same sum."""
    others = (
        select(ComputeStatement.id)
        .join(ComputeLine, ComputeLine.statement_id == ComputeStatement.id)
        .where(
            ComputeStatement.seller_id == row.seller_id,
            ComputeStatement.id != row.id,
            ComputeStatement.state.in_(OPEN),
            ComputeLine.report == ComputeStatement.report,
            ComputeLine.month == month,
        )
    )
    if db.session.scalar(others.limit(1)) is not None:
        raise _month(
            _l("Another open statement tells of %(month)s: please settle that one first.", month=month_words(month))
        )  # fmt: skip


def _month(words: object) -> Refused:
    return Refused(str(words), field="file", status=422)


def of(seller: ComputeSeller, month: date) -> ComputeStatement | None:
    """Return the statement of a seller for a month."""
    return db.session.scalars(
        select(ComputeStatement).where(
            ComputeStatement.seller_id == seller.id, ComputeStatement.month == month
        )
    ).first()


def correctable(statement: ComputeStatement) -> list[date]:
    """Return the earlier months that a statement may correct, the newest first."""
    rows = select(ComputeStatement.month).where(
        ComputeStatement.seller_id == statement.seller_id, ComputeStatement.month < statement.month,
        ComputeStatement.state.in_([*AGREED, S.EXPECTED]),
    )  # fmt: skip
    return list(db.session.scalars(rows.order_by(ComputeStatement.month.desc())))
