"""How rows behind figures are shown: payer, contract line and document by name, a page of them in a fixed count of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.billing.book_models import HandEntry
from portal.billing.models import Invoice, OrderLine, Party
from portal.billing.money_models import Receipt, Refund
from portal.billing.note_models import CreditNote
from portal.core import catalogue
from portal.core.db import db
from portal.core.money import Money
from portal.reports.income import links, marks, payers
from portal.reports.income.asked import Question
from portal.reports.income.figure import Figure, Row
from portal.reports.income.payers import Payer
from portal.reports.lists import Lists, group_name

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as people read it; `href` leads to the document, `line_href` to the contract line."""

    row: Row
    money: Money
    stream: str
    payer: Payer | None
    document: str
    href: str
    line: str
    line_href: str
    restricted: bool


# By kind of document: its table, what it is called by, and its page.
PAPERS: dict[str, tuple[Any, str, str]] = {
    "invoice": (Invoice, "number", "money.invoice"),
    "credit_note": (CreditNote, "number", "money.note"),
    "receipt": (Receipt, "provider_ref", "money.receipt"),
    "refund": (Refund, "reason", "money.refund"),
    "hand_entry": (HandEntry, "reason", "money.hand_entry"),
}


def rows(found: Sequence[Row], lists: Lists) -> list[Shown]:
    """Return rows with the names of what they are about."""
    people = payers.named(row.party for row in found if row.party)
    lines, marked = line_names({row.line for row in found if row.line}), marks.lines()
    papers = _papers(found)
    shown = []
    for row in found:
        document, href = papers.get(row.paper or ("", 0), ("", ""))
        shown.append(
            Shown(
                row, Money(row.amount), lists.called(row.stream), people.get(row.party), document or _kind_of(row), href,
                lines.get(row.line, ""), links.to("reports.line", number=row.line) if row.line else "",
                row.line in marked,
            )
        )  # fmt: skip
    return shown


def line_names(lines: set[int]) -> dict[int, str]:
    """Return what contract lines are called in the reader's language."""
    found: dict[int, str] = {}
    ids = sorted(lines)
    for at in range(0, len(ids), AT_ONCE):
        statement = select(OrderLine.id, OrderLine.words).where(OrderLine.id.in_(ids[at : at + AT_ONCE]))
        found |= {
            number: catalogue.in_words(said)
            for number, said in db.session.execute(statement.order_by(OrderLine.id))
        }
    return found


def _papers(found: Sequence[Row]) -> dict[tuple[str, int], tuple[str, str]]:
    wanted: dict[str, set[int]] = defaultdict(set)
    for row in found:
        if row.paper and row.paper[0] in PAPERS:
            wanted[row.paper[0]].add(row.paper[1])
    named: dict[tuple[str, int], tuple[str, str]] = {}
    for kind, (table, column, endpoint) in PAPERS.items():
        ids = sorted(wanted.get(kind, ()))
        for at in range(0, len(ids), AT_ONCE):
            statement = select(table.id, table.uid, getattr(table, column)).where(
                table.id.in_(ids[at : at + AT_ONCE])
            )
            for number, uid, name in db.session.execute(statement.order_by(table.id)):
                named[kind, number] = (str(name or ""), links.to(endpoint, uid=uid))
    return named


def _kind_of(row: Row) -> str:
    """Return what stands in place of a document: the contract itself, income of a month, the plan."""
    if row.words:
        return str(row.words)
    if row.paper is None:
        return ""
    return {
        "order_line": _("Contract line"),
        "earned": _("Income of a month"),
        "plan": _("Earned, booked when the month is over"),
    }.get(row.paper[0], row.paper[0])


def question(said: Question) -> list[tuple[str, str]]:
    """Return in words whose income a question is about: label and value."""
    found = []
    if said.stream:
        found.append((_("Stream"), said.lists.called(said.stream)))
    if said.group:
        found.append((_("Group"), group_name(said.group)))
    if said.payer:
        party = db.session.scalar(select(Party.id).where(Party.uid == said.payer))
        found.append((_("Payer"), payers.named([party])[party].name if party else said.payer))
    return found


def narrowed(said: Question, figure: Figure) -> list[tuple[str, str]]:
    """Return in words what a figure's rows are narrowed to: label and value."""
    by, found = dict(figure.rows), []
    if stream := by.get("stream"):
        found.append((_("Stream"), said.lists.called(stream)))
    if group := by.get("group"):
        found.append((_("Group"), group_name(group)))
    if (payer := by.get("payer")) and payer.isdecimal():
        name = payers.named([int(payer)]).get(int(payer))
        found.append((_("Payer"), name.name if name else payer))
    if mark := by.get("restricted"):
        found.append((_("Mark"), marks.said(mark == marks.YES)))
    for key, label in (("month", _("Month")), ("service", _("Month of service")), ("agreed", _("Booked in"))):
        if text := by.get(key):
            found.append((label, _("without a signed order") if text == "none" else text))
    return found + [(key, text) for key, text in figure.rows if key in ("bucket", "cause")]


def amount(value: Money) -> str:
    """Return a sum as the tables of reports write it: thousands marks, two decimals, no currency."""
    return f"{value.decimal:,.2f}"
