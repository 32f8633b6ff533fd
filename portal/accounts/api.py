"""Operations about the token itself."""

from __future__ import annotations

from typing import Any, Literal

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs, token
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.accounts.scopes import Scope
from portal.core.api import TOKEN_PROBLEMS, Answer, Uid, operations, responses, told
from portal.core.db import db

whoami = operations("api_me", __name__, str(_l("The token")))


class Acting(Answer):
    """An organisation the token acts for, and in which roles."""

    id: Uid
    name: str
    roles: list[ContactRole]


class Me(Answer):
    """Who a token belongs to, and what it may do."""

    kind: Literal["person", "organisation"]
    name: str
    token: str
    prefix: str
    scopes: list[Scope]
    expires_at: str
    staff_roles: list[StaffRole]
    organisations: list[Acting]


@whoami.get(
    "/me", operation_id="me", summary=str(_l("Who the token belongs to, and what it may do")),
    responses=responses(*TOKEN_PROBLEMS, ok=Me), security=[{"token": []}],
)  # fmt: skip
@needs()
def show() -> Any:
    """Never more than its owner may at this moment."""
    reader, row = me(), token()
    assert row is not None
    roles: dict[int, list[ContactRole]] = {}
    for org_id, role in reader.contacts:
        roles.setdefault(org_id, []).append(role)
    orgs = db.session.scalars(
        select(Organisation).where(Organisation.id.in_(roles)).order_by(Organisation.id)
    )
    return told(
        Me(
            kind="person" if row.org is None else "organisation",
            name=row.maker.name if row.org is None else row.org.name,
            token=row.name,
            prefix=row.prefix,
            scopes=sorted(row.granted),
            expires_at=row.expires_at.isoformat(),
            staff_roles=sorted(reader.staff),
            organisations=[Acting(id=org.uid, name=org.name, roles=sorted(roles[org.id])) for org in orgs],
        )
    )
