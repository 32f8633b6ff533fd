"""A key that was wrong: put right or dropped by two people, every attempt marked anew, nobody loses a pass."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select

from portal.accounts.people import Person
from portal.certs import case_facts, case_rules, cases, conflicts, grade_notices, item_keys, releasing
from portal.certs.gift_answers import Kind
from portal.certs.item_keys import Key
from portal.certs.models.bank import ItemVersion
from portal.certs.models.deciding import Rekey, RekeyState, SideChange, SideState
from portal.certs.models.delivery import AttemptState
from portal.certs.models.grading import ExamCase
from portal.certs.scoring import score
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move


@dataclass(frozen=True, slots=True)
class Effect:
    """What a mended key would do to a case."""

    case: ExamCase
    before: bool | None
    after: bool | None

    @property
    def turns(self) -> bool:
        """Whether the candidate changes side."""
        return bool(self.before) != bool(self.after)


def found(uid: str) -> Rekey:
    """Return one mended key."""
    row = db.session.scalars(select(Rekey).where(Rekey.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such proposal."))
    return row


def weights_of(version: ItemVersion, right: dict[str, str]) -> Key:
    """Return a key with new weights by option, or new numbers by their place; what is not named stays."""
    key = item_keys.mended([version.id]).get(version.id) or item_keys.key_of(version)
    made: Key = {"options": dict(key["options"]), "numbers": [dict(one) for one in key["numbers"]]}
    if key.get("texts"):
        made["texts"] = [dict(one) for one in key["texts"]]
    for code, text in right.items():
        if code in made["options"]:
            made["options"][code] = _decimal(text)
    return made


def _decimal(text: str) -> str:
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        value = Decimal(9)
    if not value.is_finite() or not -1 <= value <= 1 or len(text.strip()) > 12:
        raise Refused(_l("A weight is a number from −1 to 1."), field="weights", status=422)
    return text.strip()


def propose(version: ItemVersion, key: Key | None, *, by: Person, reason: str) -> Rekey:
    """Propose another key, or none: then the item does not count. A decider confirms."""
    if version.kind is Kind.PRACTICAL:
        raise Refused(_l("A practical task has a rubric and no key."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    now = item_keys.mended([version.id])
    if key == (now[version.id] if version.id in now else item_keys.key_of(version)):
        raise Refused(_l("This is the key that counts already."))
    if key is not None and not _right(key):
        raise Refused(_l("At least one answer must be worth all points."), field="weights", status=422)
    waits = select(Rekey.id).where(Rekey.version_id == version.id, Rekey.state == RekeyState.PROPOSED)
    if db.session.scalar(waits) is not None:
        raise Refused(_l("Somebody has made this proposal already."))
    row = Rekey(version=version, key=key, reason=reason.strip()[:300], by=by)
    _refuse_empty(row)
    db.session.add(row)
    db.session.flush()
    audit.record("rekey.proposed", version.item, by=by, version=version.n, reason=row.reason)
    grade_notices.key_waits(row)
    return row


def _right(key: Key) -> bool:
    weights = [Decimal(one) for one in key["options"].values()] + [
        Decimal(n["weight"]) for n in key["numbers"]
    ]
    return sum(one for one in weights if one > 0) >= 1 or bool(key.get("texts"))


def effects(row: Rekey) -> list[Effect]:
    """Return what a proposal would do to each affected case: nothing is changed."""
    over, made = {row.version.id: row.key}, []
    for case in db.session.scalars(cases.with_version([row.version.id])):
        kept = cases.current(case)
        now = score(case_facts.sections(case, over=over), case_rules.policy(case.rules))
        made.append(Effect(case, kept.passed if kept else None, now.passed))
    return made


def _refuse_empty(row: Rekey) -> None:
    """Refuse to drop what leaves a part without points."""
    try:
        effects(row)
    except ValueError:
        raise Refused(_l("A part of the exam would have no points left.")) from None


def _second(row: Rekey, by: Person) -> Rekey:
    fresh = db.session.get_one(Rekey, row.id, with_for_update={"of": Rekey}, populate_existing=True)
    if fresh.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person decides on it."))
    return fresh


def decline(row: Rekey, *, by: Person) -> None:
    """Let the key stay as it is."""
    fresh = _second(row, by)
    move(fresh, RekeyState.DECLINED)
    fresh.second, fresh.decided_at = by, clock.now()
    audit.record("rekey.declined", fresh.version.item, by=by, version=fresh.version.n)


def confirm(row: Rekey, *, by: Person) -> list[SideChange]:
    """Let the new key count: every attempt is scored anew; who now reaches the cut is listed for a person's word."""
    fresh = _second(row, by)
    move(fresh, RekeyState.DONE)
    fresh.second, fresh.decided_at = by, clock.now()
    db.session.flush()
    audit.record("rekey.done", fresh.version.item, by=by, version=fresh.version.n)
    made = [_again(fresh, case) for case in db.session.scalars(cases.with_version([fresh.version_id])).all()]
    fresh.remarked = len(made)
    db.session.flush()
    turned = [one for one in made if one is not None]
    grade_notices.sides_wait(fresh, len(turned))
    return turned


def _again(row: Rekey, case: ExamCase) -> SideChange | None:
    case = cases.locked(case)
    before, kept = cases.current(case), cases.rescore(case, reason="rekey")
    if case.attempt.state is not AttemptState.RELEASED:
        return None
    if kept is None or before is None or kept.n == before.n:
        return None
    if kept.passed or not kept.body["passed"]:
        return None
    side = SideChange(rekey=row, case=case, body=kept.body)
    db.session.add(side)
    db.session.flush()
    return side


# ---- Who changes side


def sides() -> list[SideChange]:
    """Return the released results that turned and wait for a person, the oldest first."""
    rows = select(SideChange).where(SideChange.state == SideState.OPEN).order_by(SideChange.id)
    return list(db.session.scalars(rows))


def count_waiting() -> Select[Any]:
    """Select how many mended keys wait for a decider."""
    return select(func.count(Rekey.id)).where(Rekey.state == RekeyState.PROPOSED)


def side(uid: str) -> SideChange:
    """Return one result that turned."""
    row = db.session.scalars(select(SideChange).where(SideChange.uid == uid)).first()
    if row is None:
        raise Missing(_l("There is no such result."))
    return row


def decide_side(row: SideChange, *, take: bool, by: Person, reason: str) -> None:
    """Say whether a released result that turned counts; by somebody without a part in the case."""
    case = releasing.locked(row.case)
    fresh = db.session.get_one(SideChange, row.id, with_for_update={"of": SideChange}, populate_existing=True)
    if not conflicts.independent(by, case):
        raise Forbidden(_l("You had a part in this case: somebody else decides."))
    if not reason.strip():
        raise Refused(_l("Please give the reason."), field="reason", status=422)
    move(fresh, SideState.TAKEN if take else SideState.LEFT)
    fresh.by, fresh.decided_at, fresh.reason = by, clock.now(), reason.strip()[:300]
    db.session.flush()
    audit.record("side.taken" if take else "side.left", case, by=by, reason=fresh.reason)
    if take:
        releasing.turn_to_pass(case, by=by, reason="rekey")
