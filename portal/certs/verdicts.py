"""Short answers that no key takes: a person says once what a text is worth, for everybody who wrote it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from portal.accounts.people import Person
from portal.certs import case_facts, cases, item_keys
from portal.certs.gift_answers import Kind
from portal.certs.marking import folded
from portal.certs.marking import mark as mark_answer
from portal.certs.models.bank import ItemVersion
from portal.certs.models.delivery import Answer, Attempt
from portal.certs.models.grading import AnswerVerdict
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Refused


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A text that no key of an item takes, and how many wrote it."""

    version: ItemVersion
    text: str
    digest: str
    times: int


def waiting() -> list[Unlisted]:
    """Return the texts that wait for a person, by item; who wrote them is not looked at."""
    rows = db.session.scalars(
        select(Answer)
        .join(ItemVersion, ItemVersion.id == Answer.item_version_id)
        .join(Attempt, Attempt.id == Answer.attempt_id)
        .where(ItemVersion.kind == Kind.SHORT, Attempt.state.in_(cases.OPEN))
        .options(contains_eager(Answer.item_version))
        .order_by(ItemVersion.id, Answer.id)
    ).all()
    keys = item_keys.mended(row.item_version_id for row in rows)
    said = {(one.version_id, one.digest) for one in db.session.scalars(select(AnswerVerdict))}
    found: Counter[tuple[int, str]] = Counter()
    first: dict[tuple[int, str], tuple[ItemVersion, str]] = {}
    for row in rows:
        if not isinstance(row.value, str):
            continue
        at = (row.item_version_id, case_facts.digest(row.value))
        item = item_keys.item(row.item_version, scored=True, keys=keys)
        if at not in said and item.scored and mark_answer(item, row.value).fraction is None:
            found[at] += 1
            first.setdefault(at, (row.item_version, row.value))
    return [Unlisted(*first[at], at[1], times) for at, times in found.items()]


def read_fraction(text: str) -> Decimal:
    """Return a share of the points from 0 to 1 as a person typed it."""
    try:
        share = Decimal(text.strip().replace("，", "."))
    except InvalidOperation:
        share = Decimal(-1)
    if not share.is_finite() or not 0 <= share <= 1 or len(text.strip()) > 10:
        raise Refused(
            _l("Please give a share of the points from 0 to 1, such as 0.5."), field="fraction", status=422
        )
    return share


def say(version: ItemVersion, text: str, fraction: str, *, by: Person) -> AnswerVerdict:
    """Say what a text is worth; everybody who wrote it is scored anew. Said once."""
    share = read_fraction(fraction)
    row = AnswerVerdict(
        version=version, digest=case_facts.digest(text), text=folded(text)[:500], fraction=str(share), by=by
    )
    there = db.session.scalars(
        select(AnswerVerdict).where(
            AnswerVerdict.version_id == version.id, AnswerVerdict.digest == row.digest
        )
    ).first()
    if there is not None:
        raise Refused(_l("Somebody has said already what this answer is worth."))
    db.session.add(row)
    db.session.flush()
    audit.record("answer.judged", version.item, by=by, version=version.n, share=str(share))
    for case in db.session.scalars(cases.with_version([version.id])).all():
        if case.released_at is None:
            cases.rescore(cases.locked(case), reason="answer judged")
    return row
