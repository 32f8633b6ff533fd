"""What staff do to one account and must give a reason for: the row, and the page again where the reason is missing or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts import forms as f
from portal.accounts.people import Person
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.web import go

Page = Callable[[Person, f.Why, int], Any]


def account(uid: str) -> Person:
    """Return an account by its id; `Missing` if there is none."""
    row = db.session.scalars(select(Person).where(Person.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such account."))
    return row


def with_reason(uid: str, act: Callable[[Person, str], object], *, page: Page, then: str, done: str) -> Any:
    """Do what needs a reason and go to `then`; without one, or refused, show the page again with what was typed."""
    row, form = account(uid), f.Why()
    if status := form.carry_out(lambda: act(row, form.reason.data)):
        return page(row, form, status)
    return go(then, done, uid=uid)
