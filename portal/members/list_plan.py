"""What a list of members would do, row by row: create, change field by field, nothing, or why it cannot; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from portal.accounts.duplicates import normal_name, registrable_domain
from portal.members.list_checks import Trouble, checked, given
from portal.members.list_file import CLEARED, CODES, Figure, Formula, Line, tidy
from portal.members.list_known import FIELDS, Known, Matched, seen

KINDS = ("create", "change", "same", "conflict", "refused")
Kind = Literal["create", "change", "same", "conflict", "refused"]


@dataclass(slots=True)
class Step:
    """What becomes of one row: `changes` are pairs of old and new, `why` a code of words with `what` it is about."""

    n: int
    kind: Kind
    org: str = ""
    name: str = ""
    changes: dict[str, list[str]] = field(default_factory=dict)
    at: str = ""
    why: str = ""
    what: str = ""

    def body(self) -> dict[str, Any]:
        """Return the step as it is kept."""
        return {
            "n": self.n, "kind": self.kind, "org": self.org, "name": self.name, "changes": self.changes, "at": self.at,
            "why": self.why, "what": self.what,
        }  # fmt: skip


def plan(lines: list[Line]) -> list[Step]:
    """Return what each row would do, in the order of the file."""
    known = seen(lines)
    taken: dict[str, int] = {}
    return [_step(line, known, taken) for line in lines]


def counts(steps: Iterable[Step]) -> dict[str, int]:
    """Return how many rows do what; the sum is the number of rows read."""
    found = Counter(str(step.kind) for step in steps)
    return {kind: found[kind] for kind in KINDS}


def _step(line: Line, known: Known, taken: dict[str, int]) -> Step:
    try:
        return _judged(line, known, taken)
    except Trouble as trouble:
        name = line.cells.get("legal_name", "") or line.cells.get("id", "")
        kind: Kind = "conflict" if trouble.conflict else "refused"
        return Step(
            line.n, kind, name=tidy(name)[:200], at=trouble.at, why=trouble.why, what=trouble.what[:200]
        )


def _judged(line: Line, known: Known, taken: dict[str, int]) -> Step:
    for column, cell in line.cells.items():
        if isinstance(cell, Formula):
            raise Trouble(column, "formula", cell)
        if isinstance(cell, Figure) and (column in CODES or not cell.isdigit()):
            raise Trouble(column, "number", cell.strip())
    values = given(line)
    matched = _match(values, known)
    if matched is None:
        return _create(line, values, known, taken)
    _once(f"org:{matched.uid}", line, taken)
    changes = _changes(values, matched, known)
    kind: Kind = "change" if changes else "same"
    if "registration" in changes:
        _once(f"key:{changes['registration'][1]}", line, taken)
    return Step(line.n, kind, org=matched.uid, name=matched.values["legal_name"], changes=changes)


def _once(key: str, line: Line, taken: dict[str, int]) -> None:
    """Refuse a second row about one organisation: which of the two should count nobody knows."""
    if (before := taken.setdefault(key, line.n)) != line.n:
        raise Trouble("", "twice", str(before), conflict=True)


def _match(values: dict[str, str], known: Known) -> Matched | None:
    """Return the organisation that a row is about: by its id, then by its legal key, and by nothing else."""
    uid, number = values.get("id", ""), values.get("registration", "")
    if CLEARED in (uid, number):
        raise Trouble("id" if uid == CLEARED else "registration", "not_cleared")
    if uid:
        matched = known.by_uid.get(uid)
        if matched is None:
            raise Trouble("id", "unknown_id", uid)
        return matched
    return known.by_key.get(known.key_of(values) or "")


def _changes(values: dict[str, str], matched: Matched, known: Known) -> dict[str, list[str]]:
    changes: dict[str, list[str]] = {}
    for name in FIELDS:
        cell = values.get(name, "")
        if not cell:
            continue  # blank never overwrites
        old = matched.values[name]
        new = checked(name, cell, old, {"country": matched.values["country"], **values})
        if new == old:
            continue
        if name == "registration":
            _new_key(new, old, matched, known)
        if name == "tier" and not matched.listed:
            raise Trouble("tier", "tier_by_verb", old, conflict=True)
        changes[name] = [old, new]
    return changes


def _new_key(new: str, old: str, matched: Matched, known: Known) -> None:
    holder = known.by_key.get(new)
    if holder is not None and holder.uid != matched.uid:
        raise Trouble("registration", "two_organisations", holder.values["legal_name"], conflict=True)
    if old:
        raise Trouble("registration", "other_entity", old, conflict=True)


def _create(line: Line, values: dict[str, str], known: Known, taken: dict[str, int]) -> Step:
    new = {
        name: checked(name, values[name], "", {"country": "CN", **values})
        for name in FIELDS
        if values.get(name)
    }
    if not new.get("legal_name"):
        raise Trouble("legal_name", "missing")
    if key := new.get("registration"):
        _once(f"key:{key}", line, taken)
    keys = [("name", normal_name(new.get(name, ""))[:250]) for name in FIELDS if "name" in name]
    keys.append(("domain", registrable_domain(new["homepage"]) or "" if new.get("homepage") else ""))
    for kind, value in keys:
        if not value:
            continue
        if like := known.alike.get((kind, value)):
            raise Trouble("", f"{kind}_alone", like, conflict=True)
    for kind, value in dict.fromkeys(keys):
        if value:
            _once(f"{kind}:{value}", line, taken)
    changes = {name: ["", value] for name, value in new.items() if value}
    return Step(line.n, "create", name=new["legal_name"], changes=changes)
