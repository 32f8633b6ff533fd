"""Members keep their required roles filled: vacancies follow tier and standing, and each quarter owners confirm their list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Select, exists, select

from portal.accounts import confirming, contacts, vacancies
from portal.accounts.care_models import ContactCheck, Vacancy
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact, Organisation
from portal.core import clock
from portal.core.db import db
from portal.core.rows import each, ids_of
from portal.members.belonging import Membership
from portal.members.events import StandingChanged, TermOpened
from portal.members.standing import Standing

FORCE = (Standing.ACTIVE, Standing.ACTIVE_UNPAID, Standing.AT_RISK, Standing.GRACE)
AT_ONCE = 500
BY = "membership"


def cared_for() -> Select[Membership]:
    """Select the memberships in force whose organisation has, or had, people here: imported ones wait for theirs."""
    ever = exists().where(Contact.org_id == Organisation.id)
    return (
        select(Membership)
        .join(Membership.org)
        .where(Membership.standing.in_(FORCE), Organisation.person_id.is_(None), ever)
        .order_by(Membership.id)
    )


def on_term_opened(event: TermOpened) -> None:
    """Let the roles that the tier of a new term requires be filled, or be tasks."""
    term = event.term
    org = term.membership.org
    if term.start <= clock.today() and org.person_id is None and _has_people(org):
        vacancies.settle(org, contacts.missing(org, term.tier), by=BY)


def on_standing_changed(event: StandingChanged) -> None:
    """Close the vacancies of a membership that is over; open those of one that is in force again."""
    row = event.membership
    if row.org.person_id is not None:
        return
    if event.new in FORCE and _has_people(row.org):
        vacancies.settle(row.org, contacts.missing(row.org, row.tier), by=BY)
    elif event.new in {Standing.LAPSED, Standing.RESIGNED, Standing.EXPELLED}:
        vacancies.settle(row.org, (), by=BY)


def _has_people(org: Organisation) -> bool:
    return db.session.scalar(select(Contact.id).where(Contact.org_id == org.id).limit(1)) is not None


def settle_vacancies(membership: Membership) -> int:
    """Let a member's vacancies be exactly the roles it lacks; for whoever ends a contact beside the usual ways."""
    return vacancies.settle(
        membership.org, contacts.missing(membership.org, membership.tier), by=BY, tell=True
    )


def _wrong(rows: Iterable[Membership]) -> list[tuple[Membership, set[ContactRole], set[ContactRole]]]:
    """Return the members whose vacancies are not the roles they lack: what they lack, and what is open."""
    members = {row.org_id: row for row in rows}
    filled: dict[int, list[ContactRole]] = defaultdict(list)
    held = select(Contact.org_id, Contact.role).where(Contact.org_id.in_(members), Contact.ended_at.is_(None))
    for org, role in db.session.execute(held):
        filled[org].append(role)
    open_now: dict[int, set[ContactRole]] = defaultdict(set)
    gaps = select(Vacancy.org_id, Vacancy.role).where(
        Vacancy.org_id.in_(members), Vacancy.closed_at.is_(None)
    )
    for org, role in db.session.execute(gaps):
        open_now[org].add(role)
    found = [
        (row, set(contacts.unfilled(row.tier, filled[org])), open_now[org]) for org, row in members.items()
    ]
    return [(row, lacks, known) for row, lacks, known in found if lacks != known]


def _batches() -> Iterable[list[Membership]]:
    last = 0
    while rows := list(db.session.scalars(cared_for().where(Membership.id > last).limit(AT_ONCE))):
        last = rows[-1].id
        yield rows


def ask_contact_confirmation() -> int:
    """Ask owners each quarter to confirm their list, remind them, and follow up what is vacant."""
    wrong = [row.id for rows in _batches() for row, _lacks, _known in _wrong(rows)]
    db.session.rollback()
    done = each("ask_contact_confirmation", wrong, _settle)
    due = select(Vacancy.id).where(
        Vacancy.closed_at.is_(None), Vacancy.reminded_at.is_(None), Vacancy.due_on <= clock.today()
    )
    done += each("ask_contact_confirmation", ids_of(due.order_by(Vacancy.id)), _overdue)
    quarter = confirming.quarter_of(clock.today())
    asked = select(ContactCheck.org_id).where(ContactCheck.quarter == quarter)
    new = cared_for().with_only_columns(Membership.id).where(
        Membership.member_since < quarter, Organisation.id.not_in(asked)
    )  # fmt: skip
    done += each("ask_contact_confirmation", ids_of(new), _ask)
    silent = confirming.unconfirmed(quarter).with_only_columns(ContactCheck.id)
    return done + each("ask_contact_confirmation", ids_of(silent), _remind)


def _settle(membership_id: int) -> int:
    return settle_vacancies(db.session.get_one(Membership, membership_id))


def _overdue(vacancy_id: int) -> int:
    return int(vacancies.remind(db.session.get_one(Vacancy, vacancy_id)))


def _ask(membership_id: int) -> int:
    row = db.session.get_one(Membership, membership_id, with_for_update={"of": Membership})
    return int(row.standing in FORCE and confirming.ask(row.org))


def _remind(check_id: int) -> int:
    row = db.session.get_one(ContactCheck, check_id, with_for_update={"of": ContactCheck})
    return int(confirming.remind(row))


def verify_contacts() -> tuple[int, list[str]]:
    """Check that each required role of a member is filled or has a vacancy; return how many members were looked at."""
    count, found = 0, []
    for rows in _batches():
        count += len(rows)
        found += [
            f"contacts: {row.uid} lacks {', '.join(sorted(lacks - known))} and has no vacancy for it"
            for row, lacks, known in _wrong(rows)
            if lacks - known
        ]
    return count, found
