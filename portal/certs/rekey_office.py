"""The pages of keys that were wrong: proposed by the chief examiner, with who would change side, decided by another."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.certs import item_keys, levels, rekeys
from portal.certs.case_office import exam_cases
from portal.certs.grade_forms import Why
from portal.certs.item_pictures import Drawn
from portal.certs.models.bank import ItemVersion
from portal.certs.models.deciding import Rekey, RekeyState
from portal.certs.models.pictures import ItemPicture
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go


@exam_cases.get("/keys")
@allow(May.LEAD_EXAMS, May.DECIDE_AWARDS)
def keys() -> str:
    """Show the keys that wait, the results that turned, and what was done."""
    waits = list(
        db.session.scalars(select(Rekey).where(Rekey.state == RekeyState.PROPOSED).order_by(Rekey.id))
    )
    past = select(Rekey).where(Rekey.state != RekeyState.PROPOSED).order_by(Rekey.id.desc()).limit(50)
    return render_template(
        "office/grading/keys.html", rows=[(one, rekeys.effects(one)) for one in waits], sides=rekeys.sides(),
        past=list(db.session.scalars(past)), key_of=key_now, reason=Why(formdata=None), me=me().person.id, name_of=levels.name_of,
        may_decide=me().staff_may(May.DECIDE_AWARDS),
    )  # fmt: skip


def key_now(version: ItemVersion) -> dict[str, Any] | None:
    """Return the key of a version that counts now; None if the item does not count."""
    found = item_keys.mended([version.id])
    return found[version.id] if version.id in found else item_keys.key_of(version)


def _version(uid: str) -> ItemVersion:
    row = db.session.scalars(select(ItemVersion).where(ItemVersion.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such item."))
    return row


@exam_cases.route("/keys/new/<uid>", methods=["GET", "POST"])
@allow(May.LEAD_EXAMS)
def mend(uid: str) -> Any:
    """Propose another key of an item, or that it does not count."""
    version, form, g.nav = _version(uid), Why(), "exam_cases.keys"
    given = {code: request.form.get(f"weight-{code}", "") for code in _codes(version)}
    if request.method == "POST" and form.validate_on_submit():
        try:
            with transaction():
                drop = request.form.get("deed") == "drop"
                key = None if drop else rekeys.weights_of(version, given)
                rekeys.propose(version, key, by=me().person, reason=str(form.reason.data))
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("exam_cases.keys", _("Proposed. A decider confirms it."))
    shown = given if request.method == "POST" else (key_now(version) or item_keys.key_of(version))["options"]
    return render_template(
        "office/grading/mend.html",
        version=version,
        form=form,
        weights=shown,
        drawn=Drawn([version], _picture),
    ), (422 if request.method == "POST" else 200)


def _picture(row: ItemPicture) -> str:
    return url_for("exam_office.item_picture", uid=row.version.item.uid, picture=row.uid)


def _codes(version: ItemVersion) -> list[str]:
    return [str(one["code"]) for one in version.options]


@exam_cases.post("/keys/<uid>/<any(confirmation, refusal):deed>")
@allow(May.DECIDE_AWARDS)
def decide_key(uid: str, deed: str) -> BaseResponse:
    """Let a new key count and mark everybody anew, or let the old one stay."""
    row = rekeys.found(uid)
    with transaction():
        if deed == "confirmation":
            rekeys.confirm(row, by=me().person)
        else:
            rekeys.decline(row, by=me().person)
    return go("exam_cases.keys", _("Decided."))


@exam_cases.post("/sides/<uid>/<any(taken, left):deed>")
@allow(May.DECIDE_AWARDS)
def decide_side(uid: str, deed: str) -> BaseResponse:
    """Say whether a released result that turned counts."""
    row, form = rekeys.side(uid), Why()
    if not form.validate_on_submit():
        raise Refused(_("Please give the reason."), status=422)
    with transaction():
        rekeys.decide_side(row, take=deed == "taken", by=me().person, reason=str(form.reason.data))
    return go("exam_cases.keys", _("Decided."))
