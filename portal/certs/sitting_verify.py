"""What must hold of attempts: clocks, answers and states counted anew from the rows."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from portal.certs import sitting
from portal.certs.models.bank import FormItem
from portal.certs.models.booking import Booking, BookingState
from portal.certs.models.delivery import (
    Answer,
    AnswerSave,
    Attempt,
    AttemptPart,
    AttemptState,
    PartState,
    Submission,
)
from portal.certs.models.watching import Invalidation, InvalidationState
from portal.core.db import db

A, P = AttemptState, PartState


def verify_sittings() -> tuple[int, list[str]]:
    """Check every attempt; return how many there are and what is wrong."""
    count = db.session.scalar(select(func.count(Attempt.id))) or 0
    checks = (_clocks, _states, _answers, _late, _forms, _works, _eyes)
    return int(count), [fault for check in checks for fault in check()]


def _clocks() -> list[str]:
    rows = db.session.scalars(
        select(AttemptPart).where(AttemptPart.started_at.is_not(None)).order_by(AttemptPart.id)
    )
    return [
        f"attempts: part {row.id} is due at {row.due_at}, its minutes and grants say {sitting.deadline(row)}"
        for row in rows
        if row.due_at != sitting.deadline(row)
    ]


def _states() -> list[str]:
    """Find attempts whose parts do not fit them, and bookings that do not fit their attempts."""
    found = []
    for row in db.session.scalars(select(Attempt).options(selectinload(Attempt.parts)).order_by(Attempt.id)):
        ended = bool(row.parts) and all(one.state is P.ENDED for one in row.parts)
        waiting = row.state is A.READY
        begun = any(one.state is not P.TO_COME for one in row.parts)
        if (waiting and begun) or (row.state is A.RUNNING and ended):
            found.append(f"attempts: {row.uid} is {row.state}, its parts say something else")
        if row.state not in {A.READY, A.RUNNING, A.ABANDONED} and not ended:
            found.append(f"attempts: {row.uid} is {row.state} while a part of it is open")
    lost = (
        select(Booking.uid)
        .join(Attempt, Attempt.booking_id == Booking.id)
        .where(Booking.state.not_in((BookingState.PRESENT, BookingState.SAT)))
    )
    return [*found, *(f"attempts: booking {uid} was never checked in" for uid in db.session.scalars(lost))]


def _answers() -> list[str]:
    """Compare each answer with the save of the greatest number."""
    last = select(AnswerSave.answer_id, func.max(AnswerSave.seq).label("seq")).group_by(AnswerSave.answer_id)
    top = last.subquery()
    rows = (
        select(Answer, AnswerSave)
        .outerjoin(top, top.c.answer_id == Answer.id)
        .outerjoin(AnswerSave, (AnswerSave.answer_id == Answer.id) & (AnswerSave.seq == top.c.seq))
        .order_by(Answer.id)
    )
    return [
        f"attempts: answer {row.id} is not what was saved last"
        for row, save in db.session.execute(rows)
        if (row.seq, row.value) != ((save.seq, save.value) if save is not None else (0, None))
    ]


def _late() -> list[str]:
    rows = (
        select(AnswerSave.id, AnswerSave.at, AttemptPart.due_at)
        .join(Answer, AnswerSave.answer_id == Answer.id)
        .join(AttemptPart, Answer.part_id == AttemptPart.id)
    )
    return [
        f"attempts: save {number} was taken after the deadline"
        for number, at, due in db.session.execute(rows)
        if due is None or at > due + sitting.grace()
    ]


def _forms() -> list[str]:
    """Find answers to what does not stand in the form of their part."""
    rows = (
        select(Answer.id)
        .join(AttemptPart, Answer.part_id == AttemptPart.id)
        .outerjoin(
            FormItem,
            (FormItem.form_id == AttemptPart.form_id)
            & (FormItem.position == Answer.position)
            & (FormItem.version_id == Answer.item_version_id),
        )
        .where(FormItem.id.is_(None))
    )
    return [f"attempts: answer {one} stands in no form" for one in db.session.scalars(rows)]


def _works() -> list[str]:
    rows = (
        select(Submission.uid, Submission.handed_in_at, AttemptPart.due_at)
        .join(AttemptPart, Submission.part_id == AttemptPart.id)
        .order_by(Submission.id)
    )
    return [
        f"attempts: submission {uid} came after the deadline"
        for uid, at, due in db.session.execute(rows)
        if due is None or at > due + sitting.grace()
    ]


def _eyes() -> list[str]:
    alone = select(Invalidation.uid).where(
        (Invalidation.second_id == Invalidation.by_id)
        | (
            (Invalidation.state == InvalidationState.CONFIRMED)
            & (Invalidation.decided_at < Invalidation.not_before)
            & Invalidation.heard_at.is_(None)
        )
    )
    return [f"attempts: proposal {uid} was decided too soon or alone" for uid in db.session.scalars(alone)]
