"""People as staff find them: whoever acts for an organisation, by name, mail address or organisation."""

from __future__ import annotations

from collections import defaultdict

from flask import Blueprint, render_template
from sqlalchemy import Select, exists, or_, select

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core.db import db
from portal.core.forms import clean
from portal.core.paging import asked, folded, page_of

folk = Blueprint("folk", __name__, url_prefix="/office/people")


def found(q: str) -> Select[Person]:
    """Select the people who act for an organisation, by name, mail address or a name of the organisation."""
    acts = select(Contact.id).where(Contact.person_id == Person.id, Contact.ended_at.is_(None))
    statement = select(Person).where(exists(acts)).order_by(Person.name, Person.id)
    if not (wanted := folded(q)):
        return statement
    theirs = acts.join(Organisation, Contact.org_id == Organisation.id).where(
        or_(
            Organisation.search_text.contains(wanted, autoescape=True),
            Organisation.legal_name.icontains(wanted, autoescape=True),
        )
    )
    return statement.where(
        or_(
            Person.name.icontains(wanted, autoescape=True),
            Person.name.icontains(str(clean(q)), autoescape=True),
            Person.email.icontains(wanted, autoescape=True),
            exists(theirs),
        )
    )


def roles_of(people: list[Person]) -> dict[int, list[Contact]]:
    """Return the roles of many people in one statement, by person."""
    rows: dict[int, list[Contact]] = defaultdict(list)
    for row in db.session.scalars(
        select(Contact)
        .where(Contact.person_id.in_([one.id for one in people]), Contact.ended_at.is_(None))
        .order_by(Contact.id)
    ):
        rows[row.person_id].append(row)
    return rows


@folk.get("/")
@allow(May.READ_MEMBERS)
def people() -> str:
    """List the people who act for organisations."""
    page = page_of(found(asked("q")))
    return render_template("office/people.html", page=page, roles=roles_of(page.items))
