"""The doors of benefits and contact lists: their routes, their entries on the rails, how their history reads."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts import care_views  # noqa: F401 - its routes
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.core import nav
from portal.core.nav import Entry
from portal.members import benefit_views, care_words, claim_office  # noqa: F401 - their routes
from portal.members.benefit_office import count_open, perks
from portal.members.contact_office import lists

__all__ = ["install", "lists", "perks"]


def install() -> None:
    """Put the entries on the rails, and name what happens."""
    care_words.install()
    sees = staff_who_may(May.READ_MEMBERS)
    nav.add(
        Entry("office", 32, "perks.overview", _l("Benefits"), "gift", sees, count_open),
        Entry("office", 37, "lists.overview", _l("Contact lists"), "person-lines-fill", sees),
    )
