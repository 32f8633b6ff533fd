"""Which organisation a member of staff means: by the name on its licence, a name shown, or its registration."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from portal.accounts.organisations import Organisation
from portal.core.db import db
from portal.core.errors import Refused


def org_named(text: str, *, field: str = "org") -> Organisation:
    """Return the one organisation of a name, registration or id; `Refused` if there is none, or more than one."""
    said = " ".join(text.split())
    o = Organisation
    rows = select(o).where(
        o.merged_into_id.is_(None),
        o.person_id.is_(None),
        or_(
            o.uid == said, o.legal_name == said, o.legal_name_en == said, o.display_name_zh == said,
            o.display_name_en == said, o.legal_key == said, o.legal_key == f"CN:{said}",
        ),
    ).order_by(o.id)  # fmt: skip
    found = list(db.session.scalars(rows.limit(2)))
    if not said or not found:
        raise Refused(_l("No organisation has this name or registration."), field=field, status=422)
    if len(found) > 1:
        raise Refused(
            _l("Several organisations have this name: please give the registration."), field=field, status=422
        )
    return found[0]


def org_registered(text: str, *, field: str = "org") -> Organisation:
    """Return the one organisation of a registration: what a customer may ask for, who need not know who else is here."""
    said = "".join(text.split())
    o = Organisation
    rows = select(o).where(
        o.merged_into_id.is_(None), o.person_id.is_(None), o.legal_key.in_([said, f"CN:{said.upper()}"])
    )
    found = list(db.session.scalars(rows.order_by(o.id).limit(2)))
    if len(found) != 1:
        raise Refused(_l("No organisation has this registration here."), field=field, status=422)
    return found[0]
