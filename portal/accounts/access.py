"""Who is reading: the session behind a request, what the person may do, and the lock on every door."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, g, jsonify, redirect, request, session, url_for
from sqlalchemy import (
    Select,
    String,
    Update,
    false,
    literal,
    select,
    true,
    union_all,
    update,
)

from portal.accounts import arrival
from portal.accounts.may import CONTACT, STAFF, ContactRole, May, StaffRole
from portal.accounts.organisations import Contact
from portal.accounts.people import Grant, Level, Person, UserSession
from portal.core import catalogue, clock, vault, web
from portal.core.db import READERS, aside, db
from portal.core.problems import by_program

View = TypeVar("View", bound=Callable[..., Any])
HALF_WAY = "half way"
IDLE = {True: timedelta(minutes=30), False: timedelta(hours=2)}
LONGEST = {True: timedelta(hours=12), False: timedelta(hours=24)}
FRESH = timedelta(minutes=10)
FRESH_MARK = "__portal_fresh__"
ENROL_MARK = "__portal_enrol__"


@dataclass(frozen=True, slots=True)
class Reader:
    """A signed-in person with roles: of staff, and for organisations as (organisation id, role).

    A program reads with the roles of its token's owner, narrowed to `verbs`; an organisation's token is not
    `personal`: what is its maker's own stays his.
    """

    person: Person
    session: UserSession
    staff: frozenset[StaffRole]
    contacts: tuple[tuple[int, ContactRole], ...]
    enrolled: bool
    verbs: frozenset[May] | None = None
    personal: bool = True

    @property
    def roles(self) -> Hashable:
        """All that decides what this reader may do; what is remembered for readers alike is remembered by it."""
        return self.staff, self.contacts, self.verbs

    def may(self, what: May, org_id: int | None = None) -> bool:
        """Whether this person may do something as staff, or for one organisation (None: for any of theirs)."""
        return self.staff_may(what) or any(org_id in (None, org) for org in self.orgs(what))

    def staff_may(self, what: May) -> bool:
        """Whether this person may do something as staff."""
        return self._covers(what) and any(what in STAFF[role] for role in self.staff)

    def orgs(self, what: May) -> frozenset[int]:
        """Return the organisations for which this person, as their contact, may do something."""
        return frozenset(org for org, role in self.contacts if self._covers(what) and what in CONTACT[role])

    def _covers(self, what: May) -> bool:
        return self.verbs is None or what in self.verbs

    def works_here(self) -> bool:
        """Whether this person is staff."""
        return bool(self.staff)


def scoped(
    statement: Select[Any], org_id: Any, reader: Reader | None, *, own: May, staff: May
) -> Select[Any]:
    """Narrow a statement to the rows a reader may see: all for staff, else those of their organisations."""
    if reader is None:
        return statement.where(false())
    if reader.staff_may(staff):
        return statement.where(true())
    return statement.where(org_id.in_(reader.orgs(own)))


def allow(*any_of: May, fresh: bool = False) -> Callable[[View], View]:
    """Declare that a view opens to whoever may do one of these; `fresh` asks for the factor again after a while."""

    def mark(view: View) -> View:
        setattr(view, FRESH_MARK, fresh)
        return web.declare(view, frozenset(any_of))

    return mark


def signed_in(view: View) -> View:
    """Declare that a view opens to anybody who is signed in with both factors."""
    return web.declare(view, web.SIGNED_IN)


def fresh(view: View) -> View:
    """Ask for the factor again before a view opens, when it was shown more than a while ago."""
    setattr(view, FRESH_MARK, True)
    return view


def own_account(view: View) -> View:
    """Declare a page of one's own security: signed in, also while staff still have to enrol a factor."""
    setattr(view, ENROL_MARK, True)
    return web.declare(view, web.SIGNED_IN)


def fresh_account(view: View) -> View:
    """Declare a page of one's own security that asks for both factors again after a while."""
    setattr(view, FRESH_MARK, True)
    return own_account(view)


def half_way(view: View) -> View:
    """Declare that a view opens after the first factor."""
    return web.declare(view, HALF_WAY)


def who() -> Reader | None:
    """Return who reads this request; None for the public and for those half-way through the door.

    Programs are known by their token alone, never by a cookie.
    """
    if by_program():
        program: Reader | None = g.get("program")
        return program
    found = found_session()
    return found if found is not None and found.session.level is Level.FULL else None


def me() -> Reader:
    """Return the signed-in reader of a view whose declaration asks for one."""
    found = who()
    if found is None:
        abort(401)
    return found


