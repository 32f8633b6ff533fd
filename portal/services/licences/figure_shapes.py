"""What the operations about terms, use and the list of nodes take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator, Field

from portal.core.api import Answer, Query
from portal.services.licences.kinds import ClosedWhy
from portal.services.licences.models.licence import LicenceTerm
from portal.services.licences.models.node import NodeRule
from portal.services.licences.shapes import SHEET, OneLicence, Print
from portal.services.licences.usage import Interval, Step


class NamedNode(OneLicence):
    """A licence, and a fingerprint for its list."""

    fingerprint: Print


def _no_number(value: object) -> object:
    """Refuse a bare number, which a lenient reader takes for seconds since 1970."""
    if isinstance(value, str) and value.replace(".", "", 1).removeprefix("-").isdigit():
        raise ValueError("an instant is written by RFC 3339")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_no_number)]


class UsageQuery(Query):
    """A period, and how long its steps are: hours, or days and months of the office's calendar."""

    since: Annotated[Instant | None, Field(alias="from", default=None)]
    until: Annotated[Instant | None, Field(alias="to", default=None)]
    interval: Interval = Interval.DAY


class LicenceTermAnswer(Answer):
    """A number of nodes from an instant until another; `closed_at` where it ended early."""

    kind: str
    nodes: int
    starts_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    closed_why: ClosedWhy | None


class LicenceTermsAnswer(Answer):
    """A part of the terms, the newest first."""

    model_config = SHEET
    items: list[LicenceTermAnswer]
    next: str | None


class LicenceUseStep(Answer):
    """One step: most nodes live, most reporting as far as their last leases tell, the limit at the peak, refused claims."""

    start: datetime
    end: datetime
    live: int
    reporting: int
    limit: int
    refused: int


class UsageAnswer(Answer):
    """The steps of a period, the first one first."""

    model_config = SHEET
    interval: Interval
    items: list[LicenceUseStep]


class NamedOne(Answer):
    """A fingerprint that may come in."""

    fingerprint: str
    created_at: datetime


class NamedAnswer(Answer):
    """A part of the list, the newest first."""

    model_config = SHEET
    items: list[NamedOne]
    next: str | None


def term(row: LicenceTerm) -> LicenceTermAnswer:
    """Return a term as programs read it."""
    return LicenceTermAnswer(
        kind=row.kind.value, nodes=row.nodes, starts_at=row.starts_at, ends_at=row.ends_at, closed_at=row.closed_at, closed_why=row.closed_why
    )  # fmt: skip


def step(one: Step) -> LicenceUseStep:
    """Return a step of use as programs read it."""
    return LicenceUseStep(
        start=one.start,
        end=one.end,
        live=one.live,
        reporting=one.reporting,
        limit=one.limit,
        refused=one.refused,
    )


def named(row: NodeRule) -> NamedOne:
    """Return a fingerprint of the list as programs read it."""
    return NamedOne(fingerprint=row.fingerprint, created_at=row.created_at)
