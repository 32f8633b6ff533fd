"""The onboarding checklist: derived from what is where it can be, else ticked by a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from flask import url_for
from sqlalchemy import select

from portal.accounts import consents, contacts
from portal.accounts.events import ConsentChanged
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.accounts.words import role
from portal.billing.issuing import known_party
from portal.core import audit, catalogue
from portal.core.db import db
from portal.members import form
from portal.members.belonging import ChecklistTick, Membership


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist: derived ones are done by doing, ticked ones by a person."""

    code: str
    name: str
    done: bool
    due: date | None
    href: str
    derived: bool
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a checklist is derived from, for whoever has read it already."""

    ticked: frozenset[str]
    contacts_complete: bool
    billing_profile: bool


def _contacts_complete(membership: Membership, facts: Facts | None) -> bool:
    if facts is not None:
        return facts.contacts_complete
    return not contacts.missing(membership.org, membership.tier)


def _billing_profile(membership: Membership, facts: Facts | None) -> bool:
    if facts is not None:
        return facts.billing_profile
    party = known_party(membership.org)
    return bool(party and party.title and party.tax_number and party.address)


def _listed(membership: Membership, _facts: Facts | None) -> bool:
    org = membership.org
    return org.listing_consent and bool(org.display_name_zh or org.display_name_en)


DERIVED: dict[str, tuple[Callable[[Membership, Facts | None], bool], str]] = {
    "contacts_complete": (_contacts_complete, "accounts.people"),
    "billing_profile": (_billing_profile, "billing.profile"),
    "listed": (_listed, "member.profile"),
}


def _ticked(membership: Membership) -> frozenset[str]:
    asked = select(ChecklistTick.item).where(ChecklistTick.membership_id == membership.id)
    return frozenset(db.session.scalars(asked))


def items(membership: Membership, facts: Facts | None = None) -> list[Item]:
    """Return the checklist of a membership; what is known of it already is not asked again."""
    ticked = facts.ticked if facts is not None else _ticked(membership)
    found = []
    holder = form.PERSON if membership.org.person_id is not None else form.ORGANISATION
    for code, body in catalogue.entries("checklist").items():
        if body.get("holder", form.ORGANISATION) != holder:
            continue
        check, target = DERIVED.get(body["done_when"], (None, "member.membership"))
        due = membership.member_since + timedelta(days=body["days"]) if membership.member_since else None
        done = check(membership, facts) if check else code in ticked
        found.append(
            Item(
                code,
                catalogue.in_words(body["name"]),
                done,
                due,
                url_for(target),
                check is not None,
                role(str(body.get("owner", ""))),
            )
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


def set_listing(org: Organisation, listed: bool, *, by: Person, channel: Channel = Channel.PROFILE) -> None:
    """Give or take back the consent to be shown on the wall: a word in the ledger, which acts at once."""
    if org.person is not None:
        consents.speak(
            consents.PERSON_SHOWN, listed, by=org.person, channel=channel, present=org.listing_consent
        )
    else:
        consents.speak(consents.LISTING, listed, by=by, channel=channel, org=org, present=org.listing_consent)


def on_consent_changed(event: ConsentChanged) -> None:
    """Keep the copy that the wall reads: what a person says of himself, and what is said for an organisation."""
    if event.purpose == consents.LISTING:
        org = event.org
    elif event.purpose == consents.PERSON_SHOWN:
        mine = select(Organisation).where(Organisation.person_id == event.person.id)
        org = db.session.scalars(mine).first()
    else:
        return
    if org is not None:
        org.listing_consent = event.given
        audit.record("organisation.listing", org, by=event.person, org_id=org.id, listed=event.given)
        db.session.flush()
