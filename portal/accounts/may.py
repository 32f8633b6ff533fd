"""Who may do what: the one table of permissions, for staff and for a company's key contacts."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.core import labels


class May(StrEnum):
    """One verb of the house. The first group is asked within an organisation, the second of staff."""

    SEE_ORG = "see_org"
    EDIT_PROFILE = "edit_profile"
    APPLY = "apply"
    SUBMIT = "submit"
    SIGN = "sign"
    SEE_MONEY = "see_money"
    PAY = "pay"
    MANAGE_PEOPLE = "manage_people"
    CLAIM_BENEFITS = "claim_benefits"
    CHANGE_TIER = "change_tier"
    ASSIGN_SEATS = "assign_seats"
    FOLLOW_TICKETS = "follow_tickets"
    MANAGE_LICENCES = "manage_licences"
    MANAGE_WEBHOOKS = "manage_webhooks"
    SEE_SERVICES = "see_services"
    ORDER_SERVICES = "order_services"
    ACCEPT_WORK = "accept_work"
    REPORT_SALES = "report_sales"
    TAKE_SLOTS = "take_slots"
    FILL_PLACES = "fill_places"
    RECRUIT = "recruit"

    ENTER_OFFICE = "enter_office"
    READ_MEMBERS = "read_members"
    READ_FIGURES = "read_figures"
    READ_INCOME = "read_income"
    SET_TARGETS = "set_targets"
    SEE_OUTLOOK = "see_outlook"
    IMPORT_MEMBERS = "import_members"
    REVIEW = "review"
    RECOMMEND = "recommend"
    DECIDE = "decide"
    DECIDE_APPEALS = "decide_appeals"
    PREPARE_AGREEMENTS = "prepare_agreements"
    COUNTERSIGN = "countersign"
    CONFIRM_BENEFITS = "confirm_benefits"
    APPOINT_OWNERS = "appoint_owners"
    READ_MONEY = "read_money"
    RECORD_RECEIPTS = "record_receipts"
    REFUND = "refund"
    VOID_INVOICES = "void_invoices"
    SET_PRICES = "set_prices"
    SELL = "sell"
    CREDIT = "credit"
    CLOSE_MONTHS = "close_months"
    PUBLISH_ACCOUNT = "publish_account"
    POST_BY_HAND = "post_by_hand"
    RECORD_FAPIAO = "record_fapiao"
    CHASE_DEBTORS = "chase_debtors"
    READ_AUDIT = "read_audit"
    READ_CATALOGUE = "read_catalogue"
    READ_CHORES = "read_chores"
    RUN_CHORES = "run_chores"
    READ_OUTBOX = "read_outbox"
    RETRY_OUTBOX = "retry_outbox"
    READ_MAIL = "read_mail"
    MANAGE_STAFF = "manage_staff"
    HELP_PEOPLE = "help_people"
    PUBLISH_WALL = "publish_wall"
    ERASE_PEOPLE = "erase_people"
    READ_EXAMS = "read_exams"
    RUN_EXAMS = "run_exams"
    GRANT_ACCOMMODATIONS = "grant_accommodations"
    READ_ITEMS = "read_items"
    WRITE_ITEMS = "write_items"
    REVIEW_ITEMS = "review_items"
    LEAD_EXAMS = "lead_exams"
    PROCTOR = "proctor"
    MARK = "mark"
    VOTE_ON_WORK = "vote_on_work"
    RELEASE_RESULTS = "release_results"
    DECIDE_AWARDS = "decide_awards"
    DECIDE_EXAM_APPEALS = "decide_exam_appeals"
    ISSUE_CERTIFICATES = "issue_certificates"
    KEEP_KEYS = "keep_keys"
    READ_TICKETS = "read_tickets"
    ANSWER_TICKETS = "answer_tickets"
    LEAD_SUPPORT = "lead_support"
    HEAR_OF_S1 = "hear_of_s1"
    READ_LICENCES = "read_licences"
    RUN_LICENCES = "run_licences"
    READ_SERVICES = "read_services"
    DRAFT_QUOTES = "draft_quotes"
    APPROVE_QUOTES = "approve_quotes"
    APPROVE_LARGE_QUOTES = "approve_large_quotes"
    DO_WORK = "do_work"
    MANAGE_WORK = "manage_work"
    READ_PLACES = "read_places"
    SELL_PLACES = "sell_places"
    MANAGE_PLACES = "manage_places"
    READ_JOBS = "read_jobs"
    MODERATE_JOBS = "moderate_jobs"


class StaffRole(StrEnum):
    """What a member of staff is trusted with; one person may hold several."""

    REVIEWER = "reviewer"
    LEGAL = "legal"
    FINANCE = "finance"
    COMMITTEE = "committee"
    DIRECTOR = "director"
    SECRETARY = "secretary"
    COUNTER_SIGNER = "counter_signer"
    EXECUTIVE = "executive"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    CERTIFICATION = "certification"
    AUTHOR = "author"
    ITEM_REVIEWER = "item_reviewer"
    CHIEF_EXAMINER = "chief_examiner"
    PROCTOR = "proctor"
    GRADER = "grader"
    COMMUNITY_REVIEWER = "community_reviewer"
    DECIDER = "decider"
    APPEAL_PANEL = "appeal_panel"
    SUPPORT_AGENT = "support_agent"
    SUPPORT_LEAD = "support_lead"
    SERVICE_LEAD = "service_lead"
    SERVICE_MANAGER = "service_manager"
    BOARD = "board"
    JOB_MODERATOR = "job_moderator"


class ContactRole(StrEnum):
    """What a person is for an organisation."""

    OWNER = "owner"
    SIGNATORY = "signatory"
    REPRESENTATIVE = "representative"
    ALTERNATE = "alternate"
    BILLING = "billing"
    TECHNICAL = "technical"
    MARKETING = "marketing"
    LEGAL = "legal"
    PR = "pr"
    HR = "hr"


READERS = {May.ENTER_OFFICE, May.READ_MEMBERS}
STAFF: dict[StaffRole, frozenset[May]] = {
    StaffRole.REVIEWER: frozenset(
        {
            *READERS, May.REVIEW, May.READ_FIGURES, May.IMPORT_MEMBERS, May.CONFIRM_BENEFITS, May.APPOINT_OWNERS,
            May.READ_CATALOGUE, May.READ_MAIL, May.PUBLISH_WALL, May.READ_LICENCES, May.READ_JOBS,
        }
    ),
    StaffRole.LEGAL: frozenset(
        {*READERS, May.RECOMMEND, May.PREPARE_AGREEMENTS, May.ERASE_PEOPLE, May.READ_SERVICES}
    ),
    StaffRole.FINANCE: frozenset(
        {
            *READERS, May.RECOMMEND, May.READ_MONEY, May.READ_FIGURES, May.READ_INCOME, May.SET_TARGETS, May.RECORD_RECEIPTS, May.REFUND,
            May.VOID_INVOICES, May.SET_PRICES, May.SELL, May.CREDIT, May.CLOSE_MONTHS, May.PUBLISH_ACCOUNT, May.POST_BY_HAND,
            May.RECORD_FAPIAO, May.CHASE_DEBTORS, May.READ_CATALOGUE, May.READ_MAIL, May.READ_LICENCES,
            May.RUN_LICENCES, May.READ_SERVICES, May.READ_PLACES,
        }
    ),
    StaffRole.COMMITTEE: frozenset({*READERS, May.RECOMMEND, May.CONFIRM_BENEFITS}),
    StaffRole.DIRECTOR: frozenset(
        {*READERS, May.DECIDE, May.CONFIRM_BENEFITS, May.READ_FIGURES, May.READ_INCOME, May.SEE_OUTLOOK, May.READ_CATALOGUE, May.READ_LICENCES,
         May.RUN_LICENCES}
    ),
    StaffRole.SECRETARY: frozenset(
        {
            *READERS, May.DECIDE_APPEALS, May.APPOINT_OWNERS, May.READ_FIGURES, May.READ_INCOME, May.SEE_OUTLOOK, May.HELP_PEOPLE, May.READ_MAIL,
            May.PUBLISH_WALL, May.ERASE_PEOPLE,
        }
    ),
    StaffRole.COUNTER_SIGNER: frozenset({*READERS, May.COUNTERSIGN, May.READ_SERVICES}),
    StaffRole.EXECUTIVE: frozenset(
        {*READERS, May.READ_MONEY, May.READ_FIGURES, May.READ_INCOME, May.SET_TARGETS, May.SEE_OUTLOOK, May.PUBLISH_ACCOUNT, May.READ_TICKETS, May.HEAR_OF_S1, May.READ_LICENCES,
         May.READ_SERVICES, May.APPROVE_LARGE_QUOTES, May.READ_PLACES, May.READ_JOBS}
    ),
    StaffRole.AUDITOR: frozenset(
        {
            *READERS, May.READ_MONEY, May.READ_FIGURES, May.READ_INCOME, May.READ_AUDIT, May.READ_CATALOGUE, May.READ_CHORES,
            May.READ_OUTBOX, May.READ_MAIL, May.READ_EXAMS, May.READ_ITEMS, May.READ_TICKETS, May.READ_LICENCES,
            May.READ_SERVICES, May.READ_PLACES, May.READ_JOBS,
        }
    ),
    StaffRole.ADMINISTRATOR: frozenset(
        {
            May.ENTER_OFFICE, May.MANAGE_STAFF, May.HELP_PEOPLE, May.READ_CATALOGUE, May.READ_CHORES, May.RUN_CHORES,
            May.READ_OUTBOX, May.RETRY_OUTBOX, May.READ_AUDIT, May.ERASE_PEOPLE, May.KEEP_KEYS,
        }
    ),
    StaffRole.CERTIFICATION: frozenset(
        {
            May.ENTER_OFFICE, May.READ_EXAMS, May.RUN_EXAMS, May.GRANT_ACCOMMODATIONS, May.READ_ITEMS,
            May.RELEASE_RESULTS, May.ISSUE_CERTIFICATES, May.READ_CATALOGUE,
        }
    ),
    StaffRole.AUTHOR: frozenset({May.ENTER_OFFICE, May.READ_ITEMS, May.WRITE_ITEMS}),
    StaffRole.ITEM_REVIEWER: frozenset({May.ENTER_OFFICE, May.READ_ITEMS, May.REVIEW_ITEMS}),
    StaffRole.CHIEF_EXAMINER: frozenset(
        {May.ENTER_OFFICE, May.READ_EXAMS, May.READ_ITEMS, May.LEAD_EXAMS, May.READ_CATALOGUE}
    ),
    # Whoever proctors sees the session in hand; whoever marks or votes sees work without a name: no list of candidates.
    StaffRole.PROCTOR: frozenset({May.ENTER_OFFICE, May.PROCTOR}),
    StaffRole.GRADER: frozenset({May.ENTER_OFFICE, May.MARK}),
    StaffRole.COMMUNITY_REVIEWER: frozenset({May.ENTER_OFFICE, May.VOTE_ON_WORK}),
    StaffRole.DECIDER: frozenset({May.ENTER_OFFICE, May.READ_EXAMS, May.DECIDE_AWARDS, May.KEEP_KEYS}),
    StaffRole.APPEAL_PANEL: frozenset({May.ENTER_OFFICE, May.DECIDE_EXAM_APPEALS}),
    StaffRole.SUPPORT_AGENT: frozenset(
        {May.ENTER_OFFICE, May.READ_TICKETS, May.ANSWER_TICKETS, May.READ_LICENCES, May.RUN_LICENCES}
    ),
    StaffRole.SUPPORT_LEAD: frozenset(
        {May.ENTER_OFFICE, May.READ_TICKETS, May.ANSWER_TICKETS, May.LEAD_SUPPORT, May.READ_LICENCES, May.RUN_LICENCES}
    ),
    StaffRole.SERVICE_LEAD: frozenset(
        {*READERS, May.READ_SERVICES, May.DRAFT_QUOTES, May.DO_WORK, May.READ_CATALOGUE, May.READ_PLACES, May.SELL_PLACES}
    ),
    StaffRole.SERVICE_MANAGER: frozenset(
        {*READERS, May.READ_SERVICES, May.DRAFT_QUOTES, May.APPROVE_QUOTES, May.DO_WORK, May.MANAGE_WORK,
         May.READ_CATALOGUE, May.READ_FIGURES, May.READ_PLACES, May.SELL_PLACES, May.MANAGE_PLACES}
    ),
    # The board reads streams and groups, never who paid.
    StaffRole.BOARD: frozenset({May.ENTER_OFFICE, May.READ_INCOME, May.SEE_OUTLOOK}),
    StaffRole.JOB_MODERATOR: frozenset({*READERS, May.READ_JOBS, May.MODERATE_JOBS, May.READ_CATALOGUE}),
}  # fmt: skip
SEES = {May.SEE_ORG}
CONTACT: dict[ContactRole, frozenset[May]] = {
    ContactRole.OWNER: frozenset(
        {*SEES, May.EDIT_PROFILE, May.APPLY, May.SUBMIT, May.SEE_MONEY, May.PAY, May.MANAGE_PEOPLE, May.CLAIM_BENEFITS,
         May.CHANGE_TIER, May.ASSIGN_SEATS, May.FOLLOW_TICKETS, May.MANAGE_LICENCES, May.SEE_SERVICES,
         May.ORDER_SERVICES, May.ACCEPT_WORK, May.MANAGE_WEBHOOKS, May.REPORT_SALES, May.TAKE_SLOTS, May.FILL_PLACES,
         May.RECRUIT}
    ),
    ContactRole.SIGNATORY: frozenset(
        {*SEES, May.APPLY, May.SUBMIT, May.SIGN, May.SEE_SERVICES, May.ORDER_SERVICES, May.ACCEPT_WORK}
    ),
    ContactRole.REPRESENTATIVE: frozenset({*SEES, May.APPLY, May.CLAIM_BENEFITS, May.CHANGE_TIER}),
    ContactRole.ALTERNATE: frozenset(SEES),
    ContactRole.BILLING: frozenset(
        {*SEES, May.SEE_MONEY, May.PAY, May.SEE_SERVICES, May.ORDER_SERVICES, May.REPORT_SALES}
    ),
    ContactRole.TECHNICAL: frozenset(
        {*SEES, May.CLAIM_BENEFITS, May.FOLLOW_TICKETS, May.MANAGE_LICENCES, May.MANAGE_WEBHOOKS, May.SEE_SERVICES,
         May.ACCEPT_WORK, May.TAKE_SLOTS}
    ),
    ContactRole.MARKETING: frozenset({*SEES, May.EDIT_PROFILE, May.FILL_PLACES}),
    ContactRole.LEGAL: frozenset(SEES),
    ContactRole.PR: frozenset(SEES),
    ContactRole.HR: frozenset({*SEES, May.ASSIGN_SEATS, May.RECRUIT}),
}  # fmt: skip


labels.name(
    StaffRole,
    {
        StaffRole.REVIEWER: _l("Membership reviewer"),
        StaffRole.LEGAL: _l("Legal"),
        StaffRole.FINANCE: _l("Finance"),
        StaffRole.COMMITTEE: _l("Committee approver"),
        StaffRole.DIRECTOR: _l("Director"),
        StaffRole.SECRETARY: _l("Secretary of the board"),
        StaffRole.COUNTER_SIGNER: _l("Counter-signer"),
        StaffRole.EXECUTIVE: _l("Executive"),
        StaffRole.AUDITOR: _l("Auditor"),
        StaffRole.ADMINISTRATOR: _l("Administrator"),
        StaffRole.CERTIFICATION: _l("Certification staff"),
        StaffRole.AUTHOR: _l("Item author"),
        StaffRole.ITEM_REVIEWER: _l("Item reviewer"),
        StaffRole.CHIEF_EXAMINER: _l("Chief examiner"),
        StaffRole.PROCTOR: _l("Proctor"),
        StaffRole.GRADER: _l("Grader"),
        StaffRole.COMMUNITY_REVIEWER: _l("Community reviewer"),
        StaffRole.DECIDER: _l("Decider on awards"),
        StaffRole.APPEAL_PANEL: _l("Appeal panel of exams"),
        StaffRole.SUPPORT_AGENT: _l("Support agent"),
        StaffRole.SUPPORT_LEAD: _l("Lead of support"),
        StaffRole.SERVICE_LEAD: _l("Lead of services"),
        StaffRole.SERVICE_MANAGER: _l("Manager of services"),
        StaffRole.BOARD: _l("Board member"), StaffRole.JOB_MODERATOR: _l("Moderator of posts"),
    },
)  # fmt: skip
labels.name(
    ContactRole,
    {
        ContactRole.OWNER: _l("Owner"), ContactRole.SIGNATORY: _l("Signatory"), ContactRole.BILLING: _l("Billing"),
        ContactRole.REPRESENTATIVE: _l("Voting representative"), ContactRole.TECHNICAL: _l("Technical"),
        ContactRole.ALTERNATE: _l("Alternate representative"), ContactRole.MARKETING: _l("Marketing"),
        ContactRole.LEGAL: _l("Legal affairs"), ContactRole.PR: _l("Public relations"), ContactRole.HR: _l("Recruiting"),
    },
)  # fmt: skip
