"""How the history of quotes, contracts, services and projects reads: its verbs, their details, and the pages they open."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from portal.accounts import audit_office
from portal.core import labels, story
from portal.core.db import db
from portal.services.contracts.models import ServiceContract
from portal.services.engagements.models import Engagement, Health, Milestone, Side
from portal.services.engagements.work_models import NoteKind
from portal.services.quotes.deciding import Second
from portal.services.quotes.models import ServiceQuote


def _row(kind: Any, endpoint: str) -> Any:
    def where(number: int) -> str | None:
        row = db.session.get(kind, number)
        return url_for(endpoint, uid=row.uid) if row is not None else None

    return where


def _milestone(number: int) -> str | None:
    row = db.session.get(Milestone, number)
    return url_for("engagement_office.engagement", uid=row.engagement.uid) if row is not None else None


def _said(kind: Any) -> Any:
    known = {one.value: one for one in kind}
    return lambda value: labels.label(known[str(value)]) if str(value) in known else str(value)


def install() -> None:
    """Name the verbs, their details, and the pages that an entry opens."""
    audit_office.opens("service_quote", _row(ServiceQuote, "quote_office.quote"))
    audit_office.opens("service_contract", _row(ServiceContract, "quote_office.contract"))
    audit_office.opens("engagement", _row(Engagement, "engagement_office.engagement"))
    audit_office.opens("milestone", _milestone)
    story.words({**_QUOTES, **_WORK}, _DETAILS)
    story.values(
        {
            "reasons": _said(Second), "engagement.health/old": _said(Health), "engagement.health/new": _said(Health),
            "health": _said(Health), "side": _said(Side), "engagement.noted/type": _said(NoteKind),
            "engagement.settled/type": _said(NoteKind),
        }
    )  # fmt: skip


_DETAILS = {
    "reasons": _l("Because of"), "side": _l("Whose turn"), "health": _l("How it goes"), "deputy": _l("Deputy"), "wall": _l("Worked for"),
    "file": _l("File"), "version": _l("Version"), "deemed": _l("Deemed accepted"), "order_number": _l("Purchase order"),
}  # fmt: skip
_QUOTES = {
    "service_quote.drafted": (_l("Quote drafted"), "pencil"),
    "service_quote.changed": (_l("Draft changed"), "pencil-square"),
    "service_quote.revised": (_l("Next version written"), "files"),
    "service_quote.asked": (_l("A second person was asked"), "people"),
    "service_quote.returned": (_l("Given back to its writer"), "arrow-return-left"),
    "service_quote.sent": (_l("Quote sent"), "send"),
    "service_quote.accepted": (_l("Quote accepted"), "check2-circle"),
    "service_quote.declined": (_l("Quote declined"), "x-circle"),
    "service_quote.expired": (_l("Quote expired"), "hourglass-bottom"),
    "service_quote.withdrawn": (_l("Quote withdrawn"), "arrow-counterclockwise"),
    "service_quote.superseded": (_l("Replaced by a newer version"), "layers"),
    "service_quote.order_named": (_l("Purchase order named"), "tag"),
    "customer_order.given": (_l("Purchase order written down"), "tag"),
    "party.order_required": (_l("Whether orders need a purchase order was set"), "toggle-on"),
    "service_contract.drafted": (_l("Contract drafted"), "file-earmark-text"),
    "service_contract.sent": (_l("Contract sent to be signed"), "send"),
    "service_contract.signed": (_l("Contract signed by the customer"), "pen"),
    "service_contract.scan_checked": (_l("Scan of the contract compared"), "check2"),
    "service_contract.scan_returned": (_l("Scan of the contract returned"), "arrow-return-left"),
    "service_contract.executed": (_l("Contract signed by both sides"), "check2-circle"),
    "service_contract.voided": (_l("Contract voided"), "x-circle"),
    "service_term.tick": (_l("How the service renews was chosen"), "toggle-on"),
    "service_term.left": (_l("Notice given"), "box-arrow-right"),
    "service_term.stayed": (_l("Notice taken back"), "box-arrow-in-left"),
    "service_term.ending_proposed": (_l("Early end proposed"), "calendar-x"),
    "service_term.ended_early": (_l("Ended before its period"), "calendar-x"),
}
_WORK = {
    "engagement.opened": (_l("Project opened"), "folder-plus"),
    "engagement.extended": (_l("Project extended by a change"), "plus-circle"),
    "engagement.lead": (_l("Lead named"), "person-check"),
    "engagement.member_added": (_l("Somebody joined the team"), "person-plus"),
    "engagement.member_left": (_l("Somebody left the team"), "person-dash"),
    "engagement.wall_consent": (_l("Consent to let somebody in"), "shield-check"),
    "engagement.acceptors": (_l("Named who accepts the work"), "person-badge"),
    "engagement.started": (_l("Work started"), "play-circle"),
    "engagement.paused": (_l("Project paused"), "pause-circle"),
    "engagement.resumed": (_l("Project goes on"), "play-circle"),
    "engagement.health": (_l("Said how it goes"), "heart-pulse"),
    "engagement.noted": (_l("Something was written down"), "sticky"),
    "engagement.settled": (_l("Settled"), "check2"),
    "engagement.file_opened": (_l("A file was opened"), "eye"),
    "engagement.delivered": (_l("Everything delivered"), "box-seam"),
    "engagement.closed": (_l("Project closed"), "lock"),
    "engagement.ending_proposed": (_l("End of the project proposed"), "calendar-x"),
    "engagement.ending_declined": (_l("End of the project declined"), "x-circle"),
    "engagement.terminated": (_l("Project terminated"), "slash-circle"),
    "milestone.begun": (_l("Milestone begun"), "play"),
    "milestone.file": (_l("File handed over"), "file-earmark-arrow-up"),
    "milestone.submitted": (_l("Milestone handed in"), "inbox"),
    "milestone.accepted": (_l("Milestone accepted"), "check2-circle"),
    "milestone.rejected": (_l("Milestone given back"), "arrow-return-left"),
    "milestone.bounced": (_l("A mail about it came back"), "envelope-x"),
}
