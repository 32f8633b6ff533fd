"""How the history of changes of tier reads, and which page shows a preview."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import story
from portal.members import wall


def install() -> None:
    """Name the verbs of the audit chain with their details."""
    story.words(
        {
            "tier.quoted": (_l("Preview of a change of tier"), "calculator"),
            "tier.confirmed": (_l("Change of tier confirmed"), "check2-circle"),
            "tier.late": (_l("Preview not confirmed in time"), "hourglass-bottom"),
            "tier.dropped": (_l("Change of tier dropped"), "arrow-counterclockwise"),
            "membership.tier_changed": (_l("Tier changed"), "arrow-left-right"),
        },
        {"day": _l("Takes effect")},
    )
    story.values(
        {"membership.tier_changed/old": wall.tier_name, "membership.tier_changed/new": wall.tier_name}
    )