def found_session() -> Reader | None:
    """Return the live session behind the request's cookie, whatever its level."""
    if "who" not in g:
        key = session.get("key")
        g.who = _load(key) if isinstance(key, str) else None
    found: Reader | None = g.who
    return found


def _load(key: str) -> Reader | None:
    today, now = clock.today(), clock.now()
    found = arrival.of(vault.digest(key), today)
    if found is None:
        return None
    person, row, (held, acts, passkey, *house) = found
    catalogue.note(*house)
    if person.disabled_at is not None:
        return None
    staff = frozenset(StaffRole(role) for role in (held or "").split(",") if role)
    if now - row.seen_at > IDLE[bool(staff)] or now - row.created_at > LONGEST[bool(staff)]:
        return None
    _seen(row)
    lines = sorted((int(number), int(org), role) for number, org, role in _parts(acts))
    contacts = tuple((org, ContactRole(role)) for _number, org, role in lines)
    # Staff have a passkey or code app; everybody else may take a code by mail.
    enrolled = not staff or person.demo or bool(person.totp_sealed) or passkey
    return Reader(person, row, staff, contacts, enrolled)


def _parts(acts: str | None) -> list[list[str]]:
    return [part.split(":") for part in (acts or "").split(",") if part]


def roles_of(person_id: int) -> tuple[frozenset[StaffRole], tuple[tuple[int, ContactRole], ...]]:
    """Return the roles a person holds right now: of staff, and for organisations."""
    today = clock.today()
    held = select(Grant.role.cast(String).label("role"), literal(0).label("org")).where(
        Grant.person_id == person_id, Grant.start <= today, (Grant.end.is_(None)) | (Grant.end > today)
    )
    acts = select(Contact.role.cast(String), Contact.org_id).where(
        Contact.person_id == person_id, Contact.ended_at.is_(None)
    )
    roles = db.session.execute(union_all(held, acts)).all()
    staff = frozenset(StaffRole(role) for role, org in roles if not org)
    return staff, tuple((int(org), ContactRole(role)) for role, org in roles if org)


def _seen(row: UserSession) -> None:
    """Note once a minute that the session is in use."""
    now = clock.now()
    if now - row.seen_at >= timedelta(minutes=1):
        leave(update(UserSession).where(UserSession.id == row.id).values(seen_at=now))


def leave(trace: Update) -> None:
    """Leave a trace of this request: beside it from a reader, within its transaction from a writer."""
    if request.method in READERS:
        with aside() as conn:
            conn.execute(trace)
    else:
        db.session.execute(trace)


def guard() -> Any:
    """Open or refuse the door of the endpoint asked for, before anything else runs."""
    view = web.view_of_request()
    if view is None:
        return None
    access = getattr(view, web.ACCESS, None)
    if access is None:
        abort(403)
    if access == web.PUBLIC:
        return None
    if isinstance(access, web.Lock):
        return access.open()
    found = found_session()
    if found is None:
        return _turn_to("accounts.sign_in")
    g.private = True
    if access == HALF_WAY:
        return None
    if found.session.level is not Level.FULL:
        return _turn_to("accounts.second")
    if not found.enrolled and not getattr(view, ENROL_MARK, False):
        return _turn_to("accounts.security")
    if isinstance(access, frozenset) and not any(found.may(what) for what in access):
        abort(403)
    stale = found.session.factor_at is None or clock.now() - found.session.factor_at > FRESH
    if getattr(view, FRESH_MARK, False) and stale and not found.person.demo:
        return _step_up()
    return None


def _step_up() -> Any:
    """Ask for both factors again; a form that was sent is opened anew afterwards."""
    if request.method in {"GET", "HEAD"}:
        return _turn_to("accounts.again")
    came_from = urlsplit(request.referrer or "")
    page = came_from.path if came_from.netloc == request.host else ""
    target = url_for("accounts.again", next=web.safe_next(page, "/"))
    return (jsonify(go=target), 401) if request.is_json else redirect(target, code=303)


def _turn_to(endpoint: str) -> Any:
    if request.method not in {"GET", "HEAD"}:
        abort(401)
    return redirect(url_for(endpoint, next=request.full_path.rstrip("?")), code=303)


def load_user(_request: Any) -> Person | None:
    """Return the signed-in person, for flask-login."""
    found = who()
    return found.person if found else None


def install(app: Flask) -> None:
    """Put the lock on every door of the application."""
    app.before_request(guard)
    app.login_manager.request_loader(load_user)  # type: ignore[attr-defined]
