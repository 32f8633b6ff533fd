"""The lives of a sponsor's place and of what it promises, as tables, and what a place may exclude."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels
from portal.core.states import life


class PlaceState(StrEnum):
    """The life of a place."""

    OPEN = "open"
    HELD = "held"
    SIGNED = "signed"
    RUNNING = "running"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


P = PlaceState
PLACE_LIFE = life(
    PlaceState,
    {
        P.OPEN: [P.HELD],
        P.HELD: [P.OPEN, P.SIGNED],
        P.SIGNED: [P.RUNNING, P.CANCELLED],
        P.RUNNING: [P.FULFILLED, P.CANCELLED],
    },
)
labels.name(
    PlaceState,
    {
        P.OPEN: _l("Place for sale"),
        P.HELD: _l("Place held"),
        P.SIGNED: _l("Contract signed"),
        P.RUNNING: _l("Place in use"),
        P.FULFILLED: _l("Place fulfilled"),
        P.CANCELLED: _l("Place cancelled"),
    },
    {P.HELD: "wait", P.SIGNED: "good", P.RUNNING: "good", P.FULFILLED: "good", P.CANCELLED: "bad"},
)
SOLD = (P.SIGNED, P.RUNNING, P.FULFILLED)


class PromiseState(StrEnum):
    """The life of something promised on a place."""

    DUE = "due"
    GIVEN = "given"
    DONE = "done"


I = PromiseState  # noqa: E741
ITEM_LIFE = life(PromiseState, {I.DUE: [I.GIVEN, I.DONE], I.GIVEN: [I.DONE, I.DUE]})
labels.name(
    PromiseState,
    {I.DUE: _l("To be done"), I.GIVEN: _l("Handed in by the sponsor"), I.DONE: _l("Done and proved")},
    {I.DUE: "warn", I.GIVEN: "wait", I.DONE: "good"},
)


class PromiseKind(StrEnum):
    """Whose turn it is: a benefit is for the foundation to give, an asset for the sponsor to hand in."""

    BENEFIT = "benefit"
    ASSET = "asset"


labels.name(PromiseKind, {PromiseKind.BENEFIT: _l("We give"), PromiseKind.ASSET: _l("The sponsor hands in")})


class Scope(StrEnum):
    """What a sponsor has for himself: nothing, his package, his kind of organisation, or the whole edition."""

    NONE = "none"
    PACKAGE = "package"
    CATEGORY = "category"
    EDITION = "edition"


labels.name(
    Scope,
    {
        Scope.NONE: _l("Not exclusive"),
        Scope.PACKAGE: _l("Alone in the package"),
        Scope.CATEGORY: _l("Alone of its kind of organisation"),
        Scope.EDITION: _l("Alone in the edition"),
    },
)
