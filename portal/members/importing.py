"""Lists of members applied whole or not at all, and undone while nobody has touched what they wrote."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.accounts.organisations import FormerName, Organisation
from portal.accounts.people import Person
from portal.accounts.registration import check_uscc
from portal.core import audit, clock, files
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.files import Content, StoredFile
from portal.core.states import move
from portal.members import list_file, list_plan, names, terms
from portal.members.belonging import Membership
from portal.members.list_known import PLAIN
from portal.members.list_plan import Step
from portal.members.models import MatchKey, NameGram, Pair
from portal.members.past_models import ImportState, MemberImport

PURPOSE = "member_list"
MOST_WRITES = 2_000  # each is a second's hundredth or two under one lock


def take_in(steps: list[Step], content: Content, *, name: str, by: Person) -> MemberImport:
    """Keep a list with what it would do; nothing else is written."""
    stored = StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose=PURPOSE
    )
    row = MemberImport(
        name=name, file=stored, by=by, rows=len(steps), counts=list_plan.counts(steps),
        plan=[step.body() for step in steps],
    )  # fmt: skip
    db.session.add_all([stored, row])
    db.session.flush()
    audit.record("members.list_taken", row, by=by, file=name, **row.counts)
    return row


def lines_of(row: MemberImport) -> list[list_file.Line]:
    """Return the rows of a list that was kept."""
    return list_file.read(files.read(row.file), row.name)


def locked(row: MemberImport) -> MemberImport:
    """Return the list under its lock, as it stands now."""
    found = select(MemberImport).where(MemberImport.id == row.id).with_for_update(of=MemberImport)
    return db.session.scalars(found.execution_options(populate_existing=True)).one()


def plan_anew(row: MemberImport, lines: list[list_file.Line]) -> bool:
    """Work out again what a list would do; return whether that is something else than was shown."""
    steps = list_plan.plan(lines)
    fresh = [step.body() for step in steps]
    if fresh == row.plan:
        return False
    row.plan, row.counts = fresh, list_plan.counts(steps)
    return True


def apply(row: MemberImport, lines: list[list_file.Line], *, by: Person) -> None:
    """Do what the dry run said, all of it; `Refused` if a row cannot be taken, or if anything would go otherwise than shown."""
    move(row, ImportState.APPLIED)
    if [step.body() for step in list_plan.plan(lines)] != row.plan:
        raise Refused(
            _l(
                "Something has changed since this was worked out. Please look at it again before you apply it."
            )
        )
    if row.counts["conflict"] or row.counts["refused"]:
        raise Refused(
            _l("A list is applied whole or not at all: please settle the rows that cannot be taken first.")
        )
    if row.counts["create"] + row.counts["change"] > MOST_WRITES:
        raise Refused(
            _l(
                "A list writes at most %(most)s rows at once. Please take those that change in parts.",
                most=MOST_WRITES,
            )
        )
    row.applied_at, row.done = clock.now(), [_do(step, by) for step in row.plan if step["changes"]]
    db.session.flush()
    audit.record("members.list_applied", row, by=by, file=row.name, **row.counts)


def _do(step: dict[str, Any], by: Person) -> dict[str, Any]:
    """Write one row; return what undoing it needs."""
    changes: dict[str, list[str]] = step["changes"]
    fresh = step["kind"] == "create"
    if fresh:
        org = Organisation(legal_name=changes["legal_name"][1], unclaimed=True)
        membership: Membership | None = Membership(org=org)
        db.session.add_all([org, membership])
    else:
        org = db.session.scalars(select(Organisation).where(Organisation.uid == step["org"])).one()
        membership = terms.membership_of(org)
    verdict = org.registration_verdict
    former = None
    if not fresh and "legal_name" in changes:
        former = FormerName(org=org, name=org.legal_name, until=clock.today())
        db.session.add(former)
    _write(org, membership, {name: new for name, (_old, new) in changes.items()})
    db.session.flush()
    names.index(org)
    before = _pairs(org)
    names.find_pairs(org)
    made = sorted(_pairs(org) - before)
    audit.record(
        "organisation.created_by_list" if fresh else "organisation.changed_by_list", org, by=by, org_id=org.id,
        **changes,
    )  # fmt: skip
    return {
        "org": org.uid, "fresh": fresh, "changes": changes, "verdict": verdict, "pairs": made,
        "former": former.id if former else None,
    }  # fmt: skip


def _pairs(org: Organisation) -> set[int]:
    return set(db.session.scalars(select(Pair.id).where((Pair.org_id == org.id) | (Pair.other_id == org.id))))


def _write(org: Organisation, membership: Membership | None, values: dict[str, str]) -> None:
    for name in PLAIN:
        if name in values:
            setattr(org, name, values[name])
    if key := values.get("registration"):
        org.legal_key = key
        org.registration_verdict = (
            "foreign" if not key.startswith("CN:") else check_uscc(key[3:]).verdict.value
        )
    if membership is not None and "tier" in values:
        membership.listed_tier = membership.tier = values["tier"]


def drop(row: MemberImport, *, by: Person) -> None:
    """Put a list aside that is not to be applied."""
    move(row, ImportState.DROPPED)
    audit.record("members.list_dropped", row, by=by, file=row.name)


def undo(row: MemberImport, *, by: Person) -> None:
    """Take back all that a list wrote; `Refused` as soon as anything of it was touched since."""
    move(row, ImportState.UNDONE)
    for done in reversed(row.done):
        org = db.session.scalars(select(Organisation).where(Organisation.uid == done["org"])).first()
        if org is None or not _untouched(org, done):
            raise _touched(org.name if org else done["org"])
        _forget_pairs(done, org)
        if done["fresh"]:
            _remove(org)
        else:
            _put_back(org, done)
    row.undone_at = clock.now()
    audit.record("members.list_undone", row, by=by, file=row.name, **row.counts)


def _touched(name: str) -> Refused:
    return Refused(
        _l("%(name)s was touched after the list was applied, so the list can no longer be undone.", name=name)
    )


def _untouched(org: Organisation, done: dict[str, Any]) -> bool:
    """Whether everything the list wrote of an organisation still stands."""
    membership = terms.membership_of(org)
    values = {name: getattr(org, name) for name in PLAIN}
    values["registration"] = org.legal_key or ""
    values["tier"] = membership.listed_tier if membership else ""
    stands = all(values[name] == new for name, (_old, new) in done["changes"].items())
    return stands and (not done["fresh"] or (org.unclaimed and not org.listing_consent))


def _forget_pairs(done: dict[str, Any], org: Organisation) -> None:
    for pair in db.session.scalars(select(Pair).where(Pair.id.in_(done["pairs"]))):
        if pair.answer is not None:
            raise _touched(org.name)
        db.session.delete(pair)
    db.session.flush()


def _remove(org: Organisation) -> None:
    """Remove an organisation that a list made and nothing else names: the keys of the database say whether anything does."""
    name = org.name
    try:
        with db.session.begin_nested():
            for table in (MatchKey, NameGram):
                db.session.execute(delete(table).where(table.org_id == org.id))
            membership = terms.membership_of(org)
            if membership is not None:
                db.session.delete(membership)
                db.session.flush()
            db.session.delete(org)
            db.session.flush()
    except IntegrityError:
        raise _touched(name) from None


def _put_back(org: Organisation, done: dict[str, Any]) -> None:
    old = {name: old for name, (old, _new) in done["changes"].items()}
    membership = terms.membership_of(org)
    for name in PLAIN:
        if name in old:
            setattr(org, name, old[name])
    if "registration" in old:
        org.legal_key, org.registration_verdict = old["registration"] or None, done["verdict"]
    if membership is not None and "tier" in old:
        membership.listed_tier = membership.tier = old["tier"]
    if done["former"] is not None:
        db.session.execute(delete(FormerName).where(FormerName.id == done["former"]))
    db.session.flush()
    names.index(org)
