"""Programs at the door: the token in the Authorization header, and what its owner may do right now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from flask import g, request
from flask_babel import gettext as _
from sqlalchemy import select, update

from portal.accounts.access import Reader, leave, roles_of
from portal.accounts.may import ContactRole
from portal.accounts.organisations import Contact
from portal.accounts.people import UserSession
from portal.accounts.scopes import SCOPES, Scope
from portal.accounts.tokens import MARK, ApiToken, find
from portal.core import clock, web
from portal.core.db import db
from portal.core.problems import problem

View = TypeVar("View", bound=Callable[..., Any])
NO_BROWSER = cast(UserSession, None)  # a program has no session; nothing it can reach asks for one


def credentials() -> str | None:
    """Return the token of the Authorization header; None if there is none of that kind."""
    kind, _space, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def in_address() -> bool:
    """Whether a token stands in the address, where logs and histories would keep it."""
    return MARK in request.full_path or any(
        name.lower() in {"token", "access_token"} for name in request.args
    )


def token() -> ApiToken | None:
    """Return the live token of this request."""
    if "token" not in g:
        given = credentials()
        g.token = find(given) if given else None
        if g.token is not None:
            _used(g.token)
    found: ApiToken | None = g.token
    return found


def _used(row: ApiToken) -> None:
    """Note once a minute that the token is in use."""
    now = clock.now()
    if row.used_at is None or now - row.used_at >= timedelta(minutes=1):
        leave(update(ApiToken).where(ApiToken.id == row.id).values(used_at=now))


def reader_of(row: ApiToken) -> Reader:
    """Return the reader a token makes: its owner's roles of this moment, narrowed to its scopes."""
    verbs = frozenset().union(*(SCOPES[scope] for scope in row.granted))
    if row.org_id is None:
        staff, contacts = roles_of(row.maker_id)
        return Reader(row.maker, NO_BROWSER, staff, contacts, enrolled=True, verbs=verbs)
    owned = db.session.scalar(
        select(Contact.id).where(
            Contact.org_id == row.org_id, Contact.role == ContactRole.OWNER, Contact.ended_at.is_(None)
        )
    )
    acts = ((row.org_id, ContactRole.OWNER),) if owned is not None else ()
    return Reader(row.maker, NO_BROWSER, frozenset(), acts, enrolled=True, verbs=verbs, personal=False)


@dataclass(frozen=True, slots=True)
class Needs(web.Lock):
    """A door that opens to a live token with a scope (None: to any live token)."""

    scope: Scope | None

    def open(self) -> Any:
        """Let the program in, or answer 401 or 403 with the header that says what is missing."""
        if in_address():
            return problem(
                400, _("A token in the address"),
                _("A token belongs in the Authorization header, never in the address. Please revoke this one."),
            )  # fmt: skip
        row = token()
        if row is None:
            known = credentials() is not None
            said = (
                _("This token is unknown, over or revoked.")
                if known
                else _("Please send a token: Authorization: Bearer …")
            )
            header = web.BEARER + (', error="invalid_token"' if known else "")
            return problem(401, _("A token is needed"), said, headers={"WWW-Authenticate": header})
        if self.scope is not None and self.scope not in row.granted:
            header = f'{web.BEARER}, error="insufficient_scope", scope="{self.scope.value}"'
            said = _("This token lacks the scope %(scope)s.", scope=self.scope.value)
            return problem(403, _("This is not open to you"), said, headers={"WWW-Authenticate": header})
        g.private = True
        g.program = reader_of(row)
        return None


def needs(scope: Scope | None = None) -> Callable[[View], View]:
    """Declare that a view opens to a token with a scope."""
    return lambda view: web.declare(view, Needs(scope))
