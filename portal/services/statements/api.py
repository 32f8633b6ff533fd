"""Operations about compute statements: report a month, read the figures, confirm or dispute them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.core import cursors
from portal.core.api import (
    TOKEN_PROBLEMS,
    WHOLE,
    WRITE_PROBLEMS,
    Amount,
    Answer,
    Body,
    Clean,
    OneRow,
    Paged,
    Uid,
    operations,
    responses,
    told,
)
from portal.core.idempotency import WriteHeaders, once
from portal.services.statements import access, figures, reading, reporting, settling, showing
from portal.services.statements.kinds import StatementState
from portal.services.statements.models import ComputeStatement
from portal.services.statements.reading import Told

statements_api = operations("api_statements", __name__, str(_l("Compute statements")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]
SAID = r"[^\s\x00-\x1f]"
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", min_length=7, max_length=7)]


class StatementQuery(Paged):
    """Which statements."""

    state: Literal["", "expected", "draft", "sent", "disputed", "confirmed", "invoiced"] = ""


class LineAnswer(Answer):
    """A line of sales: thousandths of an hour, price and amount in fen."""

    month: str
    package: str
    milli_hours: int
    unit_price: int
    amount: int
    evidence: str


class MonthAnswer(Answer):
    """What a statement says of a month: turnover told now and before, the rate in basis points, the commission it adds."""

    month: str
    base: int
    before: int
    rate_bp: int
    commission: int


class StatementAnswer(Answer):
    """A statement; until it is sent its figures are what its lines make today."""

    id: Uid
    number: str
    organisation: Uid
    month: str
    state: StatementState
    sending: int
    deemed_after: date | None
    confirmed_at: datetime | None
    base: Amount
    commission: Amount
    carried: Amount
    tax: Amount
    gross: Amount
    months: list[MonthAnswer]
    lines: list[LineAnswer]


class StatementRow(Answer):
    """A statement in a list."""

    id: Uid
    number: str
    organisation: Uid
    month: str
    state: StatementState


class Statements(Answer):
    """A part of the list, the newest month first."""

    items: list[StatementRow]
    next: str | None


class NewLine(Body):
    """A line of sales; the amount is hours × price. Without a month it is that of the statement."""

    month: Month | None = None
    package: Annotated[str, Field(min_length=1, max_length=120, pattern=SAID), Clean]
    milli_hours: Annotated[int, Field(ge=-reading.MOST_HOURS, le=reading.MOST_HOURS), WHOLE]
    unit_price: Annotated[int, Field(ge=0, le=10**9), WHOLE]
    evidence: Annotated[str, Field(max_length=300), Clean] = ""


class NewReport(Body):
    """A month's sales; an empty list says that nothing was sold."""

    lines: Annotated[list[NewLine], Field(max_length=reading.MOST_LINES)]
    note: Annotated[str, Field(max_length=300), Clean] = ""


class Seen(Body):
    """Which sending was seen."""

    sending: Annotated[int, Field(ge=1, le=10**6), WHOLE]


class NewDispute(Body):
    """What is wrong."""

    words: Annotated[str, Field(min_length=1, max_length=2000, pattern=SAID), Clean]


def _row(row: ComputeStatement) -> StatementRow:
    return StatementRow(
        id=row.uid, number=row.number, organisation=row.seller.org.uid, month=f"{row.month:%Y-%m}", state=row.state
    )  # fmt: skip


def _statement(row: ComputeStatement) -> StatementAnswer:
    seen = showing.seen(row)
    return StatementAnswer(
        id=row.uid, number=row.number, organisation=row.seller.org.uid, month=f"{row.month:%Y-%m}", state=row.state,
        sending=row.sending, deemed_after=row.deemed_after, confirmed_at=row.confirmed_at, base=Amount.of(seen.base),
        commission=Amount.of(seen.commission), carried=Amount.of(seen.carried), tax=Amount.of(seen.tax),
        gross=Amount.of(seen.gross),
        months=[
            MonthAnswer(
                month=f"{one.month:%Y-%m}", base=one.base.minor, before=one.before.minor, rate_bp=one.bp,
                commission=one.commission.minor,
            )
            for one in seen.parts
        ],
        lines=[
            LineAnswer(
                month=f"{one.month:%Y-%m}", package=one.package, milli_hours=one.milli_hours,
                unit_price=one.unit_price.minor, amount=one.amount.minor, evidence=one.evidence,
            )
            for one in seen.lines
        ],
    )  # fmt: skip


@statements_api.get(
    "/statements", operation_id="list_statements", summary=str(_l("Your compute statements")),
    responses=responses(*TOKEN_PROBLEMS, ok=Statements), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def list_statements(query: StatementQuery) -> Any:
    """The newest first: those of the organisations whose sales one reports."""
    rows = access.own(me())
    if query.state:
        rows = rows.where(ComputeStatement.state == StatementState(query.state))
    found, onward = cursors.page(
        rows, [(ComputeStatement.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    return told(Statements(items=[_row(one) for one in found], next=onward))


@statements_api.get(
    "/statements/<uid>", operation_id="get_statement", summary=str(_l("One compute statement")),
    responses=responses(*TOKEN_PROBLEMS, ok=StatementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_READ)
def get_statement(path: OneRow) -> Any:
    """With its lines, and what they make by month."""
    return told(_statement(access.own_statement(path.uid)))


@statements_api.post(
    "/statements/<uid>/report", operation_id="report_statement", summary=str(_l("Report a month's compute sales")),
    responses=responses(*WRITE_PROBLEMS, ok=StatementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def report_statement(path: OneRow, body: NewReport, header: WriteHeaders) -> Any:
    """It replaces what was reported before, until both sides agree; corrections name the month they belong to."""
    row = access.own_statement(path.uid)
    lines = [
        Told(
            reading.month_of(one.month) if one.month else row.month, one.package.strip(), one.milli_hours,
            one.unit_price, figures.amount(one.milli_hours, one.unit_price), one.evidence.strip(),
        )
        for one in body.lines
    ]  # fmt: skip
    return told(_statement(reporting.report(row, lines, by=me().person, nothing=not lines, note=body.note)))


@statements_api.post(
    "/statements/<uid>/confirmation", operation_id="confirm_statement", summary=str(_l("Confirm a compute statement")),
    responses=responses(*WRITE_PROBLEMS, ok=StatementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def confirm_statement(path: OneRow, body: Seen, header: WriteHeaders) -> Any:
    """The sending that was seen, and no other."""
    row = access.own_statement(path.uid)
    settling.confirm(row, by=me().person, sending=body.sending)
    return told(_statement(row))


@statements_api.post(
    "/statements/<uid>/dispute", operation_id="dispute_statement", summary=str(_l("Dispute a compute statement")),
    responses=responses(*WRITE_PROBLEMS, ok=StatementAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.SERVICES_WRITE)
@once
def dispute_statement(path: OneRow, body: NewDispute, header: WriteHeaders) -> Any:
    """Nothing is deemed confirmed until finance has answered."""
    row = access.own_statement(path.uid)
    settling.dispute(row, by=me().person, words=body.words)
    return told(_statement(row))
