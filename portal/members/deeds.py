"""What two of staff do together: proposed with its dry run, confirmed by another human as long as nothing has moved."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts import grants, merging
from portal.accounts.organisations import Contact, Organisation
from portal.accounts.people import Person
from portal.core import audit, catalogue, clock, files
from portal.core.db import db
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.states import move
from portal.members import deed_letters, terms
from portal.members.counting import count_of
from portal.members.deed_models import Deed, DeedState, DeedVerb
from portal.members.deed_steps import STEPS, Given
from portal.members.verbs import MEMBERSHIP, Fact

Preview = list[dict[str, Any]]
# What differs between a dry run and the run for no reason of theirs: who confirms, and numbers drawn from a series.
DRAWN = ("number", "second")
NUMBER = re.compile(r"[A-Z]+-\d{4}-\d+")
# What follows from facts and the day by itself: a proposal may be confirmed on a later one.
# What follows elsewhere is shown, and hangs on the hour at which it happens.
FOLLOWS = "licence."
DERIVED = ("membership.standing_changed", "agreement.terminated", "agreement.revived")


def verb_of(verb: DeedVerb) -> Fact:
    """Return the line of the table of verbs: who proposes, who confirms."""
    return next(one for one in MEMBERSHIP if one.name == verb.value)


def version_of(*orgs: Organisation | None) -> int:
    """Return how many facts the memberships of some organisations have: what a proposal and a form go by."""
    return sum(count_of(terms.membership_of(org)) for org in orgs if org is not None)


def open_deed(org: Organisation) -> Deed | None:
    """Return the proposal about an organisation that waits, as the first or the second one named."""
    mine = (Deed.org_id == org.id) | (Deed.other_id == org.id)
    return db.session.scalars(select(Deed).where(mine, Deed.state == DeedState.PROPOSED)).first()


def dry_run(do: Callable[[], object]) -> Preview:
    """Do it all, note what the audit would say, and take it back: the run itself, without its traces."""
    session = db.session()
    session.flush()
    waiting, known = list(session.info.get("audit", [])), set(session.identity_map.values())
    nested = session.begin_nested()
    try:
        with audit.overheard() as said:
            do()
            session.flush()
    finally:
        nested.rollback()
        session.info["audit"] = waiting  # the rollback has dropped what was recorded before it, too
        # Rows read in between may never have been there: a number is given anew, and would find them again.
        for row in [one for one in session.identity_map.values() if one not in known]:
            session.expunge(row)
        session.expire_all()
    return [_lasting(one.verb, one.detail) for one in said]


def _lasting(verb: str, detail: dict[str, Any]) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in detail.items()
        if key not in DRAWN and not (isinstance(value, str) and NUMBER.fullmatch(value))
    }
    return {"verb": verb, "detail": kept}


def _facts(preview: Preview) -> Preview:
    return [one for one in preview if one["verb"] not in DERIVED and not one["verb"].startswith(FOLLOWS)]


def refuse_close(by: Person, *orgs: Organisation | None) -> None:
    """Refuse to decide about an organisation for which one acts oneself, or did so until not long ago."""
    ids = [org.id for org in orgs if org is not None]
    since = clock.now() - timedelta(days=int(catalogue.policy("review.conflict_days")))
    acts = select(Contact.id).where(
        Contact.person_id == by.id,
        Contact.org_id.in_(ids),
        Contact.ended_at.is_(None) | (Contact.ended_at > since),
    )
    if db.session.scalar(acts.limit(1)) is not None:
        raise Forbidden(
            _l("You act for this organisation yourself: somebody else of the staff must do this.")
        )


def look(given: Given, verb: DeedVerb, *, by: Person) -> Preview:
    """Return what a verb would do, without doing it; `Refused` in words if it cannot be done."""
    refuse_close(by, given.org, given.other)
    stand_in = next((one for one in grants.holders(*verb_of(verb).second) if one.id != by.id), by)
    return dry_run(lambda: STEPS[verb](given, by, stand_in))


def propose(
    given: Given, verb: DeedVerb, *, by: Person, version: int, paper: tuple[files.Content, str] | None = None
) -> Deed:
    """Propose a verb with the dry run that was shown; somebody else confirms it."""
    both = [org for org in (given.org, given.other) if org is not None]
    for org in sorted(both, key=lambda one: one.id):
        merging.locked(org)
    refuse_moved(version, given.org, given.other)
    for org in both:
        if open_deed(org) is not None:
            raise Refused(_l("A proposal about this organisation waits already: it is decided first."))
    preview = look(given, verb, by=by)
    if verb_of(verb).paper and paper is None:
        raise Refused(_l("Please attach the paper this rests on."), field="paper", status=422)
    stored = None if paper is None else _kept(given.org, *paper)
    deed = Deed(
        org=given.org, verb=verb, detail=audit.plain(given.detail), reason=given.reason, by=by, seen=version,
        preview=preview, other=given.other, paper=stored,
    )  # fmt: skip
    db.session.add(deed)
    db.session.flush()
    audit.record("deed.proposed", given.org, by=by, org_id=given.org.id, what=verb, reason=given.reason)
    deed_letters.proposed(deed, verb_of(verb).second)
    return deed


def _kept(org: Organisation, content: files.Content, name: str) -> files.StoredFile:
    row = files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="deed",
        org_id=org.id,
    )  # fmt: skip
    db.session.add(row)
    return row


def refuse_moved(version: int, *orgs: Organisation | None) -> None:
    """Refuse what was asked for on a page that is no longer what is on record."""
    if version != version_of(*orgs):
        raise Refused(_l("Somebody else changed this membership meanwhile. Please look again."), status=409)


def seen_on(version: object) -> int:
    """Return the version a form brought back; whatever is no number fits none."""
    text = str(version)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1


def locked(deed: Deed) -> Deed:
    """Return a proposal under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Deed)
        .where(Deed.id == deed.id)
        .with_for_update(of=Deed)
        .execution_options(populate_existing=True)
    ).one()


