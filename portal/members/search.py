"""The office's search: members, people, applications, invoices and receipts, each kind for whoever may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from portal.accounts import people_office
from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.billing.access import visible_invoices
from portal.billing.models import Invoice, Party
from portal.billing.money_models import Receipt
from portal.core import labels
from portal.core.db import db
from portal.core.paging import asked, folded
from portal.core.words import day, money
from portal.members import wall
from portal.members.belonging import Membership
from portal.members.models import Application

finder = Blueprint("finder", __name__, url_prefix="/office/search")
MOST = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: what it is called, what else tells it apart, where it opens."""

    title: str
    detail: str
    href: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind, and where the whole list is."""

    code: str
    name: str
    hits: list[Hit]
    more: bool
    href: str


def _named(wanted: str) -> Any:
    return or_(
        Organisation.search_text.contains(wanted, autoescape=True),
        Organisation.legal_key.icontains(wanted, autoescape=True),
    )


def _first(statement: Select[Any]) -> list[Any]:
    return list(db.session.scalars(statement.limit(MOST + 1)))


def _group(code: str, name: str, rows: list[Any], hit: Callable[[Any], Hit], href: str) -> Group:
    return Group(code, name, [hit(row) for row in rows[:MOST]], len(rows) > MOST, href)


def _members(q: str) -> Group:
    statement = select(Membership).join(Organisation).where(_named(folded(q)))
    return _group(
        "members", _("Members"), _first(statement.order_by(wall.by_name(), Membership.id)),
        lambda row: Hit(
            row.org.name, f"{wall.tier_name(row.tier)} · {labels.label(row.standing)}",
            url_for("roll.member", uid=row.org.uid),
        ),
        url_for("roll.members", q=q),
    )  # fmt: skip


def _people(q: str) -> Group:
    rows = _first(people_office.found(q))
    roles = people_office.roles_of(rows)

    def hit(row: Any) -> Hit:
        first = roles[row.id][0]
        href = url_for("chain.about", subject=first.org.subject)
        return Hit(row.name, f"{row.email} · {labels.label(first.role)} · {first.org.name}", href)

    return _group("people", _("People"), rows, hit, url_for("folk.people", q=q))


def _applications(q: str) -> Group:
    statement = (
        select(Application)
        .join(Organisation)
        .where(Application.submitted_at.is_not(None), _named(folded(q)))
        .order_by(Application.id.desc())
    )
    return _group(
        "applications", _("Applications"), _first(statement),
        lambda row: Hit(
            row.org.name, f"{wall.tier_name(row.tier)} · {labels.label(row.state)}",
            url_for("cases.case", uid=row.uid),
        ),
        url_for("cases.queue", state="all", q=q),
    )  # fmt: skip


def _parties(wanted: str) -> Select[Any]:
    """Select the payers whose organisation has the name, in either script."""
    return select(Party.id).join(Organisation, Party.org_id == Organisation.id).where(_named(wanted))


def _invoices(reader: Reader, q: str) -> Group:
    columns = (Invoice.number, Invoice.reference, Invoice.buyer_name)
    wanted = folded(q)
    theirs = Invoice.party_id.in_(_parties(wanted))
    statement = visible_invoices(reader).where(
        or_(theirs, *(c.icontains(wanted, autoescape=True) for c in columns))
    )
    return _group(
        "invoices", _("Invoices"), _first(statement.order_by(Invoice.id.desc())),
        lambda row: Hit(
            row.number, f"{row.buyer_name} · {money(row.gross)} · {labels.label(row.state)}",
            url_for("money.invoice", uid=row.uid),
        ),
        url_for("money.invoices", q=q),
    )  # fmt: skip


def _receipts(q: str) -> Group:
    wanted = folded(q)
    statement = (
        select(Receipt)
        .options(joinedload(Receipt.party))
        .where(
            or_(
                Receipt.party_id.in_(_parties(wanted)),
                Receipt.payer.icontains(wanted, autoescape=True),
                Receipt.provider_ref.icontains(wanted, autoescape=True),
            )
        )
        .order_by(Receipt.id.desc())
    )
    return _group(
        "receipts", _("Receipts"), _first(statement),
        lambda row: Hit(
            row.payer or row.provider_ref, f"{money(row.amount)} · {labels.label(row.way)} · {day(row.received_on)}",
            url_for("money.receipts", q=row.provider_ref),
        ),
        url_for("money.receipts", q=q),
    )  # fmt: skip


def find(reader: Reader, q: str) -> list[Group]:
    """Return what was found, by kind; kinds the reader may not read are not asked for."""
    if not folded(q):
        return []
    found: list[Group] = []
    if reader.staff_may(May.READ_MEMBERS):
        found += [_members(q), _people(q), _applications(q)]
    if reader.staff_may(May.READ_MONEY):
        found += [_invoices(reader, q), _receipts(q)]
    return [group for group in found if group.hits]


def _kinds(reader: Reader) -> Iterable[str]:
    if reader.staff_may(May.READ_MEMBERS):
        yield from (_("Members"), _("People"), _("Applications"))
    if reader.staff_may(May.READ_MONEY):
        yield from (_("Invoices"), _("Receipts"))


@finder.get("/")
@allow(May.READ_MEMBERS, May.READ_MONEY)
def search() -> str:
    """Show what was found; as a part of a page for the field that searches while one types."""
    reader, q = me(), asked("q", most=100)
    part = "office/_found.html" if request.args.get("part") else "office/search.html"
    return render_template(part, q=q, groups=find(reader, q), kinds=list(_kinds(reader)))
