"""Vouchers: made by one and large ones approved by another, redeemed by one conditional update, given back with the order."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update

from portal.accounts.people import Person
from portal.billing.discounting import alone_bp
from portal.billing.pricing import WHOLE_BP
from portal.certs import levels
from portal.certs.models.eligibility import (
    Eligibility,
    ExamKind,
    Voucher,
    VoucherKind,
    VoucherState,
    VoucherUse,
)
from portal.core import audit, clock, vault
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.money import half_up
from portal.core.states import move

V = VoucherKind
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none is taken for another
LENGTH = 16
INVALID = _l("This voucher code is not valid here.")


def fresh_code() -> str:
    """Return 16 letters and digits: 80 random bits."""
    return "".join(secrets.choice(SIGNS) for _ in range(LENGTH))


def shown(code: str) -> str:
    """Return a code as people read it: in groups of four."""
    return "-".join(code[n : n + 4] for n in range(0, LENGTH, 4))


def read(text: str) -> str:
    """Return a code as typed by a person in the form it is hashed: no gaps, no look-alikes."""
    kept = "".join(char for char in text.upper() if char.isalnum())[:64]
    return kept.translate(str.maketrans("OIL", "011"))


def make(
    *, by: Person, kind: VoucherKind, words: str, starts: date, ends: date, **more: Any
) -> tuple[Voucher, str]:
    """Write a voucher down and return it with its code, which is shown once; large ones wait for a second person."""
    code = fresh_code()
    row = Voucher(
        code_hash=vault.digest(code),
        hint=code[:4],
        kind=kind,
        words=words,
        by=by,
        starts=starts,
        ends=ends,
        **more,
    )
    if row.ends <= row.starts:
        raise Refused(_l("The last day lies before the first."), field="ends", status=422)
    if kind is V.PERCENT and not 0 < row.value <= WHOLE_BP:
        raise Refused(_l("Please give a percentage above 0 and up to 100."), field="value", status=422)
    if kind is V.AMOUNT and row.value <= 0:
        raise Refused(_l("The amount must be more than zero."), field="value", status=422)
    large = kind is not V.SEAT and needs_second(row)
    if large and not row.reason:
        raise Refused(
            _l("Please give the reason: a second person decides on it."), field="reason", status=422
        )
    row.state = VoucherState.PROPOSED
    db.session.add(row)
    if not large:
        move(row, VoucherState.ACTIVE)
    db.session.flush()
    audit.record("voucher.made", row, by=by, kind=kind, words=words, reason=row.reason, most=row.most)
    return row, code


def needs_second(row: Voucher) -> bool:
    """Whether a voucher takes off more than one person may give, of the cheapest exam it is for."""
    codes = row.levels or [one.code for one in levels.levels()]
    listed = min((levels.price(code, ExamKind.EXAM).amount.minor for code in codes), default=0)
    return off(row, listed) * WHOLE_BP > listed * alone_bp()


def off(row: Voucher, listed: int) -> int:
    """Return what a voucher takes off a list price, in fen."""
    if row.kind is V.PERCENT:
        return half_up(listed * row.value, WHOLE_BP)
    if row.kind is V.AMOUNT:
        return min(row.value, listed)
    return listed


def locked(voucher_id: int) -> Voucher:
    """Return a voucher under its lock."""
    return db.session.get_one(Voucher, voucher_id, with_for_update={"of": Voucher}, populate_existing=True)


def _decide(row: Voucher, to: VoucherState, *, by: Person) -> Voucher:
    fresh = locked(row.id)
    if fresh.by_id == by.id:
        raise Forbidden(_l("You made this voucher yourself: a second person decides on it."))
    move(fresh, to)
    fresh.second = by
    audit.record(f"voucher.{to}", fresh, by=by, words=fresh.words)
    return fresh


def approve(row: Voucher, *, by: Person) -> Voucher:
    """Stand for another's voucher: it may be used."""
    return _decide(row, VoucherState.ACTIVE, by=by)


def decline(row: Voucher, *, by: Person) -> Voucher:
    """Say no to another's voucher."""
    return _decide(row, VoucherState.DECLINED, by=by)


def end(row: Voucher, *, by: Person) -> None:
    """Let nobody use a voucher from now on; what it bought stays."""
    fresh = locked(row.id)
    move(fresh, VoucherState.ENDED)
    audit.record("voucher.ended", fresh, by=by, words=fresh.words)


def redeem(code: str, person: Person, *, level: str = "") -> Voucher:
    """Count one use of a voucher in the present transaction; one sentence for whatever is wrong with it.

    The update is judged again by whoever waited for it, so a voucher is never used beyond its count.
    """
    today = clock.today()
    used = (
        update(Voucher)
        .where(
            Voucher.code_hash == vault.digest(read(code)), Voucher.state == VoucherState.ACTIVE,
            Voucher.used < Voucher.most, Voucher.starts <= today, Voucher.ends > today,
        )
        .values(used=Voucher.used + 1)
        .returning(Voucher.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    found = db.session.scalar(used)
    if found is None:
        raise Refused(INVALID, field="code", status=422)
    row = db.session.get_one(Voucher, found, populate_existing=True)
    mine = select(func.count(VoucherUse.id)).where(
        VoucherUse.voucher_id == row.id, VoucherUse.person_id == person.id, VoucherUse.returned_at.is_(None)
    )
    elsewhere = bool(row.levels) and level != "" and level not in row.levels
    if elsewhere or (db.session.scalar(mine) or 0) >= row.per_person:
        raise Refused(INVALID, field="code", status=422)
    return row


def note(row: Voucher, eligibility: Eligibility, person: Person) -> None:
    """Write down what a use of a voucher was for."""
    db.session.add(VoucherUse(voucher=row, person=person, eligibility=eligibility))
    db.session.flush()


def give_back(eligibility: Eligibility) -> None:
    """Give the use of a voucher back: its order was cancelled."""
    uses = db.session.scalars(
        select(VoucherUse).where(
            VoucherUse.eligibility_id == eligibility.id, VoucherUse.returned_at.is_(None)
        )
    ).all()
    for use in uses:
        use.returned_at = clock.now()
        db.session.execute(
            update(Voucher)
            .where(Voucher.id == use.voucher_id, Voucher.used > 0)
            .values(used=Voucher.used - 1)
            .execution_options(synchronize_session=False)
        )
    db.session.flush()
