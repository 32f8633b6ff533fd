"""What the job board keeps of people: the register, what they take along, what an erasure leaves, and retention."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, delete, func, select

from portal.accounts import erasure_plan
from portal.accounts.erasure_plan import Fate, Line
from portal.accounts.events import PersonErased
from portal.accounts.people import Person
from portal.core import personal, retaining, vault
from portal.core.db import db
from portal.core.personal import Keeping, Purpose, Sheet
from portal.jobs import old_posts, saving
from portal.jobs.board_models import PostReport, SavedSearch, SearchSent


def install() -> None:
    """Put the columns into the register: who wrote or decided stands as proof, who told or searches as long as it serves."""
    personal.holds(
        Purpose.JOBS, Keeping.JOBS, "job_report.teller", "job_report.person_id", "job_report.words",
        "job_saved_search.person_id", "job_saved_search.asked",
    )  # fmt: skip
    erasure_plan.ask("job_board", lines)
    erasure_plan.say(
        {
            "job_searches": _l("Your saved searches of jobs"),
            "job_reports": _l("Reports you made about posts, without you"),
        }
    )
    personal.collects("job_board", sheets)
    retaining.rule(retaining.Rule(old_posts.KIND, "job_post", old_posts.due, old_posts.let_go))


def _count(model: Any, person: Person) -> int:
    return int(db.session.scalar(select(func.count(model.id)).where(model.person_id == person.id)) or 0)


def lines(person: Person) -> list[Line]:
    """Return what becomes of a person's searches and reports."""
    return [
        Line("job_searches", Fate.ERASED, _count(SavedSearch, person)),
        Line("job_reports", Fate.ANONYMISED, _count(PostReport, person)),
    ]


def on_erased(event: PersonErased) -> None:
    """Delete the searches of a person, and take him out of what he reported."""
    mine: Select[Any] = select(SavedSearch.id).where(SavedSearch.person_id == event.person.id)
    db.session.execute(delete(SearchSent).where(SearchSent.search_id.in_(mine)))
    db.session.execute(delete(SavedSearch).where(SavedSearch.person_id == event.person.id))
    told = select(PostReport).where(PostReport.person_id == event.person.id).order_by(PostReport.id)
    for row in db.session.scalars(told).all():
        row.person, row.words, row.teller = None, "", vault.digest(vault.token())
    db.session.flush()


def sheets(person: Person) -> list[Sheet]:
    """Return what a person keeps as searches, and what he reported."""
    kept = select(SavedSearch).where(SavedSearch.person_id == person.id).order_by(SavedSearch.id)
    told = select(PostReport).where(PostReport.person_id == person.id).order_by(PostReport.id)
    return [
        Sheet(
            "job_searches",
            _l("Your saved searches of jobs"),
            (("search", _l("Search")), ("since", _l("Since")), ("ended", _l("Ended"))),
            [
                {"search": saving.words(row), "since": row.created_at, "ended": row.ended_at}
                for row in db.session.scalars(kept)
            ],
        ),
        Sheet(
            "job_reports",
            _l("Posts you reported"),
            (("post", _l("Number of the post")), ("reason", _l("Reason")), ("words", _l("In your words")), ("at", _l("When"))),
            [
                {"post": row.post.uid, "reason": row.reason, "words": row.words, "at": row.at}
                for row in db.session.scalars(told)
            ],
        ),
    ]  # fmt: skip
