"""The quote that is ready when a licence first runs above what was bought: the nodes that are lent, at their price."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.core import clock
from portal.core.errors import Refused
from portal.services.licences import changing, plans
from portal.services.licences.models.deal import DealState, LicenceQuote
from portal.services.licences.models.record import LicenceEvent

STARTED, BY = "licence.overage_started", "licences"


def ready(event: LicenceEvent) -> LicenceQuote | None:
    """Return a quote over the nodes that are lent, made if there is none; None where none can be made.

    It holds for the days a change needs, not for the one day of a small one. What the customer has open and covers the
    need stays; what waits for its money is not touched. Heard twice, the same quote is found again.
    """
    row = event.licence
    wanted = changing.now(row) + int(event.detail["nodes"])
    found = changing.open_quote(row)
    if found is not None and (found.state is not DealState.OFFERED or found.nodes >= wanted):
        return found if found.state is DealState.OFFERED and changing.still_holds(found) else None
    owners = contacts.holders(row.org, ContactRole.OWNER, ContactRole.BILLING)
    language = owners[0].language if owners else "zh_Hans_CN"
    day = clock.today() + timedelta(days=plans.rule("change_days"))
    for on in (day, None):  # the year may end before that day
        try:
            return changing.quote(row, wanted, by=BY, on=on, language=language)
        except Refused:
            continue
    return None
