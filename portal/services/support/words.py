"""How the history of tickets reads: its verbs, their details, and the page that an entry opens."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from portal.accounts import audit_office
from portal.core import labels, story
from portal.core.db import db
from portal.services.support import coverage
from portal.services.support.clocks import ClockKind, Severity
from portal.services.support.knowledge_models import Article
from portal.services.support.models import Channel, SupportTicket


def _ticket(number: int) -> str | None:
    row = db.session.get(SupportTicket, number)
    return url_for("support_office.ticket", uid=row.uid) if row is not None else None


def _article(number: int) -> str | None:
    row = db.session.get(Article, number)
    return url_for("support_office.article", uid=row.uid) if row is not None else None


def _said(kind: type[StrEnum]) -> Any:
    known = {one.value: one for one in kind}
    return lambda value: labels.label(known[str(value)]) if str(value) in known else str(value)


def install() -> None:
    """Name the verbs, their details, and the pages that an entry opens."""
    audit_office.opens("support_ticket", _ticket)
    audit_office.opens("knowledge_article", _article)
    story.words(_VERBS, _DETAILS)
    severity = _said(Severity)
    story.values(
        {
            "severity": severity, "ticket.severity/before": severity, "ticket.severity/after": severity,
            "channel": _said(Channel), "clock": _said(ClockKind), "support_level": coverage.name_of, "ticket.level/before": coverage.name_of,
            "ticket.level/after": coverage.name_of,
        }
    )  # fmt: skip


_DETAILS = {
    "given": _l("A number is kept"), "misses": _l("Promises missed"), "severity": _l("Severity"), "channel": _l("How it came"), "support_level": _l("Level"), "asker": _l("Asked by"),
    "cause": _l("What caused it"), "workaround": _l("Workaround"), "pointer": _l("Where it is done"), "by_customer": _l("By the customer"),
    "silence": _l("By silence"), "clock": _l("Promise"), "percent": _l("Per cent of the time"), "into": _l("Goes on in"), "stand_in": _l("Stand-in"),
}  # fmt: skip
_VERBS = {
    "article.written": (_l("Article written"), "pencil"),
    "article.published": (_l("Article published"), "megaphone"),
    "article.withdrawn": (_l("Article taken off the site"), "x-circle"),
    "ticket.opened": (_l("Ticket opened"), "life-preserver"),
    "ticket.written": (_l("The customer wrote"), "chat-left-text"),
    "ticket.taken": (_l("Ticket taken"), "hand-thumbs-up"),
    "ticket.given": (_l("Ticket given to an agent"), "person-check"),
    "ticket.answered": (_l("The customer was answered"), "reply"),
    "ticket.noted": (_l("Note for staff"), "sticky"),
    "ticket.asked": (_l("The customer was asked"), "question-circle"),
    "ticket.held": (_l("Ticket put on hold"), "pause-circle"),
    "ticket.woken": (_l("Went on after the hold"), "play-circle"),
    "ticket.solved": (_l("Solved"), "check2-circle"),
    "ticket.closed": (_l("Closed ticket"), "lock"),
    "ticket.severity": (_l("Severity changed"), "speedometer2"),
    "ticket.objected": (_l("The customer objected to the severity"), "megaphone"),
    "ticket.level": (_l("Served at a better level"), "arrow-up-circle"),
    "ticket.merged": (_l("Merged into another"), "sign-merge-right"),
    "ticket.rejected": (_l("Not taken on"), "x-circle"),
    "ticket.spam": (_l("Laid aside as spam"), "trash"),
    "ticket.no_spam": (_l("It was no spam"), "arrow-counterclockwise"),
    "ticket.blacked": (_l("A secret was blacked out"), "eraser"),
    "ticket.escalated": (_l("Escalated"), "alarm"),
    "ticket.rated": (_l("The customer said how it was"), "star"),
    "ticket.rating_heeded": (_l("A bad answer was looked after"), "heart"),
    "support.person_added": (_l("Put on the list of those who may ask"), "person-plus"),
    "support.person_removed": (_l("Taken off the list of those who may ask"), "person-dash"),
    "support.reported": (_l("Monthly report of support made"), "file-earmark-text"),
    "support.credit": (_l("Service credit proposed"), "cash-coin"),
    "support.number": (_l("Number for calls changed"), "telephone"),
    "support.duty": (_l("Duty given"), "calendar-week"),
    "support.duty_swapped": (_l("Duty swapped"), "arrow-left-right"),
}
