"""Reconciling with the provider, nightly and by hand: whatever an event should have told is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import structlog

from portal.billing import charging, gateway, gateway_books, hearing, inbox, online, sending
from portal.billing.sessions import Session
from portal.core import clock
from portal.core.db import let_go

log = structlog.get_logger(__name__)
# So long Stripe tries to deliver an event.
BACK = timedelta(days=3)


def reconcile() -> int:
    """Settle live attempts, charges, refunds under way, and what the provider has of three days; return how many."""
    if not gateway.which():
        return 0
    done = online.sweep() + charging.sweep() + sending.sweep()
    found = gateway_books.recent(clock.now() - BACK)
    done += _each(found.sessions, _session)
    done += _each(found.events, inbox.keep)
    return done + _each(found.payouts, lambda name: hearing.settle_payout(name) is not None)


def _session(found: Session) -> bool:
    let_go()
    if online.adopt(found) or found.status != "open":
        return online.settle(found.id) is not None
    return False


def _each(things: Iterable[Any], work: Callable[[Any], bool]) -> int:
    """Work each thing by itself: one that fails is logged and holds up nothing else."""
    done = 0
    for thing in things:
        try:
            done += work(thing)
        except Exception:
            log.exception("reconcile.failed", thing=str(thing)[:200])
            let_go()
    return done
