"""The mails about proposals: to whoever may confirm them, and back to whoever made them."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import labels, web
from portal.core.mail import Letter
from portal.members.deed_models import Deed, DeedState
from portal.members.letters import send_all


def proposed(deed: Deed, second: tuple[May, ...]) -> None:
    """Ask those who may confirm, without the one who proposed."""

    def letter() -> Letter:
        return Letter(
            _("To be confirmed: %(what)s, %(org)s", what=labels.label(deed.verb), org=deed.org.name),
            (
                _("%(who)s proposes: %(what)s. Reason: %(why)s", who=deed.by.name, what=labels.label(deed.verb), why=deed.reason),
                _("The page shows what would happen. Nothing has happened yet."),
            ),
            button=(_("Look at the proposal"), web.absolute("deeds.deed", uid=deed.uid)),
        )  # fmt: skip

    people = [one for one in grants.holders(*second) if one.id != deed.by_id]
    send_all(f"deed-proposed:{deed.uid}", people, letter, deed.org.subject)


def decided(deed: Deed) -> None:
    """Tell whoever proposed what became of it."""

    def letter() -> Letter:
        done = deed.state is DeedState.CONFIRMED
        what = labels.label(deed.verb)
        title = (
            _("Confirmed: %(what)s, %(org)s", what=what, org=deed.org.name)
            if done
            else _("Declined: %(what)s, %(org)s", what=what, org=deed.org.name)
        )
        return Letter(
            title,
            (
                _("%(who)s has confirmed your proposal, and it is done.", who=_who(deed))
                if done
                else _("%(who)s has declined your proposal: %(why)s", who=_who(deed), why=deed.answer),
            ),
            button=(_("Look at the proposal"), web.absolute("deeds.deed", uid=deed.uid)),
        )

    send_all(f"deed-decided:{deed.uid}", [deed.by], letter, deed.org.subject)


def _who(deed: Deed) -> str:
    return deed.second.name if deed.second is not None else ""
