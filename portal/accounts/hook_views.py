"""Webhooks of an organisation: its addresses, making one with its secret shown once, what was sent and what came back."""

from __future__ import annotations

from typing import Any

from flask import g, make_response, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from portal.accounts import hook_sending, hooks
from portal.accounts.access import allow, me
from portal.accounts.hook_models import DeliveryState, WebhookAttempt, WebhookEndpoint
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.accounts.views import accounts
from portal.core import labels
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.forms import Form, options, text_field
from portal.core.paging import asked, page_of
from portal.core.web import chip, go


class NewEndpoint(Form):
    """Where news is sent, and which."""

    url = text_field(_l("Address"), longest=500, render_kw={"type": "url", "placeholder": "https://"})
    topics = SelectMultipleField(_l("What it hears of; nothing ticked means everything"), option_widget=CheckboxInput(),
                                 widget=ListWidget(prefix_label=False))  # fmt: skip

    def offer(self) -> NewEndpoint:
        """Offer what programs may listen to."""
        self.topics.choices = options(hooks.topics().items())
        return self


def _found(uid: str) -> WebhookEndpoint:
    g.nav = "licences.listed"
    return hooks.found(me().orgs(May.MANAGE_WEBHOOKS), uid)


def _list(form: NewEndpoint, status: int = 200) -> Any:
    g.nav = "licences.listed"
    org = required_org(me(), May.MANAGE_WEBHOOKS)
    rows = hooks.of(org)
    return render_template(
        "accounts/webhooks.html", rows=rows, waiting={row.id: hooks.waiting(row) for row in rows}, form=form, org=org, words=words, topics=hooks.topics(), kinds=hooks.kinds(),
    ), status  # fmt: skip


def words(row: WebhookEndpoint) -> str:
    """Return what an address listens to, in words."""
    known = hooks.topics()
    heard = [str(known[one]) for one in row.topics if one in known]
    return _(", ").join(heard) or _("everything")


@accounts.get("/webhooks")
@allow(May.MANAGE_WEBHOOKS)
def webhooks() -> Any:
    """List the addresses of the organisation."""
    return _list(NewEndpoint(formdata=None).offer())


@accounts.post("/webhooks")
@allow(May.MANAGE_WEBHOOKS, fresh=True)
def add_webhook() -> Any:
    """Add an address and show its secret this once."""
    form, org = NewEndpoint().offer(), required_org(me(), May.MANAGE_WEBHOOKS)
    if not form.validate_on_submit():
        return _list(form, 422)
    try:
        with transaction():
            row, secret = hooks.add(org, str(form.url.data), list(form.topics.data or ()), by=me().person)
    except Refused as refusal:
        form.refused(refusal)
        return _list(form, refusal.status)
    return _once(row, secret)


def _once(row: WebhookEndpoint, secret: str) -> Any:
    g.nav = "licences.listed"
    answer = make_response(render_template("accounts/webhook_secret.html", row=row, secret=secret))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@accounts.get("/webhooks/<uid>")
@allow(May.MANAGE_WEBHOOKS)
def webhook(uid: str) -> Any:
    """Show an address: whether it works, what was sent, what waits."""
    row, state = _found(uid), asked("state", most=20)
    page = page_of(hooks.deliveries(row, state))
    last = select(WebhookAttempt).where(WebhookAttempt.delivery_id.in_([one.id for one in page.items]))
    attempts: dict[int, list[WebhookAttempt]] = {}
    for one in db.session.scalars(last.order_by(WebhookAttempt.id)):
        attempts.setdefault(one.delivery_id, []).append(one)
    return render_template(
        "accounts/webhook.html", row=row, page=page, attempts=attempts, waiting=hooks.waiting(row), words=words,
        filters=[chip("state", one.value, labels.label(one), state) for one in DeliveryState],
    )  # fmt: skip


def _back(uid: str, said: str) -> BaseResponse:
    return go("accounts.webhook", said, uid=uid)


@accounts.post("/webhooks/<uid>/secret")
@allow(May.MANAGE_WEBHOOKS, fresh=True)
def rotate_webhook(uid: str) -> Any:
    """Give an address a new secret and show it this once."""
    row = _found(uid)
    with transaction():
        secret = hooks.rotate(row, by=me().person)
    return _once(_found(uid), secret)


@accounts.post("/webhooks/<uid>/test")
@allow(May.MANAGE_WEBHOOKS)
def test_webhook(uid: str) -> BaseResponse:
    """Send a test."""
    row = _found(uid)
    with transaction():
        hooks.test(row, by=me().person)
    return _back(uid, _("A test is on its way: reload in a moment to see what came back."))


@accounts.post("/webhooks/<uid>/resumption")
@allow(May.MANAGE_WEBHOOKS)
def resume_webhook(uid: str) -> BaseResponse:
    """Let a stopped address receive again."""
    row = _found(uid)
    with transaction():
        hooks.resume(row, by=me().person)
    return _back(uid, _("Resumed: everything that waited goes out in its order."))


@accounts.post("/webhooks/<uid>/end")
@allow(May.MANAGE_WEBHOOKS)
def end_webhook(uid: str) -> BaseResponse:
    """End an address."""
    row = _found(uid)
    with transaction():
        hooks.end(row, by=me().person)
    return go("accounts.webhooks", _("Ended: nothing is sent there any more."))


@accounts.post("/webhooks/<uid>/deliveries/<delivery>/replay")
@allow(May.MANAGE_WEBHOOKS)
def replay_delivery(uid: str, delivery: str) -> BaseResponse:
    """Send a message once more."""
    one = hooks.delivery(_found(uid), delivery)
    with transaction():
        hooks.replay(one, by=me().person)
    return _back(uid, _("On its way once more."))


@accounts.post("/webhooks/<uid>/deliveries/<delivery>/skip")
@allow(May.MANAGE_WEBHOOKS)
def skip_delivery(uid: str, delivery: str) -> BaseResponse:
    """Leave a message out, so that those behind it go on."""
    one = hooks.delivery(_found(uid), delivery)
    with transaction():
        done = hook_sending.skip(one, by=me().person)
    return _back(uid, _("Left out: the next one goes on.") if done else _("It was delivered meanwhile."))
