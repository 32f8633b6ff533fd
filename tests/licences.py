"""Builders for tests of licences: a company with a licence and its key, nodes that claim as a tool would."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update

from portal.accounts.organisations import Organisation
from portal.core import clock
from portal.core.db import db, transaction
from portal.services.licences import claiming, facts, keyring, keys, life
from portal.services.licences.judge import Ask
from portal.services.licences.kinds import Policy, TermKind
from portal.services.licences.models.licence import Licence
from portal.services.licences.seats import Report
from tests.people import make_org

PLAN, TOOL = "flagscale-node", "flagscale"


def licence(
    nodes: int = 2, *, org: Organisation | None = None, days: float = 365, began: float = 1, **columns: Any
) -> tuple[Licence, str]:
    """Add an active licence with a base term and a key; return both. Call inside a transaction."""
    row = life.order(org or make_org("Galaxy Ltd"), PLAN, by="test")
    now = clock.now()
    if columns:
        db.session.execute(update(Licence).where(Licence.id == row.id).values(**columns))
    life.add_term(
        row.id, TermKind.BASE, nodes, start=now - timedelta(days=began), end=now + timedelta(days=days),
        source=f"test:{row.uid}", by="test",
    )  # fmt: skip
    return row, keyring.make(row.id, label="cluster", by="test")[1]


def digests(key: str) -> tuple[str, ...]:
    """Return what is stored of a key."""
    body = keys.read(key)
    assert body is not None
    return keys.digests(body)


def claim(key: str, fingerprint: str, **said: str) -> claiming.Seated:
    """Claim or renew as the API does, each step in transactions of its own."""
    from portal.services.licences import putting

    return putting.put(digests(key), Ask(fingerprint, TOOL), Report(**said))


def goodbye(key: str, fingerprint: str, run: str = "") -> None:
    """Give a seat back as the API does."""
    from portal.services.licences import putting

    putting.drop(digests(key), fingerprint, run)


def code_of(key: str, fingerprint: str, *, at: datetime | None = None) -> str:
    """Return what validation answers."""
    from portal.services.licences import quick
    from portal.services.licences.judge import judge

    now, ask = at or clock.now(), Ask(fingerprint, TOOL)
    found = quick.look(digests(key), ask, now)
    return judge(found.facts if found else None, ask, now).code.value


__all__ = ["Policy", "claim", "code_of", "digests", "facts", "goodbye", "licence", "transaction"]
