"""The life of a request for a slot as a table, the kinds of work, and the reasons for a place in the queue."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.states import life


class SlotState(StrEnum):
    """The life of a request."""

    WAITING = "waiting"
    OFFERED = "offered"
    BOOKED = "booked"
    USED = "used"
    PASSED = "passed"
    WITHDRAWN = "withdrawn"
    RELEASED = "released"


S = SlotState
SLOT_LIFE = life(
    SlotState,
    {
        S.WAITING: [S.OFFERED, S.WITHDRAWN],
        S.OFFERED: [S.BOOKED, S.PASSED],
        S.PASSED: [S.WAITING, S.WITHDRAWN],
        S.BOOKED: [S.USED, S.RELEASED],
    },
)
labels.name(
    SlotState,
    {
        S.WAITING: _l("Waits for a slot"),
        S.OFFERED: _l("Slot offered"),
        S.BOOKED: _l("Slot booked"),
        S.USED: _l("Slot used"),
        S.PASSED: _l("Offer passed"),
        S.WITHDRAWN: _l("Slot no longer wanted"),
        S.RELEASED: _l("Slot released"),
    },
    {S.WAITING: "wait", S.OFFERED: "warn", S.BOOKED: "good", S.USED: "good", S.PASSED: "bad"},
)
GIVEN = (
    S.OFFERED,
    S.BOOKED,
    S.USED,
)  # what counts against a quarter's slots, a group's share and its twelve months


class WorkKind(StrEnum):
    """What a slot is for."""

    CHIP = "chip"
    MIGRATION = "migration"
    SCENARIO = "scenario"


labels.name(
    WorkKind,
    {
        WorkKind.CHIP: _l("Chip adaptation"),
        WorkKind.MIGRATION: _l("Model migration"),
        WorkKind.SCENARIO: _l("Work on a scenario"),
    },
)


class Why(StrEnum):
    """Why a request stands where it does."""

    LONG = "long"
    SMALL = "small"
    RATIO = "ratio"
    LEFT = "left"
    SHARE = "share"
    PASSED = "passed"


labels.name(
    Why,
    {
        Why.LONG: _l("has waited longer than the rule allows: the oldest first"),
        Why.SMALL: _l("the quarter's slot for small members"),
        Why.RATIO: _l("fewest slots for its weight"),
        Why.LEFT: _l("no member: has what is left"),
        Why.SHARE: _l("the corporate group has its share of this quarter"),
        Why.PASSED: _l("passed a slot of this quarter, and keeps its place for the next"),
    },
)
