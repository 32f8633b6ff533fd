"""The money of licences as `wiring.py` lets it in: its catalogue, its verbs in words, what stops a merge."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import catalogue, story
from portal.core.errors import Refused
from portal.services.licences import included, moving


def _check(body: dict[str, object]) -> None:
    try:
        included.check(body)
    except (KeyError, ValueError, TypeError) as error:
        raise Refused(f"licence_benefit {body.get('code')}: {error} is missing or unknown") from error


def install() -> None:
    """Let the money of licences name its verbs and check its catalogue."""
    catalogue.checked(included.KIND, _check)
    moving.install()
    story.words(
        {
            "licence.deal_quoted": (_l("Figures for more nodes written down"), "calculator"),
            "licence.deal_ordered": (_l("Nodes ordered"), "cart-check"),
            "licence.deal_done": (_l("Nodes ordered are in effect"), "check-circle"),
            "licence.deal_dropped": (_l("Order of nodes given up"), "x-circle"),
            "licence.next_chosen": (_l("Nodes of the next year chosen"), "calendar-check"),
            "licence.proposed": (_l("Step proposed to a second person"), "person-plus"),
            "licence.decided": (_l("Proposal decided"), "person-check"),
            "licence.transfer_asked": (_l("Transfer of a licence asked for"), "arrow-left-right"),
            "licence.transfer_agreed": (_l("Transfer taken over"), "hand-thumbs-up"),
            "licence.transfer_checked": (_l("Transfer checked"), "eye"),
            "licence.transfer_declined": (_l("Transfer declined"), "x-circle"),
            "licence.transferred": (_l("Licence came from another organisation"), "arrow-left-right"),
            "licence.superseded": (_l("Licence replaced by another"), "arrow-right-circle"),
        },
        {
            "nodes": _l("Nodes"), "deal": _l("What was sold"), "proposed": _l("Step"), "confirmed": _l("Confirmed"),
            "by_licence": _l("Replaced by"), "taker": _l("Goes to"),
        },
    )  # fmt: skip
