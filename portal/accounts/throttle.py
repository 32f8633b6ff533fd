"""Guessing is slowed down: waits grow by account and address, and no stranger can lock somebody out."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select

from portal.accounts.people import SignInAttempt
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.vault import derived


@dataclass(frozen=True, slots=True)
class Limit:
    """So many bad tries are free within the window; then the wait doubles from 5 s up to `longest`."""

    window: timedelta
    free: int
    longest: timedelta


# The pair of account and address carries the growing wait; the account alone only a short one, so that
# a stranger elsewhere can slow its owner by seconds and never shut him out.
PAIR = Limit(timedelta(minutes=30), 5, timedelta(minutes=15))
ADDRESS = Limit(timedelta(minutes=30), 40, timedelta(minutes=15))
ACCOUNT = Limit(timedelta(hours=1), 60, timedelta(seconds=20))
KEEP = timedelta(days=2)


class TooMany(Refused):
    """Too many tries; the sentence says how long to wait."""

    status = 429


def _key(*parts: str) -> str:
    return hmac.new(derived("throttle"), "\n".join(parts).encode(), "sha256").hexdigest()


def _keys(account: str) -> list[tuple[str, Limit]]:
    address = request.remote_addr or ""
    return [
        (_key("pair", account, address), PAIR),
        (_key("address", address), ADDRESS),
        (_key("account", account), ACCOUNT),
    ]


def _newcomers() -> list[tuple[str, Limit]]:
    return [(_key("register", request.remote_addr or ""), ADDRESS)]


def _wait(key: str, limit: Limit, now: datetime) -> timedelta:
    good = select(func.max(SignInAttempt.at)).where(SignInAttempt.key == key, SignInAttempt.good)
    last_good = db.session.scalar(good) or now - limit.window
    since = max(last_good, now - limit.window)
    count, last = db.session.execute(
        select(func.count(), func.max(SignInAttempt.at)).where(
            SignInAttempt.key == key, SignInAttempt.good.is_(False), SignInAttempt.at > since
        )
    ).one()
    over = count - limit.free
    if over < 0 or last is None:
        return timedelta()
    pause = min(timedelta(seconds=5 * 2 ** min(over, 12)), limit.longest)
    return max(last + pause - now, timedelta())


def check(account: str) -> None:
    """Raise `TooMany` while the tries for this account from this address must wait."""
    _refuse(_keys(account))


def check_newcomer() -> None:
    """Raise `TooMany` while this address must wait before it makes another account."""
    _refuse(_newcomers())


def note_newcomer() -> None:
    """Remember that this address made an account."""
    with transaction():
        for key, _limit in _newcomers():
            db.session.add(SignInAttempt(key=key, at=clock.now(), good=False))


def _refuse(keys: list[tuple[str, Limit]]) -> None:
    now = clock.now()
    wait = max(_wait(key, limit, now) for key, limit in keys)
    if wait:
        g.retry_after = int(wait.total_seconds()) + 1
        raise TooMany(
            _l(
                "Too many tries. Please wait %(seconds)s seconds and try again.",
                seconds=int(wait.total_seconds()) + 1,
            )
        )


def note(account: str, *, good: bool) -> None:
    """Remember a try, in a transaction of its own: it stays whatever becomes of the request."""
    with transaction():
        for key, limit in _keys(account):
            # A good sign-in clears the way of its account, never that of an address: whoever has an account
            # of his own could else wash off his tries at others'.
            if not good or limit is not ADDRESS:
                db.session.add(SignInAttempt(key=key, at=clock.now(), good=good))


def forget_old() -> int:
    """Delete tries older than two days; return how many."""
    with transaction():
        gone = db.session.execute(
            delete(SignInAttempt).where(SignInAttempt.at < clock.now() - KEEP).returning(SignInAttempt.id)
        )
        return len(gone.all())
