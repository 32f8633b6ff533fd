"""One's own privacy page: consents given and taken back, all one's data to take along, and a request to be erased."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts import consents, erasing, erasure_plan, my_data
from portal.accounts.access import fresh, me, signed_in
from portal.accounts.privacy_models import Channel
from portal.accounts.views import accounts
from portal.core import audit, catalogue, pdf
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.web import go

accounts.add_app_template_filter(erasure_plan.said, "erasure_item")
accounts.add_app_template_filter(erasure_plan.Fate, "erasure_fate")


@accounts.get("/account/privacy")
@signed_in
def privacy() -> str:
    """Show what the person has allowed, and what may be done about the own data."""
    person = me().person
    return render_template(
        "accounts/privacy.html", person=person, asked=consents.asked_of(person), waiting=erasing.open_request(person),
        words_of=consents.ledger(person), purposes=catalogue.entries("consent"),
    )  # fmt: skip


@accounts.post("/account/privacy/consents/<code>")
@signed_in
def change_consent(code: str) -> BaseResponse:
    """Give a consent, or take it back; it takes effect at once."""
    given = request.form.get("given")
    if given not in {"yes", "no"}:
        raise Refused(_("Please say whether you agree."), status=422)
    with transaction():
        consents.speak(code, given == "yes", by=me().person, channel=Channel.ACCOUNT)
    return go("accounts.privacy", _("You agreed.") if given == "yes" else _("Your consent is taken back."))


@accounts.get("/account/privacy/data/<form>/file")
@fresh
@signed_in
def data_file(form: str) -> Response:
    """Hand out all data of the person, as JSON for programs or as PDF for reading."""
    person = me().person
    if form not in {"json", "pdf"}:
        raise Missing(_("There is no such file."))
    audit.trace("person.data_taken", person.subject, by=person, form=form)
    if form == "pdf":
        data, kind = my_data.paper(person), pdf.MEDIA_TYPE
    else:
        text = json.dumps(my_data.document(person), ensure_ascii=False, indent=1)
        data, kind = text.encode(), "application/json"
    response = Response(data, mimetype=kind)
    response.headers["Content-Disposition"] = f"attachment; filename=my-data.{form}"
    return response


@accounts.route("/account/privacy/erasure", methods=["GET", "POST"])
@fresh
@signed_in
def ask_erasure() -> Any:
    """Show what an erasure would do with each item, and ask for it."""
    person = me().person
    if request.method == "POST":
        with transaction():
            erasing.request(person, reason=request.form.get("reason", "").strip()[:500])
        return go("accounts.privacy", _("We have your request. You have mail with the day of our answer."))
    return render_template(
        "accounts/erasure.html", plan=erasure_plan.plan(person), obstacles=erasure_plan.obstacles(person), waiting=erasing.open_request(person)
    )  # fmt: skip


@accounts.post("/account/privacy/erasure/withdrawal")
@signed_in
def withdraw_erasure() -> BaseResponse:
    """Take one's request to be erased back."""
    row = erasing.open_request(me().person)
    if row is None:
        raise Missing(_("There is no request that waits."))
    with transaction():
        erasing.withdraw(row)
    return go("accounts.privacy", _("Your request is taken back; nothing was erased."))
