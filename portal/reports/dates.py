"""Functions of dates for statements, said in each database's own words."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, String
from sqlalchemy.ext.compiler import compiles
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
