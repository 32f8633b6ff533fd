"""What statements say in each database's own words: functions of dates, and rows left out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Integer, String, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class days(FunctionElement[int]):  # noqa: N801, it stands in statements as a function does
    """Days from the second of two dates to the first."""

    name = "days"
    type = Integer()
    inherit_cache = True


class month(FunctionElement[str]):  # noqa: N801
    """The month of a date, written as 2026-11."""

    name = "month"
    type = String()
    inherit_cache = True


class _LeftOut(FunctionElement[bool]):
    """That no row meets a condition: as a question for each row, and as a list that is made once."""

    name = "left_out"
    type = Boolean()
    inherit_cache = True


def not_of(
    column: InstrumentedAttribute[int], other: InstrumentedAttribute[int], some: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition that a column names none of the rows, by their column `other`, that meet `some`.

    PostgreSQL hashes the rows that do and looks the others up; what is said as a list it may read again for each row.
    SQLite makes such a list once, and would look for each row of the other form.
    """
    asked = select(other).where(other == column, some).correlate(column.class_).exists()
    return _LeftOut(~asked, column.not_in(select(other).where(some)))


def _words(element: FunctionElement[Any], compiler: SQLCompiler, words: dict[str, Any]) -> list[str]:
    return [compiler.process(one, **words) for one in element.clauses]


@compiles(days)
def _days(element: days, compiler: SQLCompiler, **words: Any) -> str:
    later, earlier = _words(element, compiler, words)
    return f"({later} - {earlier})"


@compiles(days, "sqlite")
def _julian_days(element: days, compiler: SQLCompiler, **words: Any) -> str:
    later, earlier = _words(element, compiler, words)
    return f"CAST(julianday({later}) - julianday({earlier}) AS INTEGER)"


@compiles(month)
def _month(element: month, compiler: SQLCompiler, **words: Any) -> str:
    return f"to_char({_words(element, compiler, words)[0]}, 'YYYY-MM')"


@compiles(month, "sqlite")
def _text_month(element: month, compiler: SQLCompiler, **words: Any) -> str:
    return f"substr({_words(element, compiler, words)[0]}, 1, 7)"


@compiles(_LeftOut)
def _exists(element: _LeftOut, compiler: SQLCompiler, **words: Any) -> str:
    return compiler.process(next(iter(element.clauses)), **words)


@compiles(_LeftOut, "sqlite")
def _in_list(element: _LeftOut, compiler: SQLCompiler, **words: Any) -> str:
    return compiler.process(list(element.clauses)[-1], **words)
