"""Appeals against a rejection: once, in time, by an owner or the signatory."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import ngettext

from portal.accounts.people import Person
from portal.core import audit, catalogue, clock
from portal.core.errors import Refused
from portal.members import letters
from portal.members.models import Application, ApplicationState


def appeal_until(application: Application) -> date | None:
    """Return the last day on which a rejection can be appealed, or None if it cannot."""
    decided = application.decided_at
    if (
        application.state is not ApplicationState.REJECTED
        or application.appealed_at is not None
        or decided is None
    ):
        return None
    return clock.day_of(decided) + timedelta(days=int(catalogue.policy("review.appeal_days")))


def appeal(application: Application, *, by: Person, reason: str) -> None:
    """Ask the secretary of the board to have a rejection looked at anew, once and in time."""
    last = appeal_until(application)
    if last is None or clock.today() > last:
        days = int(catalogue.policy("review.appeal_days"))
        raise Refused(
            ngettext(
                "An appeal is possible once, within %(num)s day of the decision.",
                "An appeal is possible once, within %(num)s days of the decision.",
                days,
            )
        )
    application.appealed_at = clock.now()
    audit.record("application.appealed", application, by=by, org_id=application.org_id, reason=reason)
    letters.appealed(application)
