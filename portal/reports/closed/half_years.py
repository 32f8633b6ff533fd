"""The public half-yearly account by its verbs: drafted from snapshots, proposed by one, released by another, corrected by a new edition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing import closing
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move
from portal.reports.closed import account_figures
from portal.reports.closed.models import AccountState, HalfYear

A = AccountState


@dataclass(frozen=True, slots=True)
class Words:
    """What people write into an account: its use of funds, its words, and why it is corrected, in both languages."""

    uses: Sequence[tuple[str, str, int]] = ()
    zh: str = ""
    en: str = ""
    reason_zh: str = ""
    reason_en: str = ""


def locked(uid: str) -> HalfYear | None:
    """Return an edition for a change; None if there is none."""
    return db.session.scalars(
        select(HalfYear).where(HalfYear.uid == uid).with_for_update(of=HalfYear)
    ).first()


def editions(year: int, half: int) -> list[HalfYear]:
    """Return every edition of a half year that was not dropped, the newest first."""
    statement = select(HalfYear).where(
        HalfYear.year == year, HalfYear.half == half, HalfYear.state != A.DROPPED
    )
    return list(db.session.scalars(statement.order_by(HalfYear.edition.desc())))


def released(year: int, half: int) -> list[HalfYear]:
    """Return the released editions of a half year, the newest first."""
    return [row for row in editions(year, half) if row.state is A.RELEASED]


def halves() -> list[tuple[int, int]]:
    """Return the half years with a released account, the newest first."""
    statement = select(HalfYear.year, HalfYear.half).where(HalfYear.state == A.RELEASED).distinct()
    return sorted(((row[0], row[1]) for row in db.session.execute(statement)), reverse=True)


def _figures(year: int, half: int) -> dict[str, Any]:
    before = released(year, half)
    together = [line["streams"] for row in before for line in row.figures["lines"]]
    return account_figures.figures(year, half, together=together)


def draft(year: int, half: int, *, by: Person) -> HalfYear:
    """Draft an edition of a half year that is over, from the snapshots of its months; one at a time."""
    if not (2000 <= year <= 2199 and half in (1, 2)):
        raise Refused(_l("There is no such half year."), status=422)
    if any(row.state in (A.DRAFT, A.PROPOSED) for row in editions(year, half)):
        raise Refused(_l("An edition of this half year is being drafted already."), status=422)
    last = db.session.scalar(
        select(func.max(HalfYear.edition)).where(HalfYear.year == year, HalfYear.half == half)
    )
    row = HalfYear(year=year, half=half, edition=(last or 0) + 1, figures=_figures(year, half), by=by)
    if before := released(year, half):
        row.uses, row.words_zh, row.words_en = before[0].uses, before[0].words_zh, before[0].words_en
    db.session.add(row)
    db.session.flush()
    audit.record("half_year.drafted", row, by=by, edition=row.edition, period=f"{year}/{half}")
    return row


def save(row: HalfYear, words: Words, *, by: Person) -> None:
    """Write use of funds and words into a draft, and read its figures anew."""
    if row.state is not A.DRAFT:
        raise Refused(_l("Only a draft can be changed."))
    row.uses = [{"zh": zh, "en": en, "amount": fen} for zh, en, fen in words.uses]
    row.words_zh, row.words_en = words.zh, words.en
    row.reason_zh, row.reason_en = words.reason_zh, words.reason_en
    row.figures = _figures(row.year, row.half)
    audit.record("half_year.saved", row, by=by, edition=row.edition)


def propose(row: HalfYear, *, by: Person) -> None:
    """Propose to release a draft: its use of funds is told, and a correction says in both languages why."""
    if not row.uses:
        raise Refused(_l("Please enter the use of funds first."), status=422)
    if released(row.year, row.half) and not (row.reason_zh and row.reason_en):
        raise Refused(_l("Please say in both languages what this edition corrects."), status=422)
    move(row, A.PROPOSED)
    row.proposed_by = by
    audit.record("half_year.proposed", row, by=by, edition=row.edition)


def give_back(row: HalfYear, *, by: Person) -> None:
    """Give a proposed edition back to be changed."""
    if row.state is not A.PROPOSED:
        raise Refused(_l("This edition is not proposed."))
    move(row, A.DRAFT)
    row.proposed_by = None
    audit.record("half_year.returned", row, by=by, edition=row.edition)


def drop(row: HalfYear, *, by: Person) -> None:
    """Drop a draft."""
    move(row, A.DROPPED)
    audit.record("half_year.dropped", row, by=by, edition=row.edition)


def release(row: HalfYear, *, by: Person) -> None:
    """Release what another proposed: the public reads it from now on, and it never changes again.

    A month that was closed anew since is no reason to show what is no longer true: such a draft goes back.
    """
    if row.state is not A.PROPOSED:
        raise Refused(_l("Nobody proposed to release this edition."))
    if row.proposed_by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person releases it."))
    now = account_figures.closed(row.year, row.half)
    if [one.hash for one in now] != [one["hash"] for one in row.figures["snapshots"]]:
        raise Refused(_l("A month was closed anew since this was proposed: give it back and save it again."))
    move(row, A.RELEASED)
    row.released_by, row.released_at = by, clock.now()
    audit.record("half_year.released", row, by=by, edition=row.edition)


def due_on(year: int, half: int) -> date:
    """Return by when the account of a half year is due: a day of the same year, or of the next."""
    month, day = (int(part) for part in str(catalogue.policy("account.due")[half - 1]).split("-"))
    return date(year + (half == 2), month, day)


def last_half(today: date) -> tuple[int, int]:
    """Return the last half year that is over."""
    return (today.year, 1) if today.month > 6 else (today.year - 1, 2)


def owed(today: date) -> tuple[int, int] | None:
    """Return the last half year that is over, if the books reach back to it and nothing of it is released yet."""
    year, half = last_half(today)
    begun = closing.first_month()
    if begun is None or begun > date(year, 6 * half, 1):
        return None
    return None if released(year, half) else (year, half)
