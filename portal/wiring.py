"""Who reacts to what, and which doors there are: the one page where domains meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from portal import rails
from portal.accounts import (  # noqa: F401 - their routes
    contacts,
    engine,
    frame,
    mailbox,
    passkeys,
    people_views,
    security,
    token_views,
)
from portal.accounts import words as account_words
from portal.accounts.api import whoami
from portal.accounts.audit_office import chain
from portal.accounts.events import PersonErased
from portal.accounts.helpdesk import helpdesk
from portal.accounts.mail_office import letterbox
from portal.accounts.merging import MergeUndone, OrganisationsMerged
from portal.accounts.office import staff
from portal.accounts.organisations import Organisation
from portal.accounts.people_office import folk
from portal.accounts.rules import rules
from portal.accounts.views import accounts
from portal.billing import (  # noqa: F401 - their routes and handlers
    bank_office,
    bank_upload,
    books_views,
    card_views,
    charging,
    close_checks,
    conversion_views,
    fapiao_access,
    hand_views,
    inbox,
    journal_files,
    note_papers,
    note_views,
    profile,
    provider_office,
    purchase_orders,
    queries,
    receipts,
    refund_views,
)
from portal.billing import dunning_letters as billing_reminders  # noqa: F401 - its outbox handlers
from portal.billing import exports as billing_exports  # noqa: F401 - its routes
from portal.billing import fapiao as fapiao_verbs
from portal.billing import merging as payers_merging
from portal.billing import papers as billing_papers  # noqa: F401 - its outbox handlers
from portal.billing import words as billing_words
from portal.billing.account_views import account
from portal.billing.ageing_office import ageing
from portal.billing.api import invoices_api
from portal.billing.dunning_office import chasing
from portal.billing.events import (
    CreditNoteIssued,
    DunningStepReached,
    InvoiceIssued,
    InvoiceReopened,
    InvoiceReversed,
    InvoiceSettled,
    ReceiptUnapplied,
)
from portal.billing.fapiao_api import fapiao_api
from portal.billing.fapiao_office import fapiao_desk
from portal.billing.fapiao_views import fapiao
from portal.billing.office import money
from portal.billing.pay import pay
from portal.billing.price_doors import install as open_price_desk
from portal.billing.price_doors import plans, plans_api, shelf
from portal.billing.views import billing
from portal.certs import (
    award_doors,
    award_hearing,
    exam_doors,
    grade_doors,
    grade_hearing,
    grade_privacy,
    seat_keeping,
)
from portal.certs import bundle_letters as exam_letters
from portal.certs import hearing as exams_hearing
from portal.certs import sessions as exam_sessions
from portal.certs.events import AttemptEnded, AttemptInvalidated, EligibilityOpened, SessionCalledOff
from portal.core import events
from portal.members import (  # noqa: F401 - their routes
    agreements,
    benefit_changes,
    contact_care,
    deed_words,
    endings,
    fulfil,
    individuals,
    late_money,
    leave_views,
    list_words,
    membership_api,
    merging,
    opening,
    privacy_doors,
    profile_views,
    renewal_api,
    renewal_chores,
    renewal_hearing,
    renewal_queries,
    renewal_views,
    renewing,
    signing,
    steps,
    terms,
    tier_apply,
    tier_changes,
    tier_office,
    tier_papers,
    tier_terms,
    tier_words,
    words,
)
from portal.members import papers as member_papers  # noqa: F401 - its outbox handlers
from portal.members import queue as member_queue  # noqa: F401 - its routes
from portal.members.api import applications_api
from portal.members.belonging import Term, TermKind
from portal.members.benefit_api import benefits_api
from portal.members.care_doors import install as open_care
from portal.members.care_doors import lists, perks
from portal.members.deed_office import desk as deeds_desk
from portal.members.events import (
    AgreementExecuted,
    AgreementSigned,
    ApplicationApproved,
    ApplicationClosed,
    ApplicationSubmitted,
    CreditTermsGiven,
    MembershipJoined,
    StandingChanged,
    TermEnded,
    TermOpened,
    TierChanged,
)
from portal.members.home import member, office
from portal.members.intake import intake
from portal.members.office import cases
from portal.members.profile_api import profiles
from portal.members.renewal_office import renewals
from portal.members.roll import roll
from portal.members.search import finder
from portal.members.tier_api import tiers_api
from portal.members.tier_views import tiers
from portal.members.views import apply
from portal.public import help as public_help  # noqa: F401 - its routes
from portal.public import members as public_members  # noqa: F401 - its routes
from portal.public import metrics as public_metrics  # noqa: F401 - its routes
from portal.public.api import wall_api
from portal.public.views import public
from portal.reports import hall as reports_hall
from portal.services import halls as service_halls
from portal.services.licences import doors as licence_doors

BLUEPRINTS: list[Blueprint] = [
    public,
    accounts,
    staff,
    helpdesk,
    member,
    office,
    cases,
    roll,
    intake,
    renewals,
    deeds_desk,
    perks,
    lists,
    apply,
    tiers,
    billing,
    pay,
    money,
    shelf,
    plans,
    fapiao,
    fapiao_desk,
    chasing,
    account,
    ageing,
    finder,
    folk,
    letterbox,
    chain,
    rules,
    engine.engine,
    *privacy_doors.BLUEPRINTS,
    *exam_doors.BLUEPRINTS,
    *award_doors.BLUEPRINTS,
    *grade_doors.BLUEPRINTS,
    *service_halls.BLUEPRINTS,
    *reports_hall.BLUEPRINTS,
]
APIS: list[APIBlueprint] = [
    wall_api, whoami, profiles, applications_api, benefits_api, invoices_api, plans_api, fapiao_api, tiers_api, *privacy_doors.APIS,
    *exam_doors.APIS, *award_doors.APIS, *service_halls.APIS,
]  # fmt: skip


def tier_of(org: Organisation) -> str:
    """Return the tier whose bounds on contacts hold for an organisation."""
    membership = terms.membership_of(org)
    return membership.tier if membership is not None and membership.tier else "default"


REACTIONS: tuple[tuple[type[Any], Callable[[Any], None]], ...] = (
    (ApplicationSubmitted, individuals.on_submitted),
    (ApplicationApproved, fulfil.on_approved),
    (AgreementSigned, agreements.on_signed),
    (AgreementExecuted, fulfil.on_executed),
    (InvoiceSettled, fulfil.on_settled),
    (MembershipJoined, fulfil.on_joined),
    (CreditTermsGiven, fulfil.on_credit_given),
    (InvoiceSettled, renewal_hearing.on_settled),
    (InvoiceReopened, renewal_hearing.on_reopened),
    (InvoiceReversed, renewal_hearing.on_reversed),
    (ReceiptUnapplied, late_money.on_unapplied),
    (StandingChanged, renewal_chores.on_standing_changed),
    (TermEnded, renewal_chores.on_term_ended),
    (StandingChanged, endings.on_standing_changed),
    *((OrganisationsMerged, one) for one in (licence_doors.moved, payers_merging.on_merged)),
    (OrganisationsMerged, merging.on_merged),
    (MergeUndone, merging.on_undone),
    (ApplicationApproved, tier_apply.on_approved),
    (TermOpened, tier_changes.on_term_opened),
    (TierChanged, tier_changes.on_tier_changed),
    (InvoiceSettled, tier_changes.on_settled),
    (InvoiceReversed, tier_changes.on_reversed),
    (TermOpened, benefit_changes.on_term_opened),
    (StandingChanged, benefit_changes.on_standing_changed),
    (TermOpened, contact_care.on_term_opened),
    (StandingChanged, contact_care.on_standing_changed),
    (ApplicationClosed, benefit_changes.on_application_closed),
    (InvoiceSettled, benefit_changes.on_settled),
    (DunningStepReached, charging.at_step),
    (CreditNoteIssued, fapiao_verbs.on_credit_note),
    (InvoiceReversed, fapiao_verbs.on_reversed),
    (InvoiceIssued, purchase_orders.on_issued),
    (InvoiceSettled, exams_hearing.on_settled),
    (InvoiceReversed, exams_hearing.on_reversed),
    (InvoiceReopened, exams_hearing.on_reopened),
    (EligibilityOpened, exam_letters.on_opened),
    (SessionCalledOff, exam_sessions.on_called_off),
    (PersonErased, seat_keeping.on_erased),
    (OrganisationsMerged, seat_keeping.on_merged),
    (AttemptEnded, grade_hearing.on_ended),
    (AttemptInvalidated, grade_hearing.on_invalidated),
    (AttemptInvalidated, award_hearing.on_invalidated),
    (PersonErased, grade_privacy.on_erased),
    *service_halls.REACTIONS,
    *reports_hall.REACTIONS,
)


def what_follows(term: Term) -> tuple[str, TermKind]:
    """Return tier and kind of the term after this one: what a confirmed change says, else the same tier renewed."""
    return tier_terms.tier_after(term), tier_terms.kind_after(term)


def install() -> None:
    """Let the domains hear each other, and put their entries on the rails."""
    for event, reaction in REACTIONS:
        events.on(event, reaction)
    contacts.ask_tier(tier_of)
    renewal_queries.ask_next(what_follows)
    tier_terms.ask_renewals(tier_terms.Renewals(renewal_queries.open_offer, renewing.offer_instead))
    words.install()
    list_words.install()
    deed_words.install()
    merging.install()
    tier_words.install()
    open_care()
    account_words.install()
    opening.install()
    billing_words.install()
    close_checks.install()
    open_price_desk()
    privacy_doors.install()
    exam_doors.install()
    award_doors.install()
    grade_doors.install()
    service_halls.install()
    reports_hall.install()
    frame.install()
    rails.install()
