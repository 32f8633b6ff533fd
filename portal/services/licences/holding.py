"""Who of staff may suspend a licence for what, and lift it again."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.access import Reader
from portal.accounts.may import STAFF, May
from portal.core.errors import Forbidden
from portal.services.licences.kinds import HoldReason

# What must be among a person's own verbs: money is finance's, abuse is what support sees and a director decides.
OPENS: dict[HoldReason, frozenset[May]] = {
    HoldReason.PAYMENT: frozenset({May.CHASE_DEBTORS}),
    HoldReason.MEMBERSHIP: frozenset({May.DECIDE}),
    HoldReason.ABUSE: frozenset({May.ANSWER_TICKETS, May.DECIDE}),
    HoldReason.REQUEST: frozenset({May.RUN_LICENCES}),
}


def may_hold(reader: Reader, reason: HoldReason) -> bool:
    """Whether a reader may suspend for a reason, and lift what was suspended for it.

    A program's token narrows what its owner may do, but says nothing of his office: that is asked of his roles.
    """
    own = frozenset().union(*(STAFF[role] for role in reader.staff)) if reader.staff else frozenset()
    return reader.staff_may(May.RUN_LICENCES) and bool(own & OPENS[reason])


def may_open(reader: Reader) -> list[HoldReason]:
    """Return the reasons for which a reader may suspend."""
    return [reason for reason in HoldReason if may_hold(reader, reason)]


def check(reader: Reader, reason: HoldReason) -> None:
    """Refuse who may not suspend for a reason."""
    if not may_hold(reader, reason):
        raise Forbidden(_l("Others of staff suspend and lift for this reason."), field="reason")
