"""Rubrics of practical tasks: data of the catalogue, read as they stood on a day and kept whole with the work."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.certs.rubric import Criterion
from portal.core import catalogue
from portal.core.errors import Missing, Refused


def known(level: str, key: str = "", *, on: date | None = None) -> bool:
    """Whether a task, or tasks of a level in general, have a rubric on a day."""
    return bool(set(_codes(level, key)) & set(catalogue.entries("rubric", on=on)))


def _codes(level: str, key: str) -> list[str]:
    return [f"{level}.{key}", level] if key else [level]


def of_level(level: str, *, on: date | None = None) -> dict[str, Any]:
    """Return every rubric of a level and its tasks as it stands on a day, by code."""
    rows, usual = catalogue.entries("rubric", on=on), int(catalogue.policy("marking.tolerance_levels", on=on))
    return {
        code: {
            **row, "code": code, "version": catalogue.version_of("rubric", code, on=on),
            "criteria": [{"tolerance": usual, **one} for one in row["criteria"]],
        }
        for code, row in rows.items()
        if code == level or code.startswith(f"{level}.")
    }  # fmt: skip


def chosen(level: str, key: str, rows: dict[str, Any]) -> dict[str, Any]:
    """Return the rubric of a task among those of its level; `Missing` without one."""
    for code in _codes(level, key):
        if code in rows:
            found: dict[str, Any] = rows[code]
            return found
    raise Missing(_l("There is no rubric for this task."))


def criteria(rubric: dict[str, Any]) -> tuple[Criterion, ...]:
    """Return the criteria of a rubric as they are scored."""
    return tuple(_criterion(row) for row in rubric["criteria"])


def _criterion(row: dict[str, Any]) -> Criterion:
    needs = row.get("needs")
    return Criterion(
        str(row["code"]), tuple(Decimal(str(one["points"])) for one in row["levels"]), Decimal(str(row.get("weight", 1))),
        int(row.get("tolerance", 1)), bool(row.get("critical", False)),
        None if needs is None else Decimal(str(needs)),
    )  # fmt: skip


def _check(row: dict[str, Any]) -> None:
    code = str(row["code"])
    try:
        found = criteria(row)
        worded = all(
            isinstance(one.get("name"), dict) and all(level["en"] and level["zh"] for level in one["levels"])
            for one in row["criteria"]
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise Refused(f"rubric: {code}: cannot be read: {error!r}") from None
    if not found or len({one.code for one in found}) < len(found):
        raise Refused(f"rubric: {code}: criteria have codes, each once")
    if not worded:
        raise Refused(f"rubric: {code}: criteria and levels are named in both languages")


catalogue.checked("rubric", _check)
