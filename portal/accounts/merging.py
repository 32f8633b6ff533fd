"""Two entries of one organisation become one: every cell that moves is in a ledger, and can be put back for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.hook_models import WebhookEndpoint
from portal.accounts.merge_models import Merge, MergeMove
from portal.accounts.organisations import Contact, FormerName, Invitation, Organisation, Ownership
from portal.accounts.people import Person
from portal.accounts.tokens import ApiToken
from portal.core import audit, catalogue, clock
from portal.core.db import Model, db
from portal.core.errors import Refused
from portal.core.events import publish


@dataclass(frozen=True, slots=True)
class OrganisationsMerged:
    """A duplicate went into another entry: higher domains move what is theirs by `move`."""

    merge: Merge


@dataclass(frozen=True, slots=True)
class MergeUndone:
    """Everything a merge moved is back where it was."""

    merge: Merge


# What stands in the way of a merge, asked of whoever knows; each answers in words, or with nothing.
OBSTACLES: list[Callable[[Organisation, Organisation], object | None]] = []
# What would be lost by undoing a merge, asked likewise.
TOUCHED: list[Callable[[Merge], object | None]] = []


def locked(org: Organisation) -> Organisation:
    """Return an organisation under its row lock, fresh from the database."""
    return db.session.scalars(
        select(Organisation)
        .where(Organisation.id == org.id)
        .with_for_update(of=Organisation)
        .execution_options(populate_existing=True)
    ).one()


def kept_for(org: Organisation) -> Organisation:
    """Follow the signposts from a merged entry to the one that is kept."""
    while org.merged_into is not None:
        org = org.merged_into
    return org


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    return None if value is None else str(value)


def _version(row: Model) -> int | None:
    column = type(row).__mapper__.version_id_col
    return None if column is None else int(getattr(row, str(column.key)))


def move(merge: Merge, row: Model, column: str, new: Any) -> None:
    """Put a value into a cell and write the ledger's line; the same value again is no move."""
    old = getattr(row, column)
    if old == new:
        return
    _put(row, column, new)
    count = int(
        db.session.scalar(select(func.count(MergeMove.id)).where(MergeMove.merge_id == merge.id)) or 0
    )
    db.session.add(
        MergeMove(
            merge=merge, n=count + 1, table=row.__tablename__, row_id=int(getattr(row, "id")),  # noqa: B009
            column=column, old=_text(old), new=_text(new), version=_version(row),
        )
    )  # fmt: skip
    db.session.flush()


def _put(row: Model, column: str, value: Any) -> None:
    """Write a cell, and forget what was read through it."""
    setattr(row, column, value)
    db.session.flush()
    for relation in type(row).__mapper__.relationships:
        if column in {one.key for one in relation.local_columns} and relation.direction.name == "MANYTOONE":
            db.session.expire(row, [relation.key])


def moves_of(merge: Merge) -> list[MergeMove]:
    """Return the ledger of a merge, in order."""
    return list(
        db.session.scalars(select(MergeMove).where(MergeMove.merge_id == merge.id).order_by(MergeMove.n))
    )


def live_merge(duplicate: Organisation) -> Merge | None:
    """Return the merge that made an entry a signpost."""
    return db.session.scalars(
        select(Merge).where(Merge.duplicate_id == duplicate.id, Merge.undone_at.is_(None))
    ).first()


def merges_into(org: Organisation) -> list[Merge]:
    """Return what went into an entry and was not undone, oldest first."""
    mine = select(Merge).where(Merge.kept_id == org.id, Merge.undone_at.is_(None))
    return list(db.session.scalars(mine.order_by(Merge.id)))


def _refuse(duplicate: Organisation, kept: Organisation) -> None:
    if duplicate.id == kept.id:
        raise Refused(_l("These are one entry already."), field="other", status=422)
    if duplicate.merged_into_id is not None or kept.merged_into_id is not None:
        raise Refused(_l("One of the two was merged already."))
    if duplicate.person_id is not None or kept.person_id is not None:
        raise Refused(_l("An individual is a holder of his own: nothing merges with him."))
    keys = {duplicate.legal_key, kept.legal_key} - {None}
    if len(keys) > 1:
        raise Refused(_l("The two have different registration numbers: they are two legal entities."))
    for ask in OBSTACLES:
        if why := ask(duplicate, kept):
            raise Refused(str(why))


def merge(duplicate: Organisation, *, into: Organisation, by: Person, second: Person, reason: str) -> Merge:
    """Let a duplicate go into the entry that is kept; it stays as a signpost, and all its rows move by the ledger."""
    first, later = sorted((duplicate, into), key=lambda one: one.id)
    locked(first)
    locked(later)
    _refuse(duplicate, into)
    row = Merge(duplicate=duplicate, kept=into, reason=reason, by_name=by.name, second_name=second.name)
    db.session.add(row)
    db.session.flush()
    move(row, duplicate, "merged_into_id", into.id)
    _unique_facts(row)
    _people(row)
    _rest(row)
    publish(OrganisationsMerged(row))
    moved = counts(moves_of(row))
    for org, about in ((into, duplicate), (duplicate, into)):
        audit.record(
            "organisation.merged", org, by=by, org_id=org.id, second=second.name, other=about.legal_name,
            reason=reason, moved=moved,
        )  # fmt: skip
    return row


