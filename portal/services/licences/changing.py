"""Changing the number of nodes: what it would cost and from when, the binding quote, its acceptance, the next year's number.

`preview` only reads. `quote`, `accept`, `withdraw`, `ask_for_next`, `forget_next` are verbs (owner, signatory; billing
contacts accept up to their limit: `access.may_buy`), inside `with transaction():`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from portal.core.money import Money
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node


class Way(StrEnum):
    """How a change comes about."""

    PAY_FIRST = "pay_first"  # one invoice now; the limit rises when it is settled
    COLLECTED = "collected"  # small: the limit rises at once, one invoice for all of them on the next month's first day
    AT_RENEWAL = "at_renewal"  # fewer nodes: with the next year
    BUY = "buy"  # no contract runs: `buying.cost` and `buying.order`


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a change in words of both languages; what is given back is below zero."""

    words: dict[str, str]
    gross: Money
    net: Money
    tax: Money
    starts: date
    ends: date


@dataclass(frozen=True, slots=True)
class Change:
    """What a change to `nodes` in all would be: how, from which day, what it costs now, what the next year then costs.

    `pay_by` is the last day to pay (PAY_FIRST) or the day of the invoice (COLLECTED).
    """

    licence: Licence
    old: int
    nodes: int
    way: Way
    effective: date
    until: date
    pay_by: date | None
    lines: tuple[Line, ...]
    gross: Money
    net: Money
    tax: Money
    next_year: Money


def preview(licence: Licence, nodes: int, *, on: date | None = None) -> Change:
    """Return what a change to `nodes` in all costs and from when; nothing is written. `Refused` if nothing would change."""
    raise NotImplementedError


def quote(licence: Licence, nodes: int, *, by: Any, on: date | None = None) -> LicenceQuote:
    """Write the figures of an increase down, binding until `quote.expires_on`; an older open one is replaced."""
    raise NotImplementedError


def accept(quote: LicenceQuote, *, by: Any) -> LicenceQuote:
    """Accept a quote: exactly its figures are issued. `Denied` QUOTE_STALE (409), before anything is written, if it moved."""
    raise NotImplementedError


def withdraw(quote: LicenceQuote, *, by: Any) -> None:
    """Take a change back before it is paid or collected: its money is undone to the fen, the limit is as before."""
    raise NotImplementedError


def ask_for_next(licence: Licence, nodes: int, *, by: Any) -> None:
    """Choose how many nodes the next year has (0: it is not renewed); an open renewal invoice is issued anew."""
    raise NotImplementedError


def forget_next(licence: Licence, *, by: Any) -> None:
    """Take the choice for the next year back: it is renewed with what runs."""
    raise NotImplementedError


def next_nodes(licence: Licence) -> int:
    """Return how many nodes the next year has as things stand (0: it ends)."""
    raise NotImplementedError


def who_would_be_over(licence: Licence, nodes: int) -> list[Node]:
    """Return the live nodes that would lose their seats at a limit of `nodes`, the first to lose it last in rank first."""
    raise NotImplementedError


def open_quote(licence: Licence) -> LicenceQuote | None:
    """Return the quote of a change that waits for acceptance, or is accepted and waits for its money."""
    raise NotImplementedError


def history(licence: Licence) -> list[LicenceQuote]:
    """Return every purchase, renewal and change of a licence, the newest first."""
    raise NotImplementedError
