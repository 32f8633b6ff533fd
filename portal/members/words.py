"""What the members' domain calls its states, and how its history reads."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import catalogue, labels, story
from portal.members import agreements, wall
from portal.members.belonging import TermKind
from portal.members.conflicts import REASONS
from portal.members.models import PairAnswer
from portal.members.reminding import STOPS
from portal.members.renewal_models import LateState
from portal.members.standing import Standing


def install() -> None:
    """Name standings, and the verbs of the audit chain with their details."""
    _standings()
    _terms()
    _case_verbs()
    _verbs()
    _money_verbs()
    _renewal_verbs()
    _details()
    _values()


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


def _case_verbs() -> None:
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
            "application.waiver_proposed": (_l("Waiver of the dues proposed"), "gift"),
            "application.waiver_confirmed": (_l("Waiver of the dues confirmed"), "gift"),
            "application.rejected": (_l("Rejected"), "x-circle"),
            "application.withdrawn": (_l("Withdrawn"), "arrow-return-left"),
            "application.appealed": (_l("Appeal"), "megaphone"),
            "application.appeal_heard": (_l("Appeal heard: in review again"), "arrow-repeat"),
            "application.completed": (_l("Completed"), "flag"),
            "application.expired": (_l("Expired"), "clock-history"),
            "application.reopened": (_l("Reopened"), "arrow-repeat"),
            "application.flagged": (_l("Left to a reviewer by the rule"), "flag"),
            "application.minute_attached": (_l("Minute of the board attached"), "paperclip"),
            "application.papers_checked": (_l("Papers checked a second time"), "check2-all"),
            "application.close_proposed": (_l("Closing proposed"), "x-circle"),
            "application.close_declined": (_l("Kept open"), "arrow-return-left"),
            "application.closed": (_l("Closed"), "x-octagon"),
            "agreement.readdressed": (_l("Another signatory asked"), "envelope"),
            "agreement.terminated": (_l("Agreement terminated"), "x-circle"),
        }
    )


def _verbs() -> None:
    story.words(
        {
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
            "contact.successor_named": (_l("Successor named"), "person-plus"),
            "organisation.profile_changed": (_l("Profile changed"), "pencil"),
            "organisation.share_recorded": (_l("Share recorded"), "diagram-2"),
            "organisation.listing": (_l("Listing on the wall changed"), "grid"),
            "organisation.pair_answered": (_l("Similar organisation answered"), "intersect"),
            "landscape.imported": (_l("List of members imported"), "cloud-arrow-down"),
        }
    )  # fmt: skip


def _money_verbs() -> None:
    story.words(
        {
            "receipt.proposed": (_l("Transfer written down"), "pencil-square"),
            "receipt.confirmed": (_l("Transfer confirmed"), "check2-all"),
            "receipt.declined": (_l("Transfer declined"), "x-circle"),
            "receipt.does_not_fit": (_l("Payment does not fit the sum asked for"), "exclamation-triangle"),
            "refund.requested": (_l("Refund asked for"), "arrow-counterclockwise"),
            "refund.approved": (_l("Refund approved"), "check-circle"),
            "refund.declined": (_l("Refund declined"), "x-circle"),
            "refund.sending": (_l("Refund is being sent"), "send"),
            "refund.succeeded": (_l("Refund paid out"), "check2-all"),
            "refund.failed": (_l("Refund failed"), "x-octagon"),
        }
    )


def _renewal_verbs() -> None:
    story.words(
        {
            "renewal.offered": (_l("Renewal offered"), "arrow-repeat"),
            "renewal.invoiced": (_l("Renewal invoiced"), "receipt"),
            "renewal.confirmed": (_l("Renewal confirmed by the member"), "check-circle"),
            "renewal.renewed": (_l("Membership renewed"), "check2-all"),
            "renewal.lapsed": (_l("Offer lapsed unpaid"), "x-circle"),
            "renewal.withdrawn": (_l("Offer taken back"), "arrow-return-left"),
            "renewal.reminded": (_l("Reminded of the renewal"), "envelope"),
            "renewal.paused": (_l("Renewal reminders paused"), "pause-circle"),
            "renewal.resumed": (_l("Renewal reminders go on"), "play-circle"),
            "renewal.money_late": (_l("Late money arrived"), "clock-history"),
            "renewal.late_allowed": (_l("Late money: the member may choose"), "check-circle"),
            "renewal.late_gone": (_l("Late money went away again before it was used"), "x-circle"),
            "renewal.late_refused": (_l("Late money: a new application is asked for"), "x-circle"),
            "renewal.late_settled": (_l("Late money: decided by staff"), "flag"),
            "renewal.late_chosen": (_l("Late money: the way was chosen"), "check2-all"),
            "membership.credit_given": (_l("Credit terms given"), "unlock"),
            "membership.credit_ended": (_l("Credit terms ended"), "lock"),
            "membership.payment_extended": (_l("More time to pay"), "calendar-plus"),
            "application.invoiced_anew": (_l("Invoiced anew for the new year"), "receipt"),
        },
        {
            "value_on": _l("Value date"), "outcome": _l("What is made of it"), "freed": _l("Free again as credit"),
        },
    )  # fmt: skip


def _details() -> None:
    story.words(
        {},
        {
            "number": _l("Number"), "gross": _l("Sum"), "amount": _l("Amount"), "left": _l("Still to pay"),
            "reason": _l("Reason"), "file": _l("File"), "person": _l("Person"), "email": _l("Mail address"),
            "start": _l("From"), "tier": _l("Tier"), "code": _l("Reason of the list"),
            "words": _l("In words"), "in_favour": _l("In favour"), "founding": _l("Founding member"),
            "way": _l("Way of signing"), "answer": _l("Answer"), "listed": _l("Shown on the wall"), "to": _l("To be signed by"),
            "item": _l("Item"), "field": _l("Field"), "fields": _l("Fields"), "round": _l("Round"),
            "payer": _l("Payer"), "text": _l("Text of the transfer"), "asked": _l("Sum asked for"),
            "changed": _l("Changed"), "new": _l("New"), "old": _l("Old"),
            "last": _l("Until"), "rule": _l("Rule"), "owner": _l("Owner of the share"), "percent": _l("Percent"),
            "evidence": _l("Evidence"),
        },
    )  # fmt: skip


def _terms() -> None:
    labels.name(
        TermKind,
        {
            TermKind.NEW: _l("First term"), TermKind.RENEWAL: _l("Renewal"), TermKind.UPGRADE: _l("Upgrade"),
            TermKind.DOWNGRADE: _l("Downgrade"), TermKind.RECLASS: _l("Change of kind"),
            TermKind.REINSTATEMENT: _l("Reinstatement"), TermKind.COMPLIMENTARY: _l("Complimentary"),
            TermKind.LIFETIME: _l("For life"), TermKind.IMPORTED: _l("From an imported list"),
        },
    )  # fmt: skip


def _named(kind: type[StrEnum]) -> story.Said:
    known = {one.value: one for one in kind}
    return lambda value: labels.label(known[value]) if value in known else str(value)


def _of_catalogue(kind: str, key: str = "name") -> story.Said:
    def say(value: object) -> str:
        body = catalogue.entries(kind).get(str(value))
        return catalogue.in_words(body[key]) if body else str(value)

    return say


def _values() -> None:
    ways = {agreements.CLICK: _l("online"), agreements.CHOP: _l("by chop")}
    story.values(
        {
            "tier": wall.tier_name,
            "code": _of_catalogue("rejection"),
            "item": _of_catalogue("checklist"),
            "field": _of_catalogue("form", "label"),
            "fields": _of_catalogue("form", "label"),
            "way": lambda value: str(ways.get(value, value)),
            "answer": _named(PairAnswer),
            "membership.term_opened/kind": _named(TermKind),
            "membership.standing_changed/old": _named(Standing),
            "membership.standing_changed/new": _named(Standing),
            "renewal.money_late/outcome": _named(LateState),
            "renewal.late_chosen/outcome": _named(LateState),
            "renewal.withdrawn/reason": lambda value: str(STOPS.get(value, value)),
            "agreement.scan_returned/reason": agreements.scan_fault,
            "application.conflict_declared/reason": lambda value: str(REASONS.get(value, value)),
        }
    )
