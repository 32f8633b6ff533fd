"""How the history of exams reads: the verbs of the audit chain, and where they stand on the rails."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.certs import levels
from portal.certs.models.booking import Outcome
from portal.certs.session_office import count_deeds
from portal.core import labels, nav, story
from portal.core.nav import Entry


def install() -> None:
    """Name the verbs with their details, and put the pages on both rails."""
    _candidates()
    _house()
    story.words(
        {},
        {
            "level": _l("Exam"), "start": _l("Start"), "capacity": _l("Number of seats"), "people": _l("Proctors"),
            "outcome": _l("Result"), "second": _l("Second person"), "quantity": _l("Quantity"), "deed": _l("Proposal"),
        },
    )  # fmt: skip
    outcomes = {one.value: one for one in Outcome}
    story.values(
        {"level": levels.name_of, "exam.sat/outcome": lambda value: labels.label(outcomes[str(value)])}
    )
    _rails()


def _candidates() -> None:
    story.words(
        {
            "exam.ordered": (_l("Exam ordered"), "cart"),
            "exam.opened": (_l("Exam paid and open"), "unlock"),
            "exam.used": (_l("Exam used up"), "check2"),
            "exam.retake_taken_back": (
                _l("Free retake taken back: the attempt before was declared invalid"),
                "arrow-counterclockwise",
            ),
            "exam.ended": (_l("Time to sit the exam is over"), "hourglass-bottom"),
            "exam.dropped": (_l("Exam never paid"), "x-circle"),
            "exam.reversed_after_use": (
                _l("Invoice taken back after the exam was used"),
                "exclamation-triangle",
            ),
            "exam.reopened_after_use": (
                _l("The money of a used exam went away again"),
                "exclamation-triangle",
            ),
            "exam.refunded": (_l("Exam given back"), "arrow-return-left"),
            "exam.held": (_l("Seat held"), "hourglass-split"),
            "exam.booked": (_l("Seat booked"), "calendar-check"),
            "exam.queued": (_l("On the waitlist"), "list-ol"),
            "exam.offered": (_l("A seat is offered"), "gift"),
            "exam.lapsed": (_l("Hold or wait lapsed"), "hourglass-bottom"),
            "exam.given_up": (_l("Seat or place in the queue given up"), "x-circle"),
            "exam.moved": (_l("Moved to another session"), "arrow-left-right"),
            "exam.cancelled": (_l("Booking cancelled"), "calendar-x"),
            "exam.called_off": (_l("Session called off by us"), "calendar-x"),
            "exam.checked_in": (_l("Checked in"), "person-check"),
            "exam.missed": (_l("Did not appear"), "person-x"),
            "exam.excused": (_l("Absence excused"), "bandaid"),
            "exam.sat": (_l("Exam taken"), "pencil-square"),
            "exam.proposed": (_l("Change proposed"), "people"),
            "exam.second": (_l("Change confirmed by a second person"), "people"),
            "exam.declined": (_l("Change declined"), "x-circle"),
            "aid.asked": (_l("Accommodations asked for"), "universal-access"),
            "aid.granted": (_l("Accommodations granted"), "universal-access"),
            "aid.refused": (_l("Accommodations not granted"), "universal-access"),
            "aid.withdrawn": (_l("Accommodations taken back"), "universal-access"),
        }
    )


def _house() -> None:
    story.words(
        {
            "session.drawn_up": (_l("Session drawn up"), "calendar-plus"),
            "session.published": (_l("Session published"), "megaphone"),
            "session.proctors": (_l("Proctors named"), "eye"),
            "session.resized": (_l("Number of seats changed"), "arrows-expand"),
            "session.called_off": (_l("Session called off by us"), "calendar-x"),
            "session.closed": (_l("Session closed"), "lock"),
            "voucher.made": (_l("Voucher made"), "ticket"),
            "voucher.active": (_l("Voucher approved"), "ticket"),
            "voucher.declined": (_l("Voucher declined"), "ticket"),
            "voucher.ended": (_l("Voucher ended"), "ticket"),
            "bundle.ordered": (_l("Exam seats ordered"), "cart"),
            "bundle.opened": (_l("Exam seats paid"), "unlock"),
            "bundle.assigned": (_l("Exam seat assigned"), "person-plus"),
            "bundle.coded": (_l("Code of an exam seat made"), "ticket"),
            "bundle.taken_back": (_l("Exam seat taken back"), "person-dash"),
            "bundle.ended": (_l("Time of the exam seats is over"), "hourglass-bottom"),
        }
    )


def assigns(reader: Any) -> bool:
    """Whether a reader assigns seats of an organisation."""
    return bool(reader.orgs(May.ASSIGN_SEATS))


def _rails() -> None:
    nav.add(
        Entry("member", 45, "exams.mine", _l("My exams"), "mortarboard", lambda _r: True),
        Entry("member", 46, "exams.bundles", _l("Exam seats"), "people", assigns),
        Entry("office", 36, "exam_office.sessions", _l("Exam sessions"), "calendar-event", staff_who_may(May.READ_EXAMS)),
        Entry(
            "office", 37, "exam_office.deeds", _l("Exam proposals"), "people", staff_who_may(May.READ_EXAMS, May.REFUND), count_deeds
        ),
        Entry("office", 38, "exam_office.eligibilities", _l("Candidates"), "person-badge", staff_who_may(May.READ_EXAMS)),
        Entry("office", 38, "exam_office.vouchers", _l("Exam vouchers"), "ticket", staff_who_may(May.READ_EXAMS)),
        Entry("office", 38, "exam_office.bundles", _l("Exam seats"), "boxes", staff_who_may(May.READ_EXAMS)),
        Entry(
            "office", 39, "exam_office.accommodations", _l("Accommodations"), "universal-access",
            staff_who_may(May.GRANT_ACCOMMODATIONS),
        ),
    )  # fmt: skip
