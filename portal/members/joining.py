"""How somebody comes in: from which day, for which period, and at what price where the year has begun."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.billing import issuing, queries, settling
from portal.billing.catalogue import price_of
from portal.billing.issuing import Item
from portal.billing.models import Invoice, InvoiceState
from portal.billing.pricing import Terms
from portal.billing.reversing import take_back
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.money import Money
from portal.core.periods import nth
from portal.members import terms
from portal.members.belonging import Term, TermKind
from portal.members.models import Application, Kind
from portal.members.renewal_rules import Basis, Period, beginning, charge
from portal.members.standing import Standing

FOUNDING = {"en": "Founding member: first year waived", "zh": "创始会员：首年会费豁免"}


def rules_of(tier: str) -> tuple[Basis, dict[str, object]]:
    """Return how the periods of a tier run, and what somebody pays who comes late into one."""
    body = catalogue.entries("tier").get(tier, {})
    basis = body.get("basis") or catalogue.policy("term.basis")
    return Basis(basis), body.get("join_late") or catalogue.policy("term.join_late")


def first_day() -> date:
    """Return the day on which a first term starts whose last condition is met today."""
    today = clock.today()
    if catalogue.policy("term.start_rule") == "next_first" and today.day > 1:
        return nth(today.replace(day=1), 1, 1)
    return today


def period_from(tier: str, start: date) -> Period:
    """Return the first period of a tier for somebody who begins on a day."""
    basis, joining = rules_of(tier)
    return beginning(start, basis, joining)


def invoice(application: Application, *, by: str) -> Invoice:
    """Issue the invoice of an approved application: the price of its period, with a founder's waiver as a discount."""
    order = issuing.place_order(issuing.party_of(application.org), application.subject, [_item(application)])
    application.invoice = issuing.issue_invoice(order, language=application.language, by=by)
    db.session.flush()
    return application.invoice


def _item(application: Application) -> Item:
    price = price_of(catalogue.entry("tier", application.tier)["product"])
    period = period_from(application.tier, first_day())
    amount = Money(charge(price.amount.minor, period, rules_of(application.tier)[1]))
    words = None
    if amount != price.amount:
        first, last = period.start, period.end - timedelta(days=1)
        words = {
            "en": f"{price.words['en']}, {first} to {last}",
            "zh": f"{price.words['zh']}，{first} 至 {last}",
        }
        price = replace(price, terms=Terms(flat=amount.minor))
    if application.founding:
        return Item(price, discount=amount, discount_words=FOUNDING, words=words)
    return Item(price, words=words)


def outrun(application: Application, paid: Invoice, start: date) -> bool:
    """Whether the period that an invoice was for is over before the term can begin: the year has turned."""
    if paid.issued_on is None or rules_of(application.tier)[0] is Basis.ANNIVERSARY:
        return False
    return period_from(application.tier, paid.issued_on).end <= start


def invoice_anew(application: Application, paid: Invoice) -> None:
    """Take an invoice back whose year is over and issue one for the new year; what was paid goes on it."""
    take_back(paid, by="fulfilment", reason="the year is over")
    audit.record("application.invoiced_anew", application, by="fulfilment", org_id=application.org_id)
    fresh = invoice(application, by="fulfilment")
    if fresh.state is InvoiceState.OPEN and queries.credits_of(fresh.party):
        settling.use_credit(fresh, by="fulfilment")


def whole_price(application: Application, paid: Invoice) -> Money:
    """Return the price of the whole period of which an invoice asks a part or all, as it was when it was issued."""
    line = paid.lines[0]
    if rules_of(application.tier)[0] is Basis.ANNIVERSARY:
        return line.list_amount
    return price_of(catalogue.entry("tier", application.tier)["product"], on=paid.issued_on).amount


def kind_of_term(application: Application) -> TermKind:
    """Return of which kind the term is that an application leads to."""
    return TermKind.REINSTATEMENT if application.kind is Kind.REINSTATEMENT else TermKind.NEW


def asked_kind(org: Organisation) -> Kind:
    """Return what an application of an organisation asks for: to come in, or to come back after a term is over."""
    membership = terms.membership_of(org)
    if membership is None:
        return Kind.JOIN
    had = select(Term.id).where(Term.membership_id == membership.id, Term.start <= clock.today())
    if db.session.scalar(had.limit(1)) is None:
        return Kind.JOIN
    out = terms.standing(membership) in {
        Standing.LAPSED,
        Standing.RESIGNED,
        Standing.EXPELLED,
        Standing.APPLICANT,
    }
    return Kind.REINSTATEMENT if out else Kind.JOIN


def refuse_barred(org: Organisation) -> None:
    """Refuse an application of somebody who was expelled, while the bar runs."""
    membership = terms.membership_of(org)
    if membership is not None and terms.standing(membership) is Standing.EXPELLED:
        raise Refused(_l("This membership was ended by expulsion: a new application is not possible now."))
