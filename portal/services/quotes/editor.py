"""Writing a quote, as staff: its first line, what else it says, more lines, milestones and payments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import g, render_template
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing.sell_office import payer
from portal.core import catalogue
from portal.core.db import transaction
from portal.core.errors import Missing, Refused
from portal.core.forms import options
from portal.core.web import go
from portal.services.offers import buyers, rows
from portal.services.offers.rows import Form
from portal.services.quotes import deciding, drafting, seen
from portal.services.quotes import forms as f
from portal.services.quotes import plan as plans
from portal.services.quotes.doors import quote_office
from portal.services.quotes.figures import Ask
from portal.services.quotes.models import Q, ServiceQuote
from portal.services.quotes.showing import lines_of

PAGE, EDIT = "quote_office.quote", "quote_office.edit"


def _offer_choices(form: f.Line) -> None:
    sold = [one for one in rows.every() if one.form not in (Form.PLACE, Form.STATEMENT)]
    form.offer.choices = options((one.code, one.title) for one in sold)


def template_plan(offer: str) -> plans.Plan:
    """Return the plan with which the work of an offer begins: that of its template."""
    found = rows.find(offer)
    body = catalogue.entries("service_template").get(found.template) if found is not None else None
    return plans.read(body) if body is not None else plans.NONE


def _ask(form: f.Line) -> Ask:
    offer = str(form.offer.data)
    return Ask(
        offer, quantity=form.quantity.data, sum_=form.minor, off_bp=form.off_bp, plan=template_plan(offer), starts=form.starts.data
    )  # fmt: skip


@quote_office.route("/quotes/new", methods=["GET", "POST"])
@allow(May.DRAFT_QUOTES)
def new() -> Any:
    """Write a quote: for whom, what it is called, its first line."""
    form, g.nav = f.NewQuote(), "quote_office.pipeline"
    _offer_choices(form)
    if form.validate_on_submit():
        try:
            with transaction():
                made = drafting.draft(
                    payer(str(form.party.data)), [_ask(form)], by=me().person,
                    title={"zh": form.zh.data, "en": form.en.data or form.zh.data},
                )  # fmt: skip
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(EDIT, _("The draft is written down. Nobody outside sees it yet."), uid=made.uid)
    return render_template("office/services/quote_new.html", form=form), 422 if form.errors else 200


def _draft(uid: str) -> ServiceQuote:
    row = seen.any_quote(uid)
    if row.state is not Q.DRAFT:
        raise Refused(_("Only a draft can be changed. Write the next version instead."))
    return row


@quote_office.route("/quotes/<uid>/edit", methods=["GET", "POST"])
@allow(May.DRAFT_QUOTES)
def edit(uid: str) -> Any:
    """Change what a draft says beside its lines."""
    row, g.nav = _draft(uid), "quote_office.pipeline"
    form = f.Terms(
        zh=row.title.get("zh"), en=row.title.get("en"), clauses=row.clauses, on_credit=row.on_credit, deemed=row.deemed,
        valid_days=row.valid_days, note=row.note,
    )  # fmt: skip
    line = f.Line(formdata=None)
    status = 200
    if form.is_submitted():
        fields = {
            "clauses": form.clauses.data or "", "on_credit": form.on_credit.data, "deemed": form.deemed.data,
            "valid_days": form.valid_days.data, "note": form.note.data or "",
            "title": {"zh": form.zh.data, "en": form.en.data or form.zh.data},
        }  # fmt: skip
        status = form.carry_out(
            lambda: drafting.redraft(row, drafting.asks_of(row), by=me().person, **fields)
        )
        if not status:
            return go(PAGE, _("Saved."), uid=uid)
    return _editor(row, form, line, status)


def _editor(row: ServiceQuote, form: f.Terms, line: f.Line, status: int) -> Any:
    _offer_choices(line)
    asks = drafting.asks_of(row)
    return render_template(
        "office/services/quote_edit.html", quote=row, form=form, line=line, lines=lines_of(row), asks=list(enumerate(asks)),
        title_of=rows.title_of, share=buyers.share_with(row.party, row.net.minor), warns=deciding.rule("share_warns_bp"),
    ), status  # fmt: skip


@quote_office.post("/quotes/<uid>/lines")
@allow(May.DRAFT_QUOTES)
def add_line(uid: str) -> Any:
    """Add a line to a draft."""
    row, line = _draft(uid), f.Line()
    _offer_choices(line)
    refused = line.carry_out(
        lambda: drafting.redraft(row, [*drafting.asks_of(row), _ask(line)], by=me().person)
    )
    if refused:
        fresh = _draft(uid)
        form = f.Terms(
            formdata=None, zh=fresh.title.get("zh"), en=fresh.title.get("en"), valid_days=fresh.valid_days
        )
        return _editor(fresh, form, line, refused)
    return go(EDIT, _("The line is added."), uid=uid)


@quote_office.post("/quotes/<uid>/lines/<int:n>/removal")
@allow(May.DRAFT_QUOTES)
def remove_line(uid: str, n: int) -> BaseResponse:
    """Take a line off a draft."""
    row = _draft(uid)
    asks = drafting.asks_of(row)
    if not 0 <= n < len(asks):
        raise Missing(_("The quote has no such line."))
    with transaction():
        drafting.redraft(row, [*asks[:n], *asks[n + 1 :]], by=me().person)
    return go(EDIT, _("The line is gone."), uid=uid)


@quote_office.route("/quotes/<uid>/lines/<int:n>/plan", methods=["GET", "POST"])
@allow(May.DRAFT_QUOTES)
def plan(uid: str, n: int) -> Any:
    """Write the milestones and parts of payment of one line."""
    row, g.nav = _draft(uid), "quote_office.pipeline"
    asks = drafting.asks_of(row)
    if not 0 <= n < len(asks):
        raise Missing(_("The quote has no such line."))
    form = f.PlanForm()
    status = 200
    if form.is_submitted():
        form.name_rules()

        def save() -> None:
            changed = replace(asks[n], plan=plans.check(form.plan()))
            drafting.redraft(row, [*asks[:n], changed, *asks[n + 1 :]], by=me().person)

        status = form.carry_out(save)
        if not status:
            return go(EDIT, _("Milestones and payments are saved."), uid=uid)
    else:
        form.show(asks[n].plan)
        form.name_rules()
    return render_template(
        "office/services/quote_plan.html", quote=row, form=form, n=n, title=rows.title_of(asks[n].offer)
    ), status  # fmt: skip
