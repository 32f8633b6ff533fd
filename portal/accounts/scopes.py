"""What a token may do: each scope, and which permissions of its owner it can carry."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from portal.accounts.may import May
from portal.core import labels


class Scope(StrEnum):
    """What a token of the API is for; it never opens more than its owner may do at that moment."""

    PROFILE_READ = "profile:read"
    PROFILE_WRITE = "profile:write"
    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    BENEFITS_READ = "benefits:read"
    BENEFITS_WRITE = "benefits:write"
    INVOICES_READ = "invoices:read"
    PLANS_WRITE = "plans:write"
    FAPIAO_WRITE = "fapiao:write"
    PRIVACY = "privacy"
    CERTIFICATES_CHECK = "certificates:check"
    METRICS = "metrics"
    EXAMS_READ = "exams:read"
    EXAMS_WRITE = "exams:write"
    SERVICES_READ = "services:read"
    SERVICES_WRITE = "services:write"
    LICENCES_READ = "licences:read"
    LICENCES_WRITE = "licences:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"


SCOPES: dict[Scope, frozenset[May]] = {
    Scope.PROFILE_READ: frozenset({May.SEE_ORG}),
    Scope.PROFILE_WRITE: frozenset({May.EDIT_PROFILE}),
    Scope.APPLICATIONS_READ: frozenset({May.SEE_ORG, May.APPLY, May.READ_MEMBERS}),
    Scope.APPLICATIONS_WRITE: frozenset({May.SEE_ORG, May.APPLY, May.SUBMIT}),
    Scope.BENEFITS_READ: frozenset({May.SEE_ORG}),
    Scope.BENEFITS_WRITE: frozenset({May.SEE_ORG, May.CLAIM_BENEFITS}),
    Scope.INVOICES_READ: frozenset({May.SEE_MONEY, May.READ_MONEY}),
    Scope.PLANS_WRITE: frozenset({May.SEE_MONEY, May.PAY}),
    Scope.FAPIAO_WRITE: frozenset({May.SEE_MONEY, May.PAY}),
    Scope.PRIVACY: frozenset({May.SEE_ORG, May.READ_MEMBERS}),
    Scope.CERTIFICATES_CHECK: frozenset({May.SEE_ORG}),
    Scope.METRICS: frozenset({May.RUN_CHORES}),
    Scope.EXAMS_READ: frozenset(),  # one's own: nothing but being that person opens it
    Scope.EXAMS_WRITE: frozenset(),
    Scope.SERVICES_READ: frozenset({May.SEE_ORG, May.FOLLOW_TICKETS, May.SEE_SERVICES, May.REPORT_SALES}),
    Scope.SERVICES_WRITE: frozenset(
        {
            May.SEE_ORG,
            May.FOLLOW_TICKETS,
            May.SEE_SERVICES,
            May.ORDER_SERVICES,
            May.ACCEPT_WORK,
            May.REPORT_SALES,
        }
    ),
    Scope.LICENCES_READ: frozenset({May.SEE_ORG, May.READ_LICENCES}),
    Scope.LICENCES_WRITE: frozenset(
        {May.SEE_ORG, May.MANAGE_LICENCES, May.PAY, May.SIGN, May.READ_LICENCES, May.RUN_LICENCES}
    ),
    Scope.JOBS_READ: frozenset({May.SEE_ORG, May.RECRUIT}),  # one's own applications need none of them
    Scope.JOBS_WRITE: frozenset({May.SEE_ORG, May.RECRUIT}),
}

labels.name(
    Scope,
    {
        Scope.PROFILE_READ: _l("Read the organisation's profile"),
        Scope.PROFILE_WRITE: _l("Change the organisation's profile"),
        Scope.APPLICATIONS_READ: _l("Read applications"),
        Scope.APPLICATIONS_WRITE: _l("Write and send applications"),
        Scope.BENEFITS_READ: _l("Read benefits and claims"),
        Scope.BENEFITS_WRITE: _l("Claim benefits and take claims back"),
        Scope.INVOICES_READ: _l("Read invoices"),
        Scope.PLANS_WRITE: _l("Change subscriptions and accept quotes"),
        Scope.FAPIAO_WRITE: _l("Ask for fapiao"),
        Scope.PRIVACY: _l("Read and change your own consents"),
        Scope.CERTIFICATES_CHECK: _l("Check many certificates at once"),
        Scope.METRICS: _l("Read the portal's metrics"),
        Scope.EXAMS_READ: _l("Read your own exam bookings"),
        Scope.EXAMS_WRITE: _l("Book, move and cancel your own exams"),
        Scope.SERVICES_READ: _l("Read support tickets, quotes, orders and projects"),
        Scope.SERVICES_WRITE: _l("Write in support tickets, accept quotes and finished work"),
        Scope.LICENCES_READ: _l("Read licences, their nodes and files"),
        Scope.LICENCES_WRITE: _l("Manage licences: keys, nodes and files"),
        Scope.JOBS_READ: _l("Read posts, and applications you may see"),
        Scope.JOBS_WRITE: _l("Write posts and applications"),
    },
)
