"""The mails of adaptation slots: one is offered, passed, released."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import labels, web
from portal.core.mail import Letter
from portal.core.words import day
from portal.services.people import who_may, write
from portal.services.slots.kinds import Why
from portal.services.slots.models import SlotRequest


def _mine() -> tuple[str, str]:
    return _("Open your slots"), web.absolute("slots.listed")


def offered(row: SlotRequest) -> None:
    """Offer a slot, with the reason and the last day to take it."""

    def letter() -> Letter:
        code = row.quarter.code if row.quarter is not None else ""
        return Letter(
            _("A slot of %(quarter)s for you: %(kind)s", quarter=code, kind=labels.label(row.kind)),
            (
                _("Please take it by %(day)s, or say no.", day=day(row.answer_by) if row.answer_by else ""),
                _("Why now: %(why)s.", why=labels.label(Why(row.why))),
                _("If you stay silent it goes to the next in line; the first time you keep your place."),
            ),
            button=_mine(),
        )

    write(f"slot-offered:{row.uid}:{row.passes}", who_may(row.org, May.TAKE_SLOTS), letter, topic=row.subject)


def passed(row: SlotRequest, *, kept: bool) -> None:
    """Tell that a slot went to the next in line, and what becomes of the request."""

    def letter() -> Letter:
        said = (
            _("Your place is kept for the next quarter, this once.")
            if kept
            else _("The request no longer waits. You can withdraw it and ask anew.")
        )
        return Letter(
            _("The slot went to the next in line: %(kind)s", kind=labels.label(row.kind)),
            (said,),
            button=_mine(),
        )

    write(f"slot-passed:{row.uid}:{row.passes}", who_may(row.org, May.TAKE_SLOTS), letter, topic=row.subject)


def released(row: SlotRequest) -> None:
    """Tell the leads that a slot is free again."""

    def letter() -> Letter:
        code = row.quarter.code if row.quarter is not None else ""
        return Letter(
            _("A slot of %(quarter)s is free again", quarter=code),
            (_("%(org)s released it: %(reason)s", org=row.org.name, reason=row.reason or "–"),),
            button=(_("Open the queue"), web.absolute("slots_office.listed")),
        )

    write(
        f"slot-released:{row.uid}:{row.edition}", grants.holders(May.SELL_PLACES), letter, topic=row.subject
    )
