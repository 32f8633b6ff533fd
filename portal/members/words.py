"""What the members' domain calls its states, and how its history reads."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import labels, story
from portal.members.standing import Standing


def install() -> None:
    """Name standings, and the verbs of the audit chain with their details."""
    _standings()
    _verbs()


def _standings() -> None:
    labels.name(
        Standing,
        {
            Standing.EXPELLED: _l("Expelled"),
            Standing.SUSPENDED: _l("Suspended"),
            Standing.ACTIVE: _l("Active"),
            Standing.ACTIVE_UNPAID: _l("Active, payment due"),
            Standing.AT_RISK: _l("At risk"),
            Standing.GRACE: _l("In grace"),
            Standing.PENDING: _l("Pending"),
            Standing.RESIGNED: _l("Resigned"),
            Standing.LAPSED: _l("Lapsed"),
            Standing.APPLICANT: _l("Applicant"),
            Standing.NONE: _l("No member"),
        },
        {
            Standing.ACTIVE: "good", Standing.ACTIVE_UNPAID: "good", Standing.AT_RISK: "warn", Standing.GRACE: "warn",
            Standing.PENDING: "wait", Standing.APPLICANT: "wait", Standing.SUSPENDED: "bad", Standing.EXPELLED: "bad",
        },
    )  # fmt: skip


def _verbs() -> None:
    story.words(
        {
            "application.started": (_l("Application started"), "pencil"),
            "application.submitted": (_l("Application sent"), "send"),
            "application.resubmitted": (_l("Questions answered"), "reply"),
            "application.taken": (_l("Case taken"), "person-check"),
            "application.asked": (_l("Returned with questions"), "chat-left-text"),
            "application.file_added": (_l("File added"), "paperclip"),
            "application.recommended": (_l("Recommendation given"), "hand-thumbs-up"),
            "application.conflict_declared": (_l("Stepped out of the case"), "slash-circle"),
            "application.approved": (_l("Approved"), "check-circle"),
            "application.rejected": (_l("Rejected"), "x-circle"),
            "application.withdrawn": (_l("Withdrawn"), "arrow-return-left"),
            "application.appealed": (_l("Appeal"), "megaphone"),
            "application.appeal_heard": (_l("Appeal heard: in review again"), "arrow-repeat"),
            "application.completed": (_l("Fulfilled"), "flag"),
            "agreement.drafted": (_l("Agreement drafted"), "file-earmark-text"),
            "agreement.sent": (_l("Agreement sent"), "envelope"),
            "agreement.signed": (_l("Signed by the member"), "pen"),
            "agreement.scan_checked": (_l("Scan compared"), "eye"),
            "agreement.scan_returned": (_l("Scan returned"), "arrow-return-left"),
            "agreement.executed": (_l("Counter-signed"), "pen-fill"),
            "agreement.voided": (_l("Agreement voided"), "x-circle"),
            "invoice.issued": (_l("Invoice issued"), "receipt"),
            "invoice.paid_in": (_l("Payment booked"), "cash-coin"),
            "invoice.released": (_l("Payment taken off"), "arrow-counterclockwise"),
            "invoice.voided": (_l("Invoice voided"), "x-circle"),
            "membership.term_opened": (_l("Term opened"), "calendar-check"),
            "membership.standing_changed": (_l("Standing changed"), "activity"),
            "membership.item_ticked": (_l("Checklist item ticked"), "check2-square"),
            "contact.appointed": (_l("Contact appointed"), "person-plus"),
            "contact.invited": (_l("Contact invited"), "envelope-plus"),
            "contact.left": (_l("Contact ended"), "person-dash"),
            "contact.invitation_withdrawn": (_l("Invitation withdrawn"), "envelope-x"),
            "organisation.profile_changed": (_l("Profile changed"), "pencil"),
            "organisation.listing": (_l("Listing on the wall changed"), "grid"),
        },
        {
            "number": _l("Number"), "gross": _l("Sum"), "amount": _l("Amount"), "left": _l("Still to pay"),
            "reason": _l("Reason"), "file": _l("File"), "person": _l("Person"), "email": _l("Mail address"),
            "start": _l("From"), "end": _l("Until"),
        },
    )  # fmt: skip
