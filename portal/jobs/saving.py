"""Saved searches: kept by a person, mailed daily or weekly with posts not named before, ended by one click."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import contains_eager

from portal.accounts.people import Person
from portal.core import audit, clock, labels, mail, web
from portal.core.db import db
from portal.core.errors import Missing, Refused
from portal.core.mail import Letter
from portal.core.rows import each, ids_of
from portal.jobs import modes, naming, posts, searching, showing
from portal.jobs.board_models import SavedSearch, SearchSent
from portal.jobs.kinds import Employment, Rhythm
from portal.jobs.models import Post
from portal.jobs.modes import Mode
from portal.jobs.searching import Asked

MOST, IN_A_MAIL = 10, 20
DAYS = {Rhythm.DAILY: 1, Rhythm.WEEKLY: 7}
NO_SEARCH = _l("There is no such saved search.")


def of_person(person: Person) -> list[SavedSearch]:
    """Return a person's searches that are not ended, the newest first."""
    rows = select(SavedSearch).where(SavedSearch.person_id == person.id, SavedSearch.ended_at.is_(None))
    return list(db.session.scalars(rows.order_by(SavedSearch.id.desc())))


def keep(asked: Asked, rhythm: Rhythm, *, by: Person) -> SavedSearch:
    """Keep a search; what is visible now counts as seen, mails begin with what comes after."""
    if not asked:
        raise Refused(_l("Please choose a filter or a word first: the search would name every post."))
    mine = of_person(by)
    if any(searching.read(one.asked) == asked for one in mine):
        raise Refused(_l("You keep this search already."))
    if len(mine) >= MOST:
        raise Refused(_l("You keep %(count)s searches already. Please end one first.", count=MOST))
    row = SavedSearch(person=by, asked=dict(asked.plain()), rhythm=rhythm, mailed_on=clock.today())
    db.session.add(row)
    db.session.flush()
    _name(row, _fresh(row, most=None))
    audit.record("search.kept", row, by=by, rhythm=rhythm)
    return row


def end(row: SavedSearch, *, by: Person | str) -> None:
    """End a search; its mails stop. Ended already it stays so."""
    ended = (
        update(SavedSearch)
        .where(SavedSearch.id == row.id, SavedSearch.ended_at.is_(None))
        .values(ended_at=clock.now())
        .returning(SavedSearch.id)
    )
    if db.session.scalar(ended) is not None:
        db.session.refresh(row)
        audit.record("search.ended", row, by=by)


def own(uid: str, person: Person) -> SavedSearch:
    """Return one of a person's searches."""
    row = db.session.scalars(
        select(SavedSearch).where(SavedSearch.uid == uid, SavedSearch.person_id == person.id)
    ).first()
    if row is None:
        raise Missing(NO_SEARCH)
    return row


def by_link(uid: str) -> SavedSearch:
    """Return the search that the link of a mail ends: its random id is known to nobody but its owner."""
    row = db.session.scalars(select(SavedSearch).where(SavedSearch.uid == uid)).first()
    if row is None:
        raise Missing(NO_SEARCH)
    return row


def way_out(number: int) -> str | None:
    """Return where one click ends the mails of a search."""
    row = db.session.get(SavedSearch, number)
    return web.absolute("jobs.stop", uid=row.uid) if row is not None else None


def words(row: SavedSearch) -> str:
    """Return what a search asks for, in words."""
    asked = searching.read(row.asked)
    parts = [
        asked.q,
        _("Remote") if asked.city == searching.REMOTE else naming.city(asked.city) if asked.city else "",
        naming.level(asked.level) if asked.level else "",
        labels.label(Employment(asked.kind)) if asked.kind else "",
        _("from ¥%(sum)s a month", sum=f"{int(asked.pay):,}") if asked.pay else "",
    ]
    return " · ".join(one for one in parts if one)


def _fresh(row: SavedSearch, *, most: int | None = IN_A_MAIL) -> list[Post]:
    """Return the visible posts of a search that no mail has named."""
    named = select(SearchSent.post_id).where(SearchSent.search_id == row.id)
    rows = searching.narrowed(posts.visible(), searching.read(row.asked)).where(Post.id.not_in(named))
    rows = searching.newest_first(rows).options(contains_eager(Post.shown))
    return list(db.session.scalars(rows if most is None else rows.limit(most)))


def _name(row: SavedSearch, found: list[Post]) -> None:
    build = postgresql.insert if db.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for post in found:
        made = build(SearchSent).values(search_id=row.id, post_id=post.id, at=clock.now())
        db.session.execute(made.on_conflict_do_nothing())


def mail_saved_searches() -> int:
    """Send the mails of the searches whose day has come; each post is named once."""
    if modes.mode() not in (Mode.LINK_OUT, Mode.FULL):
        return 0
    today = clock.today()
    due = or_(
        *(
            (SavedSearch.rhythm == rhythm)
            & (SavedSearch.mailed_on.is_(None) | (SavedSearch.mailed_on <= today - timedelta(days=days)))
            for rhythm, days in DAYS.items()
        )
    )
    rows = select(SavedSearch.id).where(SavedSearch.ended_at.is_(None), due).order_by(SavedSearch.id)
    return each("mail_saved_searches", ids_of(rows), _mail)


def _mail(number: int) -> int:
    row = db.session.get_one(SavedSearch, number)
    person = row.person
    if row.ended_at is not None:
        return 0
    if person.erased_at is not None or person.disabled_at is not None:
        end(row, by="mail_saved_searches")
        return 0
    found = _fresh(row)
    row.mailed_on = clock.today()
    if not found:
        return 0
    _name(row, found)

    def letter() -> Letter:
        lines = [
            f"{seen.title} – {seen.employer}, {seen.place}, {seen.pay}\n{showing.address(seen.uid)}"
            for seen in (showing.shown(post) for post in found)
        ]
        stop = _("No more of these mails: %(link)s", link=web.absolute("jobs.stop", uid=row.uid))
        return Letter(
            _("New posts for your search: %(words)s", words=words(row)), (*lines, stop),
            button=(_("Open the job board"), web.absolute("jobs.board", **searching.read(row.asked).plain())),
        )  # fmt: skip

    mail.send(
        f"search:{row.uid}:{clock.today()}",
        person.email,
        person.name,
        person.language,
        letter,
        topic=row.subject,
    )
    return 1
