"""The report pages' one front: the question from the address, the frame around every page, and the rows behind figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g, redirect, render_template, request
from flask_babel import gettext as _

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import clock
from portal.core.errors import Forbidden, Refused
from portal.core.money import Money
from portal.core.paging import asked as word_asked
from portal.core.paging import place_in
from portal.reports.income import asked, behind, hashes, links, pages, saved, shown
from portal.reports.income.asked import Question
from portal.reports.income.blueprint import reports
from portal.reports.income.figure import Figure
from portal.reports.income.pages import Page
from portal.reports.income.reader import sees_payers

SIZES = (50, 100, 200)
# What narrows rows to one who pays: by name, or by a contract that one of them signed.
OF_A_PAYER = ("payer", "line")
HOME = "reports.overview"


def question() -> Question:
    """Return what the address asks; whoever may not see payers may not ask for one."""
    said = asked.read(request.args, clock.today())
    if said.payer and not sees_payers():
        raise Forbidden(_("Payers are shown to finance, the executive and auditors."))
    return said


def framed(template: str, said: Question, **words: Any) -> str:
    """Return a page in the frame of the reports: tabs, period, basis, as known at, version of the list, hash once closed."""
    g.nav = HOME
    return render_template(
        template, said=said, tabs=pages.tabs(me()), presets=asked.presets(clock.today()), bases=asked.BASES,
        today=clock.today(), hash=hashes.of(said), sees_payers=sees_payers(), href=links.rows, here=request.endpoint,
        narrowed_words=shown.question(said), views=saved.mine(me().person),
        **words,
    )  # fmt: skip


def refusing(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a question that cannot be read with the frame, the reason and what was typed, ready to be mended."""

    @wraps(view)
    def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except Refused as refusal:
            if refusal.status != 422 or request.path.endswith("/file"):
                raise
            return framed(
                "office/reports/refused.html", asked.read({}, clock.today()), words=refusal.words
            ), 422

    return answer


def open_pages() -> None:
    """Give every page its address; called once all of them are added."""
    for page in pages.every():
        if not any(page.key == known for known in _opened):
            _opened.append(page.key)
            reports.add_url_rule(_path(page), page.key, allow(page.may)(refusing(_view(page))))


_opened: list[str] = []


def _path(page: Page) -> str:
    return "/" if page.key == "overview" else f"/{page.key}"


def _view(page: Page) -> Callable[[], Any]:
    def view() -> Any:
        said = question()
        if page.needs and not any(said.args().get(key) for key in page.needs):
            return redirect(f"{links.to(f'reports.{page.otherwise}')}?{said.query()}")
        return framed(page.template, said, report=page.build(said), page=page, asks=page.asks)

    view.__doc__ = f"Show the report page {page.key}."
    return view


def figure_asked() -> Figure:
    """Return the figure whose rows the address asks for; its amount is what the rows come to.

    Whoever may not see payers may not narrow it to one.
    """
    kind = behind.kind_of(word_asked("figure", most=40))
    given = {key: word_asked(f"by_{key}", most=80) for key in kind.takes}
    if not sees_payers() and any(given.get(key) for key in OF_A_PAYER):
        raise Forbidden(_("Payers are shown to finance, the executive and auditors."))
    return Figure.of(kind.code, 0, **given)


@reports.get("/rows")
@allow(May.READ_INCOME)
@refusing
def rows() -> Any:
    """Show the rows behind a figure; whoever may not see payers sees them added up by stream and month."""
    if not word_asked("figure", most=40):
        return redirect(f"{links.to('reports.overview')}?{question().query()}")
    said, figure = question(), figure_asked()
    kind, found = behind.kind_of(figure.code), behind.rows_of(said, figure)
    if not sees_payers():
        found = behind.added_up(found)
    page = place_in(len(found), SIZES)
    page.items.extend(shown.rows(found[page.start : page.start + page.size], said.lists))
    return framed(
        "office/reports/rows.html", said, kind=kind, asked_again=links.query(said, figure), page=page, total=Money(sum(one.amount for one in found)),
        narrowed=shown.narrowed(said, figure), dated=any(one.day for one in found),
        serviced=any(one.month for one in found),
    )  # fmt: skip
