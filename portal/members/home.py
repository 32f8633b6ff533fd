"""Homes: what waits for a member and for staff, and the few figures that matter to each."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import merging
from portal.accounts.access import Reader, allow, me, signed_in
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import acting_for, required_org
from portal.billing.access import of_orgs, visible_invoices
from portal.billing.issuing import owed
from portal.billing.models import Invoice, InvoiceState, Party
from portal.billing.words import overdue
from portal.core import catalogue, clock, files, heads
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.money import Money
from portal.core.web import go
from portal.core.words import day, last_day, money
from portal.members import (
    care_tasks,
    checklist,
    leaving,
    papers,
    renewal_queries,
    tasks,
    tier_plan,
    tier_quotes,
    tier_seen,
)
from portal.members.access import own_membership
from portal.members.belonging import Agreement, AgreementState, Membership, Term
from portal.members.facts import facts_of
from portal.members.models import Application, ApplicationState
from portal.members.standing import in_force
from portal.members.tasks import IN_FORCE

member = Blueprint("member", __name__)
office = Blueprint("office", __name__, url_prefix="/office")
S, G = ApplicationState, AgreementState


def _task(
    title: str, href: str, action: str, *, detail: str = "", since: Any = None, overdue: bool = False
) -> dict[str, Any]:
    return {
        "title": title,
        "href": href,
        "action": action,
        "detail": detail,
        "since": since,
        "overdue": overdue,
    }


def member_tasks(reader: Reader, org: Organisation) -> list[dict[str, Any]]:
    """Return what waits for this person at this organisation, oldest first."""
    found: list[dict[str, Any]] = []
    rows = db.session.scalars(
        select(Application).where(Application.org_id == org.id).order_by(Application.id)
    )
    for row in rows:
        page = url_for("apply.case", uid=row.uid)
        if row.state is S.DRAFT and reader.may(May.APPLY, org.id):
            found.append(_task(_("Finish your application"), page, _("Continue"), since=row.created_at))
        if row.state is S.INFO_REQUESTED and reader.may(May.APPLY, org.id):
            found.append(_task(_("Answer our questions"), page, _("Answer"), since=row.asked_at))
        if tier_quotes.to_confirm(row) and reader.may(May.CHANGE_TIER, org.id):
            found.append(_task(_("Confirm the change of tier"), page, _("Look"), since=row.decided_at))
    agreements = (
        select(Agreement).join(Application).where(Application.org_id == org.id, Agreement.state == G.SENT)
    )
    for agreement in db.session.scalars(agreements):
        if reader.may(May.SIGN, org.id):
            target = url_for("apply.agreement", uid=agreement.uid)
            found.append(
                _task(_("Sign the membership agreement"), target, _("Sign"), since=agreement.sent_at)
            )
    if reader.may(May.SEE_MONEY, org.id):
        for invoice in db.session.scalars(visible_invoices(reader).where(Invoice.state == InvoiceState.OPEN)):
            if invoice.party.org is not None and merging.kept_for(invoice.party.org).id == org.id:
                found.append(
                    _task(
                        _("Pay invoice %(number)s", number=invoice.number),
                        url_for("billing.invoice", uid=invoice.uid),
                        _("Pay"),
                        detail=_to_pay(invoice),
                        overdue=overdue(invoice),
                    )
                )
    return found + _renewal_tasks(reader, org) + care_tasks.of_member(reader, org)


def _to_pay(invoice: Invoice) -> str:
    if invoice.due_on is None:
        return money(invoice.gross)
    return _("%(sum)s, due on %(day)s", sum=money(invoice.gross), day=day(invoice.due_on))


def _renewal_tasks(reader: Reader, org: Organisation) -> list[dict[str, Any]]:
    """Return what of the renewal waits for this person."""
    if not reader.may(May.SUBMIT, org.id) and not reader.may(May.PAY, org.id):
        return []
    words = {
        "choice": (_("Choose how the membership goes on"), _("Choose")),
        "offer": (_("Renew the membership"), _("Look")),
    }
    return [
        _task(words[what][0], url_for("member.renewal"), words[what][1], since=since)
        for what, since in renewal_queries.open_tasks(own_membership(org.id))
    ]


@member.get("/home")
@signed_in
def home() -> str:
    """Show what waits for the organisation the reader acts for, and where it stands."""
    reader = me()
    org = acting_for(reader)
    membership = own_membership(org.id) if org else None
    items = checklist.items(membership) if membership and membership.standing in IN_FORCE else []
    application = None
    if org is not None:
        application = db.session.scalars(
            select(Application).where(Application.org_id == org.id).order_by(Application.id.desc())
        ).first()
    return render_template(
        "member/home.html", org=org, membership=membership, tasks=member_tasks(reader, org) if org else [],
        items=items, done=sum(item.done for item in items), application=application,
        tier=_tier_words(membership.tier if membership else ""), term=_term(membership),
        figures=_figures(reader, org, membership) if org else [],
    )  # fmt: skip


def _figures(reader: Reader, org: Organisation, membership: Membership | None) -> list[dict[str, Any]]:
    """Return the few numbers that matter to a member, each leading to its rows."""
    found: list[dict[str, Any]] = []
    term = _term(membership)
    if membership is not None and term is not None:
        until = _("until %(day)s", day=last_day(term.end)) if term.end else _("without end")
        found = [
            {"label": _("Tier"), "value": _tier_words(membership.tier), "href": url_for("member.membership")},
            {"label": _("Membership year"), "value": day(term.start), "note": until},
            {
                "label": _("Benefits"), "value": len(papers.granted(membership)),
                "href": url_for("member.benefits"),
            },
        ]  # fmt: skip
    if reader.may(May.SEE_MONEY, org.id):
        mine = (
            visible_invoices(reader).join(Party).where(of_orgs([org.id]), Invoice.state == InvoiceState.OPEN)
        )
        rows = db.session.scalars(mine).all()
        total = sum((owed(row) for row in rows), Money(0))
        if rows or found:
            found.append(
                {
                    "label": _("To be paid"),
                    "value": money(total),
                    "href": url_for("billing.invoices", state="open"),
                }
            )
    return found


def _tier_words(code: str) -> str:
    body = catalogue.entries("tier").get(code)
    return catalogue.in_words(body["name"]) if body else code


def _term(membership: Membership | None) -> Term | None:
    """Return the term that covers today, else the last one."""
    if membership is None:
        return None
    rows = db.session.scalars(
        select(Term).where(Term.membership_id == membership.id).order_by(Term.start.desc(), Term.id.desc())
    ).all()
    today = clock.today()
    covering = (row for row in rows if row.start <= today and (row.end is None or today < row.end))
    return next(covering, rows[0] if rows else None)


def _running(membership: Membership | None) -> Term | None:
    """Return the term of today, not one that is paid ahead."""
    if membership is None:
        return None
    fact = in_force(facts_of([membership])[membership.id], clock.today())
    return db.session.get_one(Term, fact.id) if fact is not None else None


@member.get("/membership")
@allow(May.SEE_ORG)
def membership() -> str:
    """Show tier, term, papers and the entry on the wall."""
    org = required_org(me(), May.SEE_ORG)
    row = own_membership(org.id)
    return render_template(
        "member/membership.html", org=org, membership=row, term=_running(row) or _term(row),
        tier=_tier_words(row.tier if row else ""), items=checklist.items(row) if row else [],
        leaves=leaving.announced(row) if row else None,
        choice=tier_seen.next_choice(row, _running(row)), tier_name=_tier_words,
        more_tiers=bool(row and row.standing in IN_FORCE and tier_plan.open_to(row)),
    )  # fmt: skip


@member.get("/membership/certificate")
@allow(May.SEE_ORG)
def certificate() -> Response:
    """Hand out the certificate of membership."""
    row = own_membership(required_org(me(), May.SEE_ORG).id)
    if row is None or row.certificate is None:
        raise Missing(_("The certificate is made when the membership begins. Please try again in a minute."))
    return files.send(row.certificate, inline=True)


@member.post("/membership/listing")
@allow(May.EDIT_PROFILE)
def listing() -> BaseResponse:
    """Show the organisation on the wall, or take it off; it takes effect at once."""
    reader = me()
    org = required_org(reader, May.EDIT_PROFILE)
    with transaction():
        checklist.set_listing(org, not org.listing_consent, by=reader.person)
    return go(
        "member.membership",
        _("Shown on the member wall.") if org.listing_consent else _("No longer shown on the member wall."),
    )


@office.get("/", endpoint="home")
@allow(May.ENTER_OFFICE)
def desk() -> str:
    """Show what waits for this member of staff, and the figures of the foundation."""
    reader = me()
    above = heads.of(reader)
    return render_template(
        "office/home.html", tasks=tasks.staff_tasks(reader), figures=[] if above else tasks.figures(reader),
        heads=above, today=day(clock.today()),
    )  # fmt: skip
