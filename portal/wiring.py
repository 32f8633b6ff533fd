"""Who reacts to what, and which doors there are: the one page where domains meet."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

from portal.accounts import contacts, frame, mailbox, passkeys, people_views, security  # noqa: F401 - their routes
from portal.accounts.frame import staff_who_may
from portal.accounts.may import May
from portal.accounts.office import staff
from portal.accounts.organisations import Organisation
from portal.accounts.views import accounts
from portal.billing import papers as billing_papers  # noqa: F401 - its outbox handlers
from portal.billing import queries
from portal.billing.events import InvoiceSettled
from portal.billing.office import money
from portal.billing.pay import pay
from portal.billing.views import billing
from portal.core import events, nav
from portal.core.nav import Entry
from portal.members import fulfil, terms, words
from portal.members import papers as member_papers  # noqa: F401 - its outbox handlers
from portal.members.events import AgreementExecuted, ApplicationApproved, MembershipJoined
from portal.members.home import member, office
from portal.members.office import cases, count_waiting
from portal.members.roll import roll
from portal.members.views import apply
from portal.public import help as public_help  # noqa: F401 - its routes
from portal.public import members as public_members  # noqa: F401 - its routes
from portal.public.views import public

BLUEPRINTS: list[Blueprint] = [
    public,
    accounts,
    staff,
    member,
    office,
    cases,
    roll,
    apply,
    billing,
    pay,
    money,
]


def tier_of(org: Organisation) -> str:
    """Return the tier whose bounds on contacts hold for an organisation."""
    membership = terms.membership_of(org)
    return membership.tier if membership is not None and membership.tier else "default"


def install() -> None:
    """Let the domains hear each other, and put their entries on the rails."""
    events.on(ApplicationApproved, fulfil.on_approved)
    events.on(AgreementExecuted, fulfil.on_executed)
    events.on(InvoiceSettled, fulfil.on_settled)
    events.on(MembershipJoined, fulfil.on_joined)
    contacts.ask_tier(tier_of)
    words.install()
    frame.install()
    nav.add(
        Entry("member", 10, "member.home", _l("Home"), "house", lambda _r: True),
        Entry("member", 20, "member.membership", _l("Membership"), "award", frame.acts),
        Entry("member", 30, "apply.begin", _l("Applications"), "file-earmark-text", lambda _r: True),
        Entry("member", 40, "billing.invoices", _l("Invoices"), "receipt", lambda _r: True),
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
        Entry("office", 30, "roll.members", _l("Members"), "people", staff_who_may(May.READ_MEMBERS)),
        Entry(
            "office",
            40,
            "money.desk",
            _l("Finance desk"),
            "cash-coin",
            staff_who_may(May.READ_MONEY),
            queries.count_entries_waiting,
        ),
        Entry("office", 50, "money.invoices", _l("Invoices"), "receipt", staff_who_may(May.READ_MONEY)),
        Entry("office", 60, "money.receipts", _l("Receipts"), "bank", staff_who_may(May.READ_MONEY)),
    )