def counts(rows: Iterable[MergeMove]) -> list[str]:
    """Return how many rows of each table a ledger moved, as `table:number`."""
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(row.table, set()).add(row.row_id)
    return [f"{table}:{len(found[table])}" for table in sorted(found)]


def _unique_facts(row: Merge) -> None:
    """Hand over what only one entry can have: registration, the source's key, and the claim on it."""
    duplicate, kept = row.duplicate, row.kept
    for column in ("legal_key", "source_key"):
        value = getattr(duplicate, column)
        if value is not None and getattr(kept, column) is None:
            move(row, duplicate, column, None)
            move(row, kept, column, value)
    if duplicate.unclaimed:
        move(row, duplicate, "unclaimed", False)
    if duplicate.listing_consent:
        move(row, duplicate, "listing_consent", False)


def _people(row: Merge) -> None:
    """Contacts and open invitations move; where the kept entry has the same already, theirs ends."""
    now = clock.now()
    present = {
        (one.person_id, one.role)
        for one in db.session.scalars(
            select(Contact).where(Contact.org_id == row.kept_id, Contact.ended_at.is_(None))
        )
    }
    for contact in _theirs(Contact, Contact.org_id, row):
        if contact.ended_at is None and (contact.person_id, contact.role) in present:
            move(row, contact, "ended_at", now)
        move(row, contact, "org_id", row.kept_id)
    open_to = {
        (one.email, one.role)
        for one in db.session.scalars(select(Invitation).where(Invitation.org_id == row.kept_id))
        if one.accepted_at is None and one.withdrawn_at is None
    }
    for invitation in _theirs(Invitation, Invitation.org_id, row):
        if (invitation.email, invitation.role) in open_to and invitation.accepted_at is None:
            move(row, invitation, "withdrawn_at", invitation.withdrawn_at or now)
        move(row, invitation, "org_id", row.kept_id)


def _rest(row: Merge) -> None:
    for kind, column in (
        (FormerName, "org_id"),
        (ApiToken, "org_id"),
        (WebhookEndpoint, "org_id"),
        (Ownership, "owner_id"),
        (Ownership, "owned_id"),
    ):
        for one in _theirs(kind, getattr(kind, column), row):
            move(row, one, column, row.kept_id)


def _theirs(kind: Any, column: Any, row: Merge) -> list[Any]:
    return list(db.session.scalars(select(kind).where(column == row.duplicate_id).order_by(kind.id)))


def undo_until(merge: Merge) -> date:
    """Return the last day on which a merge can be undone."""
    return clock.day_of(merge.at) + timedelta(days=int(catalogue.policy("merge.undo_days")))


def why_not_undo(merge: Merge) -> object | None:
    """Return in words why a merge cannot be undone; None if it can."""
    if merge.undone_at is not None:
        return _l("This merge was undone already.")
    if clock.today() > undo_until(merge):
        return _l("The time to undo this merge is over.")
    if not all(map(_as_left, _last(moves_of(merge)))):
        return _l("What was merged has changed since: it cannot be taken apart any more.")
    return next((why for ask in TOUCHED if (why := ask(merge))), None)


def _last(lines: Iterable[MergeMove]) -> list[MergeMove]:
    """Return the last move of each cell."""
    return list({(line.table, line.row_id, line.column): line for line in lines}.values())


def _as_left(line: MergeMove) -> bool:
    """Whether a cell is as the merge left it, and so is the rest of a row that somebody may have changed since."""
    row = _cell(line)
    if row is None or _text(getattr(row, line.column)) != line.new:
        return False
    # An entry's own profile may be tended: only what was handed over must stay. `version` counts other changes.
    return isinstance(row, Organisation) or line.version is None or _version(row) == _newest(line)


def _newest(line: MergeMove) -> int | None:
    same = select(MergeMove.version).where(
        MergeMove.merge_id == line.merge_id, MergeMove.table == line.table, MergeMove.row_id == line.row_id
    )
    return db.session.scalar(same.order_by(MergeMove.n.desc()).limit(1))


def _cell(line: MergeMove) -> Model | None:
    kinds = {one.class_.__tablename__: one.class_ for one in Model.registry.mappers}
    found: Model | None = db.session.get(kinds[line.table], line.row_id)
    return found


def undo(merge: Merge, *, by: Person, second: Person, reason: str) -> None:
    """Put every cell back, the last move first; refused once anything has changed, or the time is over."""
    locked(merge.kept)
    locked(merge.duplicate)
    if why := why_not_undo(merge):
        raise Refused(str(why))
    merge.undone_at, merge.undone_by, merge.undone_second = clock.now(), by.name, second.name
    for line in reversed(moves_of(merge)):
        row = _cell(line)
        if row is not None:
            _put(row, line.column, _value(row, line))
    publish(MergeUndone(merge))
    for org in (merge.kept, merge.duplicate):
        audit.record(
            "organisation.merge_undone", org, by=by, org_id=org.id, second=second.name, reason=reason
        )


def _value(row: Model, line: MergeMove) -> Any:
    """Return the old value of a cell as its column holds it."""
    if line.old is None:
        return None
    kind = type(row).__mapper__.columns[line.column].type.python_type
    if kind is bool:
        return line.old == "1"
    return kind.fromisoformat(line.old) if issubclass(kind, date) else kind(line.old)
