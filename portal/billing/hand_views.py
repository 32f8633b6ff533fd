"""The desk's pages for entries by hand and for exchange rates."""

from __future__ import annotations

from typing import Any

from flask import g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing import exchange, hand, queries
from portal.billing import forms as f
from portal.billing.account_views import day_asked
from portal.billing.book_models import ExchangeRate, HandEntry
from portal.billing.office import money
from portal.core import audit, clock
from portal.core.db import db, transaction
from portal.core.errors import Missing, Refused
from portal.core.money import Money
from portal.core.paging import asked, page_of
from portal.core.web import go

SIDES = range(4)


@money.get("/entries-by-hand")
@allow(May.READ_MONEY)
def hand_entries() -> str:
    """List the entries by hand."""
    g.nav = "money.chart"
    page = page_of(select(HandEntry).order_by(HandEntry.id.desc()))
    return render_template("office/hand_entries.html", page=page, may=me().staff_may(May.POST_BY_HAND))


def _sides() -> list[tuple[str, Money]]:
    """Return the sides as typed, debit positive."""
    found = []
    for n in SIDES:
        account, signs = request.form.get(f"account_{n}", ""), (("debit", 1), ("credit", -1))
        for name, sign in signs:
            text = request.form.get(f"{name}_{n}", "").strip()
            if text:
                try:
                    found.append((account, Money.parse(text) * sign))
                except ValueError:
                    raise Refused(_("Please write the amount like 12,000.00."), status=422) from None
    return found


@money.route("/entries-by-hand/new", methods=["GET", "POST"])
@allow(May.POST_BY_HAND)
def new_hand_entry() -> Any:
    """Write an entry down."""
    form, g.nav = f.ByHand(), "money.chart"
    if not form.day.data:
        form.day.data = clock.today()
    if form.validate_on_submit():
        try:
            with transaction():
                made = hand.propose_entry(form.day.data, _sides(), by=me().person, reason=form.reason.data)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(
                "money.hand_entry", _("Written down. A second person of finance books it."), uid=made.uid
            )
    bad = bool(form.errors or form.form_errors)
    return render_template(
        "office/hand_new.html", form=form, sides=SIDES, choices=hand.choices()
    ), 422 if bad else 200


def _entry(uid: str) -> HandEntry:
    row = db.session.scalars(select(HandEntry).where(HandEntry.uid == uid)).first()
    if row is None:
        raise Missing(_("There is no such entry."))
    return row


@money.get("/entries-by-hand/<uid>")
@allow(May.READ_MONEY)
def hand_entry(uid: str) -> str:
    """Show one entry by hand."""
    row, reader, g.nav = _entry(uid), me(), "money.chart"
    return render_template(
        "office/hand_entry.html", entry=row, own=row.by_id == reader.person.id, may=reader.staff_may(May.POST_BY_HAND),
        sides=[(one["account"], Money(int(one["amount"]))) for one in row.lines],
        journal=queries.journal_about(row.subject), history=db.session.scalars(audit.of_subject(row.subject)).all(),
    )  # fmt: skip


@money.post("/entries-by-hand/<uid>/confirmation")
@allow(May.POST_BY_HAND)
def post_hand_entry(uid: str) -> BaseResponse:
    """Book another's entry."""
    row = _entry(uid)
    with transaction():
        hand.post_entry(row, by=me().person)
    return go("money.hand_entry", _("Booked."), uid=uid)


@money.post("/entries-by-hand/<uid>/refusal")
@allow(May.POST_BY_HAND)
def decline_hand_entry(uid: str) -> BaseResponse:
    """Send another's entry back."""
    row = _entry(uid)
    with transaction():
        hand.decline_entry(row, by=me().person)
    return go("money.hand_entry", _("The entry is declined; nothing was booked."), uid=uid)


@money.route("/rates", methods=["GET", "POST"])
@allow(May.READ_MONEY)
def rates() -> Any:
    """List the exchange rates; finance writes new ones down, none is ever changed."""
    form, reader, g.nav = f.Rate(), me(), "money.chart"
    may = reader.staff_may(May.RECORD_RECEIPTS)
    if not may and request.method == "POST":
        raise Refused(_("Only finance loads exchange rates."), status=403)
    if request.method == "GET":
        form.currency.data, form.day.data = asked("currency")[:3], day_asked("day", clock.today())
    if form.validate_on_submit():
        try:
            with transaction():
                exchange.load_rate(
                    str(form.currency.data).upper(), form.day.data, form.value.data, source=form.source.data,
                    by=reader.person.name,
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go("money.rates", _("The rate is loaded."))
    bad = bool(form.errors or form.form_errors)
    page = page_of(select(ExchangeRate).order_by(ExchangeRate.day.desc(), ExchangeRate.id.desc()))
    return render_template("office/rates.html", form=form, page=page, may=may), 422 if bad else 200
