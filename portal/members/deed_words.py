"""How what two of staff do together reads in a history, and what endings, holds and moved rows are called."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from portal.core import catalogue, labels, story
from portal.members.deed_models import DeedVerb
from portal.members.standing import EndingCause, HoldCause

C, H = EndingCause, HoldCause
ROWS: dict[str, LazyString] = {
    "contact": _l("contacts"), "invitation": _l("invitations"), "former_name": _l("former names"),
    "ownership": _l("shares"), "api_token": _l("tokens"), "party": _l("invoice details"),
    "application": _l("applications"), "membership": _l("memberships"), "term": _l("terms"),
    "membership_hold": _l("suspensions"), "membership_reversal": _l("reversals"), "organisation": _l("entries"),
    "organisation_pair": _l("comparisons"),
}  # fmt: skip


def install() -> None:
    """Name the causes, the verbs of the audit chain and their details."""
    labels.name(
        EndingCause,
        {
            C.RESIGNED: _l("Resigned"), C.EXPELLED: _l("Expelled"), C.CANCELLED: _l("Term cancelled"),
            C.TIER_CHANGE: _l("Change of tier"), C.ABSORBED: _l("Joined with another membership"),
        },
    )  # fmt: skip
    labels.name(
        HoldCause,
        {H.CONDUCT: _l("Conduct"), H.COMPLIANCE: _l("Compliance matter"), H.ARREARS: _l("Arrears")},
    )
    _verbs()
    _values()


def _verbs() -> None:
    story.words(
        {
            "membership.term_ended": (_l("Term ended"), "calendar-x"),
            "membership.ending_undone": (_l("Ending undone"), "arrow-counterclockwise"),
            "membership.suspended": (_l("Membership suspended"), "pause-circle"),
            "membership.lifted": (_l("Suspension lifted"), "play-circle"),
            "membership.founding_set": (_l("Founding badge changed"), "award"),
            "membership.absorbed": (_l("Memberships joined"), "intersect"),
            "organisation.merged": (_l("Entries merged"), "intersect"),
            "organisation.merge_undone": (_l("Merge undone"), "arrow-counterclockwise"),
            "agreement.revived": (_l("Agreement in force again"), "pen"),
            "credit.passed": (_l("Credit passed on"), "cash-coin"),
            "credit.received": (_l("Credit received"), "cash-coin"),
            "deed.proposed": (_l("Proposed to a second person"), "pencil-square"),
            "deed.confirmed": (_l("Confirmed by a second person"), "check2-all"),
            "deed.declined": (_l("Declined by a second person"), "x-circle"),
        },
        {
            "cause": _l("Cause"),
            "barred_until": _l("Barred until"), "bar_for_good": _l("Barred for good"), "second": _l("Confirmed by"),
            "other": _l("The other one"), "moved": _l("Moved"), "what": _l("What"), "by_list": _l("Reason of the list"),
        },
    )  # fmt: skip


def _named(kind: type[StrEnum]) -> story.Said:
    known = {one.value: one for one in kind}
    return lambda value: labels.label(known[value]) if value in known else str(value)


def _reason(value: object) -> str:
    for kind in ("hold_reason", "lift_reason"):
        if body := catalogue.entries(kind).get(str(value)):
            return catalogue.in_words(body["name"])
    return str(value)


def rows(value: object) -> str:
    """Return `table:number` as people read it."""
    table, _colon, number = str(value).partition(":")
    return f"{ROWS.get(table, table)} {number}"


def _values() -> None:
    story.values(
        {
            "membership.term_ended/cause": _named(EndingCause),
            "membership.ending_undone/cause": _named(EndingCause),
            "membership.suspended/cause": _named(HoldCause),
            "membership.lifted/cause": _named(HoldCause),
            "by_list": _reason,
            "what": _named(DeedVerb),
            "moved": rows,
        }
    )
