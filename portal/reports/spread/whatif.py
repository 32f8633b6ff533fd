"""The page of what-if: a form whose address can be shared; every measure before and after, on all bases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.billing.models import Party
from portal.core import catalogue
from portal.core.db import db
from portal.core.errors import Refused
from portal.core.forms import clean
from portal.core.money import Money
from portal.core.words import money
from portal.reports.income import asked, doors, pages, payers, words
from portal.reports.income.asked import Question
from portal.reports.income.blueprint import reports
from portal.reports.income.doors import framed, refusing
from portal.reports.income.figure import Figure, Head, Line, Table
from portal.reports.income.pages import Tab
from portal.reports.income.reader import sees_payers
from portal.reports.measures import digits
from portal.reports.spread import spoken, supposing
from portal.reports.spread.judging import Judged, Limits, Verdict, judge
from portal.reports.spread.supposing import Change
from portal.reports.spread.windows import LEVEL_NAMES, Sources, Window, figure

ROWS, MOST_FEN, MOST_MONTHS = 4, 10**13, 120
LEVELS = ("streams", "groups", "payers")
FIELDS = ("stream", "amount", "signed", "months", "payer")


@dataclass(slots=True)
class Said:
    """The rows of the form as they were typed, what is wrong with them, and the changes that could be read."""

    typed: list[dict[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def read(given: Mapping[str, str], said: Question) -> Said:
    """Read the rows of the form; a row without an amount says nothing, one that cannot be read is told of and kept."""
    found = Said()
    for n in range(1, ROWS + 1):
        typed = {name: str(clean(given.get(f"{name}{n}", ""))).strip()[:80] for name in FIELDS}
        found.typed.append(typed)
        if typed["amount"]:
            try:
                found.changes.append(_change(typed, said))
            except Refused as refusal:
                found.errors.append(_("Row %(n)s: %(words)s", n=n, words=refusal))
    return found


def _change(typed: Mapping[str, str], said: Question) -> Change:
    try:
        amount = Money.parse(typed["amount"]).minor
    except ValueError:
        raise Refused(_l("Please give the amount as a number, such as 240,000.")) from None
    if not 0 < abs(amount) <= MOST_FEN:
        raise Refused(_l("Please give an amount other than nothing, up to 100 billion."))
    stream = typed["stream"] or said.lists.streams[0]
    if stream not in said.lists.groups:
        raise Refused(_l("There is no such stream on the list."))
    try:
        signed = date.fromisoformat(typed["signed"]) if typed["signed"] else said.known
        months = int(typed["months"] or 0) if typed["months"].isascii() else -1
    except ValueError:
        raise Refused(_l("Please give the day as 2026-11-27 and the term in whole months.")) from None
    if not 0 <= months <= MOST_MONTHS or not asked.EARLIEST <= signed.year <= asked.LATEST - 11:
        raise Refused(_l("Please give a term of at most 120 months and a day within reach."))
    return Change(stream, amount, signed, months, _payer(typed["payer"], said))


def _payer(uid: str, said: Question) -> str:
    if not uid or not sees_payers():
        return ""
    party = db.session.scalar(select(Party.id).where(Party.uid == uid))
    if party is None:
        raise Refused(_l("There is no such payer."))
    return str(payers.heads(said.known).get(party, party))


def _limits(sources: Sources, level: str) -> Limits:
    return sources.settings.payers if level == "payers" else sources.settings.limits


def compared(
    sources: Sources, window: Window, changes: list[Change], basis: str, level: str
) -> tuple[Judged, Judged]:
    """Return the verdict of a basis and level before and after the changes."""
    before = sources.by(window, basis, level)
    after = supposing.changed(
        before, changes, basis, window.start, window.end, due_days=int(catalogue.policy("invoice.due_days")),
        groups=sources.said.lists.groups if level == "groups" else None, by_payer=level == "payers",
    )  # fmt: skip
    limits = _limits(sources, level)
    return judge(before, limits), judge(after, limits)


def tables(sources: Sources, window: Window, changes: list[Change]) -> list[Table]:
    """Return every measure before and after, basis by basis and level by level, and what each basis sees of the changes."""
    levels = [level for level in LEVELS if level != "payers" or sources.by_payer]
    seen = Table(
        "seen", _("What each basis sees of it"), _("Basis"),
        [Head(_("Without it")), Head(_("Added or taken"), "share"), Head(_("With it"), "share")],
    )  # fmt: skip
    verdicts = Table(
        "after", _("Before and after"), _("Basis and level"),
        [Head(_("Share before"), "share"), Head(_("Share after"), "share"), Head(_("Largest source after"), "text"),
         Head(_("Verdict before"), "share"), Head(_("Verdict after"), "share"), Head(_("Left, or needed, after"), "text"),
         Head(_("HHI before"), "share"), Head(_("HHI after"), "share"), Head(_("Effective number after"), "share")]
    )  # fmt: skip
    for basis in supposing.BASES:
        for level in levels:
            before, after = compared(sources, window, changes, basis, level)
            if level == "streams":
                moved = after.plain - before.plain
                seen.lines.append(Line(str(words.NAMES[basis]), [figure(basis, before.plain, window), spoken.fen(moved), spoken.fen(after.plain)]))  # fmt: skip
            verdicts.lines.append(Line(str(words.NAMES[basis]), _cells(sources, level, before, after), note=str(LEVEL_NAMES[level])))  # fmt: skip
    return [seen, verdicts]


def _cells(sources: Sources, level: str, before: Judged, after: Judged) -> list[Figure | str]:
    return [
        spoken.share(before.top_share, before.limits), spoken.share(after.top_share, after.limits),
        _top(sources, level, after), str(spoken.SHORT[before.verdict]), str(spoken.SHORT[after.verdict]), spoken.room(after),
        digits(before.hhi) or _("no data"), digits(after.hhi) or _("no data"), digits(after.effective, 4) or _("no data"),
    ]  # fmt: skip


def _top(sources: Sources, level: str, one: Judged) -> str:
    top = one.found.top
    if top is None:
        return "–"
    if top.startswith("new:"):
        return _("a payer not named")
    people = payers.named([int(top)]) if level == "payers" else {}
    return spoken.name_of(sources.said, level, top, people)


def solved(sources: Sources, window: Window, changes: list[Change]) -> list[str]:
    """Return in words what may still be signed with the largest stream, or must be with others, basis by basis."""
    found = []
    for basis in supposing.BASES:
        _before, after = compared(sources, window, changes, basis, "streams")
        name = words.NAMES[basis]
        if after.verdict is Verdict.BREACH:
            found.append(_("%(basis)s: %(top)s is at or above the ceiling; all others together must bring more than %(sum)s more.", basis=name, top=_top(sources, "streams", after), sum=money(Money(after.found.others))))  # fmt: skip
        elif after.verdict is not Verdict.NO_DATA:
            found.append(_("%(basis)s: %(top)s may bring less than %(sum)s more before it touches the ceiling.", basis=name, top=_top(sources, "streams", after), sum=money(Money(after.found.headroom))))  # fmt: skip
    return found


def _choices(sources: Sources, window: Window) -> list[payers.Payer]:
    """Return the payers that can be chosen: those of the window, by name."""
    if not sources.by_payer:
        return []
    codes = {
        int(code) for basis in ("recognised", "net_invoiced") for code in sources.by(window, basis, "payers")
    }
    return sorted(payers.named(codes).values(), key=lambda one: one.name)


@reports.get("/what-if")
@allow(May.READ_INCOME)
@refusing
def whatif() -> Any:
    """Show every measure before and after what the address supposes; nothing is stored."""
    question = doors.question()
    sources = Sources(question, by_payer=sees_payers())
    chosen = request.args.get("window", "")
    names = [one.code for one in sources.windows]
    window = sources.window(chosen if chosen in names else sources.settings.window)
    said = read(request.args, question)
    return framed(
        "office/reports/whatif.html", question, form=said, window=window, windows=sources.windows,
        streams=[(code, question.lists.called(code)) for code in question.lists.streams],
        payers=_choices(sources, window), tables=tables(sources, window, said.changes),
        solved=solved(sources, window, said.changes),
    ), 422 if said.errors else 200  # fmt: skip


def install() -> None:
    """Put the page among the tabs."""
    pages.add_tab(Tab(51, "reports.whatif", _l("What if"), May.READ_INCOME))
