"""The life of a compute statement as a table, with its words."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.states import life


class StatementState(StrEnum):
    """The life of a statement."""

    EXPECTED = "expected"
    DRAFT = "draft"
    SENT = "sent"
    DISPUTED = "disputed"
    CONFIRMED = "confirmed"
    INVOICED = "invoiced"


S = StatementState
STATEMENT_LIFE = life(
    StatementState,
    {
        S.EXPECTED: [S.DRAFT],
        S.DRAFT: [S.SENT],
        S.SENT: [S.CONFIRMED, S.DISPUTED],
        S.DISPUTED: [S.SENT],
        S.CONFIRMED: [S.INVOICED],
    },
)
labels.name(
    StatementState,
    {
        S.EXPECTED: _l("Sales to be reported"),
        S.DRAFT: _l("Reported, being checked"),
        S.SENT: _l("Sent to the seller"),
        S.DISPUTED: _l("Disputed by the seller"),
        S.CONFIRMED: _l("Statement confirmed"),
        S.INVOICED: _l("Statement invoiced"),
    },
    {
        S.EXPECTED: "warn",
        S.DRAFT: "wait",
        S.SENT: "wait",
        S.DISPUTED: "bad",
        S.CONFIRMED: "good",
        S.INVOICED: "good",
    },
)
REPORTABLE = (S.EXPECTED, S.DRAFT, S.DISPUTED)  # the lines may still change
OPEN = (S.DRAFT, S.SENT, S.DISPUTED)  # reported, and nothing agreed
AGREED = (S.CONFIRMED, S.INVOICED)
