"""What stands on the rails at the side of every page: each entry, who sees it, and what it counts."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts import frame
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.billing import fapiao_access, queries
from portal.billing.dunning_office import count_proposals
from portal.certs.item_desk import count_in_review
from portal.certs.step_office import count_declared
from portal.core import nav
from portal.core.nav import Entry
from portal.members.office import count_waiting


def install() -> None:
    """Put every entry on the rails of both sides, in the order in which they stand."""
    nav.divide("office", (37, _l("Certification")), (40, _l("Finance")), (70, _l("House and rules")))
    _members()
    _books()
    _desk()
    _bank()


def _members() -> None:
    nav.add(
        Entry("member", 10, "member.home", _l("Home"), "house", lambda _r: True),
        Entry("member", 20, "member.membership", _l("Membership"), "award", frame.acts),
        Entry("member", 25, "member.benefits", _l("Benefits"), "gift", frame.acts),
        Entry("member", 30, "apply.applications", _l("Applications"), "file-earmark-text", lambda _r: True),
        Entry("member", 35, "apply.agreement_list", _l("Agreements"), "pen", frame.acts),
        Entry("member", 40, "billing.invoices", _l("Invoices"), "receipt", lambda _r: True),
        Entry("member", 75, "member.profile", _l("Profile"), "building", frame.acts),
        Entry("office", 10, "office.home", _l("What waits"), "house", lambda r: r.works_here()),
        Entry(
            "office",
            20,
            "cases.queue",
            _l("Applications"),
            "file-earmark-text",
            staff_who_may(May.READ_MEMBERS),
            count_waiting,
        ),
        Entry("office", 30, "roll.members", _l("Members"), "buildings", staff_who_may(May.READ_MEMBERS)),
        Entry("office", 33, "figures.bridge", _l("Figures"), "graph-up", staff_who_may(May.READ_FIGURES)),
        Entry(
            "office", 32, "renewals.upcoming", _l("Renewals"), "arrow-repeat", staff_who_may(May.READ_MEMBERS)
        ),
        Entry("office", 35, "folk.people", _l("People"), "people", staff_who_may(May.READ_MEMBERS)),
        Entry(
            "office",
            40,
            "money.desk",
            _l("Finance desk"),
            "cash-coin",
            staff_who_may(May.READ_MONEY),
            queries.count_waiting,
        ),
        Entry("office", 45, "money.bank", _l("Bank statements"), "bank2", staff_who_may(May.READ_MONEY)),
        Entry("office", 50, "money.invoices", _l("Invoices"), "receipt", staff_who_may(May.READ_MONEY)),
        Entry("office", 60, "money.receipts", _l("Receipts"), "bank", staff_who_may(May.READ_MONEY)),
        Entry(
            "office", 61, "money.refunds", _l("Refunds"), "arrow-return-left", staff_who_may(May.READ_MONEY)
        ),
        Entry(
            "office", 62, "money.online", _l("Online payments"), "credit-card", staff_who_may(May.READ_MONEY)
        ),
    )


def _books() -> None:
    nav.add(
        Entry(
            "office",
            51,
            "money.notes",
            _l("Credit notes"),
            "file-earmark-minus",
            staff_who_may(May.READ_MONEY),
        ),
        Entry("office", 64, "money.chart", _l("Books"), "journal-text", staff_who_may(May.READ_MONEY)),
        Entry(
            "office",
            65,
            "money.months",
            _l("Accounting months"),
            "calendar-check",
            staff_who_may(May.READ_MONEY),
        ),
    )


def _desk() -> None:
    nav.add(
        Entry(
            "office",
            52,
            "fapiao_desk.queue",
            _l("Fapiao"),
            "file-earmark-ruled",
            staff_who_may(May.READ_MONEY),
            fapiao_access.count_waiting,
        ),
        Entry(
            "office",
            53,
            "chasing.late",
            _l("Reminders"),
            "bell",
            staff_who_may(May.READ_MONEY),
            count_proposals,
        ),
        Entry("office", 54, "ageing.page", _l("Ageing"), "hourglass-split", staff_who_may(May.READ_MONEY)),
    )


def _bank() -> None:
    nav.add(
        Entry(
            "office",
            37,
            "exam_office.items",
            _l("Item bank"),
            "collection",
            staff_who_may(May.READ_ITEMS),
            count_in_review,
        ),
        Entry(
            "office",
            38,
            "exam_office.steps",
            _l("Learning steps"),
            "signpost-split",
            staff_who_may(May.RUN_EXAMS, May.READ_EXAMS),
            count_declared,
        ),
        Entry("member", 52, "exams.paths", _l("Learning paths"), "signpost-split", lambda _r: True),
        Entry(
            "office",
            39,
            "item_figures.listed",
            _l("Item analysis"),
            "bar-chart-line",
            staff_who_may(May.READ_ITEMS),
        ),
    )
