"""A node at the door: asked without a session first, then one UPDATE, and under the licence's lock only for a seat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from portal.core import clock
from portal.core.db import transaction
from portal.services.licences import beating, claiming, quick, refusals
from portal.services.licences.claiming import Seated
from portal.services.licences.denial import Denied, Not
from portal.services.licences.judge import Ask
from portal.services.licences.kinds import Code
from portal.services.licences.seats import FINGERPRINT, Report


def put(
    digests: Sequence[str], ask: Ask, report: Report, *, admit: Callable[[str], None] = lambda _who: None
) -> Seated:
    """Claim or renew a seat; sent any number of times, it is one. Raises `Denied`, which is counted beside it.

    `admit` is asked first, with whose claim it is: the licence, whichever of its keys was sent. What it refuses is no
    refused claim.
    """
    if not FINGERPRINT.fullmatch(ask.fingerprint):
        raise Denied(Not.FINGERPRINT_INVALID)
    now = clock.now()
    found = quick.look(digests, ask, now)
    admit(digests[0] if found is None else f"licence:{found.licence_id}")
    try:
        verdict = claiming.renewable(found, ask, report, now)
        if found is not None and verdict is not None:
            if beating.usual(found, report):
                seated = beating.beat(found, verdict, ask, report, now)
            else:
                with transaction():
                    seated = claiming.renew(found, verdict, ask, report, now)
            if seated is not None:
                return seated
        assert found is not None  # an unknown key was refused above
        with transaction():
            return claiming.claim(found.licence_id, digests, ask, report)
    except Denied as refused:
        if found is not None:
            refusals.count(found.licence_id, refused.code, now)
        raise


def drop(digests: Sequence[str], fingerprint: str, run: str) -> None:
    """Give a seat back; repeated, it changes nothing."""
    found = quick.look(digests, Ask(fingerprint), clock.now())
    if found is None or (found.facts.key_ends is not None and found.facts.key_ends <= clock.now()):
        raise Denied(Code.KEY_UNKNOWN)
    if found.node_id is None:
        return
    with transaction():
        claiming.goodbye(found.licence_id, fingerprint, run)
