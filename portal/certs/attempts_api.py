"""Operations about one's own attempts: how far each has come, and its result once that is released. Read only."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from pydantic import Field
from sqlalchemy.orm import selectinload

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.certs import appealing, cases, proctoring
from portal.certs.models.delivery import (
    ENDED,
    Attempt,
    AttemptPart,
    AttemptState,
    Ending,
    PartState,
)
from portal.certs.scoring import shown
from portal.certs.seat_access import found
from portal.certs.sitting_access import own_attempts
from portal.core import cursors
from portal.core.api import TOKEN_PROBLEMS, Answer, OneRow, Paged, Uid, operations, responses, told

attempts_api = operations("api_attempts", __name__, str(_l("Exams")))
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]


class Progress(StrEnum):
    """How far an attempt is, as its candidate is told: who marks it, and how they agree, is nobody's business before."""

    READY = "ready"
    RUNNING = "running"
    MARKING = "marking"
    RELEASED = "released"
    ABANDONED = "abandoned"
    INVALIDATED = "invalidated"


class AttemptPartAnswer(Answer):
    """A part with its own clock; one to come is opened before `open_until`."""

    code: str
    state: PartState
    open_until: datetime | None
    started_at: datetime | None
    due_at: datetime | None
    ended_at: datetime | None
    ending: Ending | None


class SectionAnswer(Answer):
    """What was reached in a part, its weight and its least share, in per cent with two decimals."""

    code: str
    weight: str = Field(examples=["40.00"])
    reached: str = Field(examples=["71.25"])
    least: str = Field(examples=["50.00"])


class ResultAnswer(Answer):
    """A released result; shares are in per cent with two decimals, and were compared unrounded."""

    passed: bool
    total: str = Field(examples=["68.40"])
    cut: str = Field(examples=["65.00"])
    provisional: bool
    sections: list[SectionAnswer]
    released_at: datetime
    appeal_until: datetime | None


class AttemptAnswer(Answer):
    """One's own attempt. `held` is why the result waits; `result` is null until it is released."""

    id: Uid
    booking: Uid
    level: str
    state: Progress
    started_at: datetime | None
    ended_at: datetime | None
    parts: list[AttemptPartAnswer]
    held: str | None
    result: ResultAnswer | None


class Attempts(Answer):
    """A part of the list, the newest first."""

    items: list[AttemptAnswer]
    next: str | None


def _part(row: AttemptPart) -> AttemptPartAnswer:
    return AttemptPartAnswer(
        code=row.code, state=row.state, open_until=row.open_until, started_at=row.started_at, due_at=row.due_at,
        ended_at=row.ended_at, ending=row.ending,
    )  # fmt: skip


def _percent(value: str) -> str:
    return shown(Fraction(value))


def _result(row: Attempt) -> ResultAnswer | None:
    """Return what was released of an attempt, and stands."""
    case = cases.of_attempt(row.id) if row.state is AttemptState.RELEASED else None
    kept = cases.current(case) if case is not None else None
    if case is None or kept is None or case.released_at is None:
        return None
    body = kept.body
    return ResultAnswer(
        passed=bool(kept.passed), total=_percent(body["total"]), cut=_percent(body["cut"]), released_at=case.released_at,
        provisional=bool(case.rules["provisional"]), appeal_until=appealing.last_moment(case),
        sections=[
            SectionAnswer(
                code=part.code, weight=_percent(one["weight"]), reached=_percent(one["fraction"]), least=_percent(one["minimum"])
            )
            for part in row.parts
            if (one := body["sections"].get(part.code)) is not None
        ],
    )  # fmt: skip


def _attempt(row: Attempt) -> AttemptAnswer:
    state = Progress.MARKING if row.state in ENDED else Progress(row.state.value)
    hold = proctoring.standing_hold(row.id) if row.state in ENDED else None
    return AttemptAnswer(
        id=row.uid, booking=row.booking.uid, level=row.level, state=state, started_at=row.started_at, ended_at=row.ended_at,
        parts=[_part(one) for one in row.parts], held=hold.reason if hold is not None else None, result=_result(row),
    )  # fmt: skip


@attempts_api.get(
    "/attempts", operation_id="list_attempts", summary=str(_l("Your own attempts at exams")),
    responses=responses(*TOKEN_PROBLEMS, ok=Attempts), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_READ)
def list_attempts(query: Paged) -> Any:
    """The newest first, each with its result once released; a token of an organisation reads none."""
    rows, onward = cursors.page(
        own_attempts(me()).options(selectinload(Attempt.parts)), [(Attempt.id, int)], limit=query.limit,
        cursor=query.cursor, newest=True,
    )  # fmt: skip
    return told(Attempts(items=[_attempt(row) for row in rows], next=onward))


@attempts_api.get(
    "/attempts/<uid>", operation_id="get_attempt", summary=str(_l("One of your attempts")),
    responses=responses(*TOKEN_PROBLEMS, ok=AttemptAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.EXAMS_READ)
def get_attempt(path: OneRow) -> Any:
    """With the clock of its part in hand, and its result once released."""
    row: Attempt = found(own_attempts(me()).where(Attempt.uid == path.uid))
    return told(_attempt(row))
