"""The onboarding checklist, and the tasks of staff: both derived from what is, never stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts import contacts
from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.billing import queries
from portal.billing.models import Party
from portal.core import audit, catalogue, clock, labels
from portal.core.db import db
from portal.members import review
from portal.members.belonging import Agreement, AgreementState, ChecklistTick, Membership
from portal.members.models import Application, ApplicationState

S, G = ApplicationState, AgreementState


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist: derived ones are done by doing, ticked ones by a person."""

    code: str
    name: str
    done: bool
    due: date | None
    href: str
    derived: bool


def _contacts_complete(membership: Membership) -> bool:
    return not contacts.missing(membership.org, membership.tier)


def _billing_profile(membership: Membership) -> bool:
    # Asked and not made on first need: whoever looks at a member's page writes nothing.
    filled = (Party.title != "") & (Party.tax_number != "") & (Party.address != "")
    return db.session.scalar(select(Party.id).where(Party.org_id == membership.org_id, filled)) is not None


def _listed(membership: Membership) -> bool:
    org = membership.org
    return org.listing_consent and bool(org.display_name_zh or org.display_name_en)


DERIVED: dict[str, tuple[Callable[[Membership], bool], str]] = {
    "contacts_complete": (_contacts_complete, "accounts.people"),
    "billing_profile": (_billing_profile, "billing.invoices"),
    "listed": (_listed, "member.membership"),
}


def items(membership: Membership) -> list[Item]:
    """Return the checklist of a membership."""
    ticked = set(
        db.session.scalars(select(ChecklistTick.item).where(ChecklistTick.membership_id == membership.id))
    )
    found = []
    for code, body in catalogue.entries("checklist").items():
        check, target = DERIVED.get(body["done_when"], (None, "member.membership"))
        due = membership.member_since + timedelta(days=body["days"]) if membership.member_since else None
        done = check(membership) if check else code in ticked
        found.append(
            Item(code, catalogue.in_words(body["name"]), done, due, url_for(target), check is not None)
        )
    return found


def tick(membership: Membership, code: str, *, by: Person) -> None:
    """Tick an item that is not derived."""
    if catalogue.entries("checklist").get(code, {}).get("done_when") != "tick":
        raise LookupError(code)
    known = select(ChecklistTick.id).where(
        ChecklistTick.membership_id == membership.id, ChecklistTick.item == code
    )
    if db.session.scalar(known) is None:
        db.session.add(ChecklistTick(membership=membership, item=code, by_name=by.name))
        audit.record("membership.item_ticked", membership, by=by, org_id=membership.org_id, item=code)


def set_listing(org: Organisation, listed: bool, *, by: Person) -> None:
    """Give or take back the consent to be shown on the wall."""
    org.listing_consent = listed
    audit.record("organisation.listing", org, by=by, org_id=org.id, listed=listed)


def _task(row: Any, title: str, action: str, since: Any, href: str) -> dict[str, Any]:
    return {
        "title": title,
        "href": href,
        "action": action,
        "detail": labels.label(row.state),
        "since": since,
        "overdue": False,
    }


def _applications(reader: Reader) -> list[dict[str, Any]]:
    found = []
    waiting = (
        select(Application)
        .where(Application.state.in_([S.SUBMITTED, S.IN_REVIEW, S.REJECTED]))
        .order_by(Application.submitted_at)
    )
    for row in db.session.scalars(waiting.limit(200)):
        href, name = url_for("cases.case", uid=row.uid), row.org.name
        voices = review.voices(row) if row.state is S.IN_REVIEW else []
        if row.state is S.SUBMITTED and reader.staff_may(May.REVIEW):
            found.append(
                _task(row, _("New application: %(org)s", org=name), _("Take"), row.submitted_at, href)
            )
        elif row.state is S.REJECTED:
            if row.appealed_at and not row.appeal_heard_at and reader.staff_may(May.DECIDE_APPEALS):
                found.append(_task(row, _("Appeal: %(org)s", org=name), _("Hear"), row.appealed_at, href))
        elif row.state is S.IN_REVIEW and row.case_owner_id == reader.person.id:
            found.append(
                _task(row, _("Your case: %(org)s", org=name), _("Open the case"), row.submitted_at, href)
            )
        elif (
            row.state is S.IN_REVIEW and reader.staff_may(May.DECIDE) and not review.missing_for_decision(row)
        ):
            found.append(
                _task(row, _("To be decided: %(org)s", org=name), _("Decide"), row.submitted_at, href)
            )
        elif (
            row.state is S.IN_REVIEW
            and reader.staff_may(May.RECOMMEND)
            and reader.person.id not in {v.person_id for v in voices}
        ):
            found.append(
                _task(
                    row, _("Your voice is asked: %(org)s", org=name), _("Recommend"), row.submitted_at, href
                )
            )
    return found


def staff_tasks(reader: Reader) -> list[dict[str, Any]]:
    """Return what waits for a member of staff, oldest first."""
    found = _applications(reader) if reader.staff_may(May.READ_MEMBERS) else []
    steps = {
        G.DRAFTED: (May.PREPARE_AGREEMENTS, _("Agreement to be sent: %(org)s"), _("Send")),
        G.MEMBER_SIGNED: (May.COUNTERSIGN, _("To be counter-signed: %(org)s"), _("Sign")),
    }
    for row in db.session.scalars(
        select(Agreement).where(Agreement.state.in_(list(steps))).order_by(Agreement.id)
    ):
        verb, title, action = steps[row.state]
        if reader.staff_may(verb):
            found.append(
                _task(
                    row,
                    title % {"org": row.party_name},
                    action,
                    row.created_at,
                    url_for("cases.case", uid=row.application.uid),
                )
            )
    if reader.staff_may(May.RECORD_RECEIPTS):
        found += [
            _task(
                entry,
                _("Transfer to confirm: %(payer)s", payer=entry.payer),
                _("Confirm"),
                entry.created_at,
                url_for("money.desk"),
            )
            for entry in db.session.scalars(queries.entries_waiting())
            if entry.by_id != reader.person.id
        ]
    return sorted(found, key=lambda task: task["since"] or clock.now())
