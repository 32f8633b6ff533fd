"""Saved views: a person names a question, finds it on every report page, and takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import erasure_plan
from portal.accounts.access import allow, me
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import clock, personal
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import Form, text_field
from portal.core.personal import Sheet
from portal.core.web import go
from portal.reports.income import asked, links, pages
from portal.reports.income.blueprint import reports
from portal.reports.income.saved_models import SavedView

MOST = 30


class Name(Form):
    """What a view is called."""

    name = text_field(_l("Name of the view"), longest=80)


@dataclass(frozen=True, slots=True)
class Shown:
    """A saved view as the frame shows it."""

    uid: str
    name: str
    href: str


def install() -> None:
    """Say what is kept of people here, and what an erasure does with it."""
    personal.no_person("saved_view.name")
    erasure_plan.ask("saved views", lines)
    erasure_plan.say({"saved_views": _l("Views of reports that you saved")})
    personal.collects("saved views", sheets)


def mine(person: Person) -> list[Shown]:
    """Return a person's views by name."""
    return [Shown(row.uid, row.name, _href(row)) for row in _rows(person)]


def _href(row: SavedView) -> str:
    return f"{links.to(f'reports.{row.page}')}?{row.query}"


def _rows(person: Person) -> list[SavedView]:
    statement = select(SavedView).where(SavedView.person_id == person.id)
    return list(db.session.scalars(statement.order_by(SavedView.name, SavedView.id)))


def save(name: str, page: str, query: str, *, by: Person) -> SavedView:
    """Keep a question under a name; the same name again keeps the new one instead."""
    found = pages.of(page)
    given = {key: text for key, text in parse_qsl(query) if key in asked.KEYS}
    asked.read(given, clock.today())
    row = db.session.scalars(
        select(SavedView).where(SavedView.person_id == by.id, SavedView.name == name)
    ).first()
    if row is None:
        held = db.session.scalar(select(func.count(SavedView.id)).where(SavedView.person_id == by.id)) or 0
        if held >= MOST:
            raise Refused(_l("You have saved %(most)s views already. Please delete one first.", most=MOST))
        row = SavedView(person=by, name=name, page=found.key, query="")
        db.session.add(row)
    row.page, row.query = found.key, urlencode(given)[:600]
    db.session.flush()
    return row


@reports.post("/views")
@allow(May.READ_INCOME)
def save_view() -> BaseResponse:
    """Keep the question of a page under a name."""
    form, page = Name(), request.form.get("of", "")[:40]
    if not form.validate_on_submit():
        raise Refused(_("Please give the view a name of at most 80 characters."), status=422)
    with transaction():
        row = save(form.name.data, page, request.form.get("query", "")[:600], by=me().person)
    given = {key: text for key, text in parse_qsl(row.query) if key in asked.KEYS}
    return go(f"reports.{row.page}", _("Saved. You find it among your views."), **given)


@reports.post("/views/<uid>/removal")
@allow(May.READ_INCOME)
def drop_view(uid: str) -> BaseResponse:
    """Delete a view of one's own."""
    with transaction():
        gone = db.session.execute(
            delete(SavedView).where(SavedView.uid == uid, SavedView.person_id == me().person.id)
        )
        if not gone.rowcount:  # type: ignore[attr-defined]
            raise Missing(_("There is no such view."))
    return go("reports.overview", _("Deleted."))


def lines(person: Person) -> list[Line]:
    """Return what becomes of a person's views at an erasure."""
    count = db.session.scalar(select(func.count(SavedView.id)).where(SavedView.person_id == person.id)) or 0
    return [Line("saved_views", Fate.ERASED, count)]


def on_erased(event: PersonErased) -> None:
    """Delete the views of a person who is erased; told twice, nothing is left to do."""
    db.session.execute(delete(SavedView).where(SavedView.person_id == event.person.id))


def sheets(person: Person) -> list[Sheet]:
    """Return a person's views as he takes them along."""
    columns = (("name", _l("Name of the view")), ("page", _l("Page")), ("query", _l("Question")))
    rows = [{"name": row.name, "page": row.page, "query": row.query} for row in _rows(person)]
    return [Sheet("saved_views", _l("Views of reports"), columns, rows)]
