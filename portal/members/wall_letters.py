"""The mail that tells staff of removals from the wall that wait for a second pair of eyes."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import web
from portal.core.mail import Letter
from portal.members.letters import send_all
from portal.members.wall_models import WallEdition


def removals_wait(edition: WallEdition, number: int) -> None:
    """Tell whoever may release them, but not whoever published."""

    def letter() -> Letter:
        return Letter(
            ngettext(
                "%(num)s removal from the member wall waits for a check",
                "%(num)s removals from the member wall wait for a check",
                number,
            ),
            (
                _(
                    "Edition %(n)s would take off more members than one edition may without a check. They stay shown until a second member of staff releases them, each with its reason.",
                    n=edition.n,
                ),
            ),
            button=(_("See what waits"), web.absolute("walls.desk")),
        )

    staff = [one for one in grants.holders(May.PUBLISH_WALL) if one.id != edition.by_id]
    send_all(f"wall-held:{edition.n}", staff, letter, edition.subject)
