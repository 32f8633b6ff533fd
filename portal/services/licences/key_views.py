"""Keys of a licence: made and shown once, ended at once or with a day. Staff see that they are there, and never make one."""

from __future__ import annotations

from typing import Any

from flask import make_response
from flask_babel import gettext as _
from sqlalchemy import func, select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.settings import settings
from portal.core.web import go
from portal.services.licences import access, keyring
from portal.services.licences import forms as f
from portal.services.licences.models.licence import Licence, LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.pages import licences, page
from portal.services.licences.parts import found


def _page(row: Licence, form: f.NewKey, status: int = 200) -> Any:
    now = clock.now()
    every = list(
        db.session.scalars(
            select(LicenceKey).where(LicenceKey.licence_id == row.id).order_by(LicenceKey.id.desc())
        )
    )
    live = select(Node.key_id, func.count(Node.id)).where(
        Node.licence_id == row.id, Node.released_at.is_(None)
    )
    counts: dict[int | None, int] = dict(db.session.execute(live.group_by(Node.key_id)).all())
    return page(
        "licences/keys.html", row, "keys", status, form=form, end=f.EndKey(formdata=None), counts=counts, now=now,
        open=[one for one in every if one.ends_at is None or one.ends_at > now],
        over=[one for one in every if one.ends_at is not None and one.ends_at <= now],
    )  # fmt: skip


@licences.get("/<uid>/keys")
@allow(May.SEE_ORG, May.READ_LICENCES)
def keys(uid: str) -> Any:
    """Show the keys of a licence, without the keys themselves."""
    return _page(access.seen(uid), f.NewKey(formdata=None))


@licences.post("/<uid>/keys")
@allow(May.MANAGE_LICENCES, fresh=True)
def make_key(uid: str) -> Any:
    """Make a key and show it this once."""
    row, form = access.owned(uid), f.NewKey()
    if not form.validate_on_submit():
        return _page(row, form, 422)
    try:
        with transaction():
            made, secret = keyring.make(
                row.id, label=str(form.label.data), by=me().person, most_nodes=form.most_nodes.data, ends_at=f.end_of(form.last.data)
            )  # fmt: skip
    except Refused as refusal:
        form.refused(refusal)
        return _page(access.owned(uid), form, refusal.status)
    shown, status = page(
        "licences/key.html", access.owned(uid), "keys", key=made, secret=secret, base=settings().public_url,
        tool=row.tools[0].tool if row.tools else "",
    )  # fmt: skip
    answer = make_response(shown, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@licences.post("/<uid>/keys/<key>/end")
@allow(May.MANAGE_LICENCES, fresh=True)
def end_key(uid: str, key: str) -> Any:
    """End a key now, or with a day."""
    row, form = access.owned(uid), f.EndKey()
    one = found(row, LicenceKey, key)
    if not form.validate_on_submit():
        return _page(row, f.NewKey(formdata=None), 422)
    with transaction():
        keyring.end(one, by=me().person, at=f.end_of(form.last.data))
    words = (
        _("The key has ended: nodes that use it are told that it is unknown.")
        if form.last.data is None
        else _("The key ends with that day.")
    )
    return go("licences.keys", words, uid=uid)
