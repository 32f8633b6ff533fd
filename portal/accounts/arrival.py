"""What every request must know of its reader: one statement, asked anew each time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

from flask import request
from sqlalchemy import Date, Select, String, bindparam, exists, func, select
from sqlalchemy.orm import contains_eager

from portal.accounts.organisations import Contact
from portal.accounts.people import Grant, Passkey, Person, UserSession
from portal.core import catalogue
from portal.core.db import READERS, db

PERSON = tuple(Person.__table__.columns)
SESSION = tuple(UserSession.__table__.columns)


class Seen:
    """A row as a page needs it that only looks: every column, and nothing that a session could save."""

    is_active = is_authenticated = True  # as flask-login asks of a person
    is_anonymous = False

    def __init__(self, table: str, columns: Iterable[Any], values: Iterable[Any]) -> None:
        self.table = table
        self.__dict__.update(zip((one.key for one in columns), values, strict=True))

    @property
    def subject(self) -> str:
        """The row's name in the audit, as `Model` writes it."""
        return f"{self.table}:{self.__dict__['id']}"

    def get_id(self) -> str:
        """Return what flask-login calls this person."""
        return str(self.__dict__["id"])


# Roles come as texts, since a list within a row is the one thing both databases do not share.
_HELD = select(func.aggregate_strings(Grant.role.cast(String), ",")).where(
    Grant.person_id == UserSession.person_id,
    Grant.start <= bindparam("today", type_=Date),
    Grant.end.is_(None) | (Grant.end > bindparam("today", type_=Date)),
)
_ACTS = select(
    func.aggregate_strings(Contact.id.cast(String) + ":" + Contact.org_id.cast(String) + ":" + Contact.role.cast(String), ",")
).where(Contact.person_id == UserSession.person_id, Contact.ended_at.is_(None))  # fmt: skip


def _asking(*columns: Any) -> Select[Any]:
    """Select some columns of a session with its person's roles and what the house must know."""
    return (
        select(
            *columns,
            _HELD.scalar_subquery(),
            _ACTS.scalar_subquery(),
            exists().where(Passkey.person_id == UserSession.person_id).label("passkey"),
            *catalogue.house(),
        )
        .join_from(UserSession, Person, UserSession.person_id == Person.id)
        .where(UserSession.token_hash == bindparam("token_hash"), UserSession.ended_at.is_(None))
    )


_TO_WRITE = _asking(UserSession).options(contains_eager(UserSession.person))
_TO_LOOK = _asking(*PERSON, *SESSION)


def of(token_hash: str, today: date) -> tuple[Person, UserSession, tuple[Any, ...]] | None:
    """Return the person and the session behind a token, with roles, passkey and house; None if it was ended.

    A reader's page gets them as plain values: it writes nothing, and the machinery of rows that could be changed
    costs more than the statement itself.
    """
    asked = {"token_hash": token_hash, "today": today}
    if request.method not in READERS:
        row = db.session.execute(_TO_WRITE, asked).first()
        return None if row is None else (row[0].person, row[0], tuple(row[1:]))
    found = db.session.connection().execute(_TO_LOOK, asked).first()
    if found is None:
        return None
    end = len(PERSON) + len(SESSION)
    person = Seen("person", PERSON, found[: len(PERSON)])
    live = Seen("user_session", SESSION, found[len(PERSON) : end])
    return cast(Person, person), cast(UserSession, live), tuple(found[end:])