def _second(deed: Deed, by: Person) -> Deed:
    row = locked(deed)
    if row.state is not DeedState.PROPOSED:
        raise Refused(_l("This proposal was decided already."), status=409)
    refuse_close(by, row.org, row.other)
    if by.id not in {person.id for person in grants.holders(*verb_of(row.verb).second)}:
        raise Forbidden(_l("This step belongs to somebody else."))
    return row


def confirm(deed: Deed, *, by: Person) -> Deed:
    """Do what another proposed, if it would still do exactly what he was shown."""
    row = _second(deed, by)
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: somebody else confirms it."))
    refuse_moved(row.seen, row.org, row.other)
    given = Given(row.org, row.detail, row.reason, row.other)

    def run() -> None:
        STEPS[row.verb](given, row.by, by)

    if _facts(dry_run(run)) != _facts(row.preview):
        raise Refused(
            _l(
                "What would happen has changed since it was proposed. Please decline, and let it be proposed anew."
            ),
            status=409,
        )
    run()
    _decide(row, DeedState.CONFIRMED, by)
    return row


def decline(deed: Deed, *, by: Person, reason: str) -> Deed:
    """Leave everything as it is; whoever proposed may take it back himself."""
    row = locked(deed)
    if row.by_id != by.id:
        row = _second(deed, by)
    elif row.state is not DeedState.PROPOSED:
        raise Refused(_l("This proposal was decided already."), status=409)
    _decide(row, DeedState.DECLINED, by, reason)
    return row


def _decide(row: Deed, to: DeedState, by: Person, answer: str = "") -> None:
    row.second, row.answer, row.decided_at = by, answer[:300], clock.now()
    move(row, to)
    db.session.flush()
    verb = "deed.confirmed" if to is DeedState.CONFIRMED else "deed.declined"
    audit.record(verb, row.org, by=by, org_id=row.org_id, what=row.verb, reason=answer or row.reason)
    if row.by_id != by.id:
        deed_letters.decided(row)


def found(uid: str) -> Deed:
    """Return one proposal."""
    row = db.session.scalars(select(Deed).where(Deed.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such proposal."))
    return row
