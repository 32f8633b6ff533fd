"""Addresses of our pages for reports that a page or a command builds."""

from __future__ import annotations

from typing import Any

from flask import current_app, has_request_context, url_for

from portal.core.settings import settings
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure


def to(endpoint: str, **values: Any) -> str:
    """Return the path of an endpoint; a command on the machine has no request to take it from."""
    if has_request_context():
        return url_for(endpoint, **values)
    return current_app.url_map.bind("portal").build(endpoint, values, force_external=False)


def rows(said: Question, figure: Figure) -> str:
    """Return the address of a figure's rows: the page's question, narrowed by the figure."""
    return f"{to('reports.rows')}?{query(said, figure)}"


def query(said: Question, figure: Figure) -> str:
    """Return the query that asks for a figure's rows."""
    return said.query(figure=figure.code, **{f"by_{key}": value for key, value in figure.rows})


def full(path: str) -> str:
    """Return the whole address of a path of ours, for files that leave the house."""
    return f"{settings().public_url}{path}"
