"""What waits for staff about licences: proposals for a second person, open suspensions; and the keys that sign."""

from __future__ import annotations

from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import clock, signing
from portal.core.db import db, transaction
from portal.core.signing import KeyUse
from portal.core.web import go
from portal.services.licences import forms as f
from portal.services.licences import granting, key_steps, plans, proving, transferring
from portal.services.licences.models.licence import Hold
from portal.services.licences.models.steps import KeyDeed
from portal.services.licences.pages import licence_office

KEYS = "licence_office.signing_keys"


@licence_office.get("/queue")
@allow(May.READ_LICENCES)
def queue() -> str:
    """Show what waits for a second person, and every open suspension."""
    g.nav = "licence_office.listed"
    holds = select(Hold).where(Hold.lifted_at.is_(None)).order_by(Hold.starts_at, Hold.id)
    return render_template(
        "office/licences/queue.html", proposals=granting.waiting(), transfers=transferring.under_way(), mine=me().person.id,
        holds=list(db.session.scalars(holds)), now=clock.now(), may_run=me().staff_may(May.RUN_LICENCES),
    )  # fmt: skip


def _keys(status: int = 200, **given: Any) -> Any:
    g.nav = "licence_office.listed"
    rows = signing.every(KeyUse.LICENCE)
    shown = {row.kid for row in proving.keys_published()}
    return render_template(
        "office/licences/keys.html", keys=rows, published=shown, until={row.kid: proving.needed_until(row) for row in rows},
        possible={row.kid: key_steps.possible(row) for row in rows}, waiting=list(db.session.scalars(key_steps.waiting())),
        lost={row.kid: key_steps.lost(row) for row in rows if row.state.value == "compromised"}, mine=me().person.id,
        may_keep=me().staff_may(May.KEEP_KEYS), form=given.get("form") or f.Why(formdata=None), wait=plans.rule("next_key_days"),
        Deed=KeyDeed, now=clock.now(),
    ), status  # fmt: skip


@licence_office.get("/signing-keys")
@allow(May.READ_LICENCES, May.KEEP_KEYS)
def signing_keys() -> Any:
    """Show the keys that sign licences, and what waits for a second keeper."""
    return _keys()


@licence_office.post("/signing-keys/<deed>")
@allow(May.KEEP_KEYS, fresh=True)
def propose_new_key(deed: str) -> Any:
    """Propose to make a key."""
    return _propose(deed, "")


@licence_office.post("/signing-keys/<kid>/<deed>")
@allow(May.KEEP_KEYS, fresh=True)
def propose_key_step(kid: str, deed: str) -> Any:
    """Propose a step with a key."""
    key_steps.key(kid)
    return _propose(deed, kid)


def _propose(deed: str, kid: str) -> Any:
    wanted, form = (
        next((one for one in KeyDeed if one.value == deed and (one is KeyDeed.ADD) == (not kid)), None),
        f.Why(),
    )
    if wanted is None:
        return go(KEYS, _("There is no such step."), tone="bad")
    status = form.carry_out(
        lambda: key_steps.propose(wanted, kid, reason=str(form.reason.data), by=me().person)
    )
    if status:
        return _keys(status, form=form)
    return go(KEYS, _("Proposed. Nothing happens before another keeper of keys confirms it."))


def _decide(step: str, confirmed: bool) -> BaseResponse:
    row = key_steps.found(step)
    with transaction():
        key_steps.decide(row, confirmed, by=me().person)
    return go(KEYS, _("Confirmed, and done.") if confirmed else _("Declined: nothing happens."))


@licence_office.post("/key-steps/<step>/confirm")
@allow(May.KEEP_KEYS, fresh=True)
def confirm_key_step(step: str) -> BaseResponse:
    """Confirm a step with a key that another keeper proposed."""
    return _decide(step, True)


@licence_office.post("/key-steps/<step>/decline")
@allow(May.KEEP_KEYS, fresh=True)
def decline_key_step(step: str) -> BaseResponse:
    """Decline a step with a key."""
    return _decide(step, False)
