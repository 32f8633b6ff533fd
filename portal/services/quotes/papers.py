"""A quote as PDF in both languages: made once from stored figures, kept under its SHA-256."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.papers import CSS
from portal.billing.quote_papers import plain
from portal.core import catalogue, clock, files, outbox, pdf, web
from portal.core.db import db, let_go
from portal.services.quotes import plan as plans
from portal.services.quotes.models import ServiceQuote, ServiceQuoteLine

RULES = {
    "issue": {"en": "on acceptance of this quote", "zh": "接受报价时"},
    "date": {"en": "on {day}", "zh": "{day}"},
    "milestone": {"en": "when “{stage}” is accepted", "zh": "“{stage}”验收后"},
}


def words_of(quote: ServiceQuote) -> dict[str, Any]:
    """Return what the paper says, as plain values."""
    body = catalogue.entry("brand", "foundation")
    return {
        "number": quote.name, "title": quote.title, "day": str(clock.day_of(quote.sent_at or quote.created_at)),
        "until": str(quote.expires_on), "seller": {key: body[key] for key in ("name", "address", "mail")},
        "buyer": {"title": quote.party.title or quote.party.name, "tax_number": quote.party.tax_number,
                  "address": quote.party.address},
        "lines": [_line(line) for line in quote.lines], "net": plain(quote.net), "tax": plain(quote.tax),
        "gross": plain(quote.gross), "currency": quote.gross.currency, "clauses": quote.clauses,
        "contract": quote.needs_contract, "deemed": quote.deemed, "digest": quote.digest,
        "deemed_days": int(catalogue.policy("service.deemed_days")), "url": web.absolute("quotes.quote", uid=quote.uid),
    }  # fmt: skip


def _line(line: ServiceQuoteLine) -> dict[str, Any]:
    plan = plans.read(line.plan)
    titles = {one.code: one.title for one in plan.stages}
    dues = [
        {
            "percent": one.percent,
            "words": {
                tongue: said.format(day=one.on, stage=_said(titles.get(one.stage, {}), tongue))
                for tongue, said in RULES[one.rule.value].items()
            },
        }
        for one in plan.dues
    ]
    stages = [
        {"title": one.title, "percent": one.percent, "on": one.on and str(one.on), "criteria": [each.words for each in one.criteria]}
        for one in plan.stages
    ]  # fmt: skip
    return {
        "words": line.words, "quantity": line.quantity, "list": plain(line.list_amount), "discount": plain(line.discount),
        "net": plain(line.net), "tax": plain(line.tax), "gross": plain(line.gross), "stages": stages, "dues": dues,
        "tax_words": catalogue.entry("tax", line.tax_category)["words"],
        "days": f"{line.starts} – {line.ends}" if line.starts else "", "warranty": plan.warranty_days,
    }  # fmt: skip


def _said(words: dict[str, str], tongue: str) -> str:
    return words.get(tongue) or next(iter(words.values()), "")


@outbox.handles("service_quote_paper", _l("Quote of services as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    found = select(ServiceQuote).where(ServiceQuote.uid == item.payload["uid"])
    quote = db.session.scalars(found).one()
    words = words_of(quote)
    words["qr"] = pdf.qr_svg(words["url"])
    name, org_id, person_id = (
        f"{quote.number}-v{quote.version}.pdf",
        quote.party.org_id,
        quote.party.person_id,
    )
    let_go()
    html = current_app.jinja_env.get_template("papers/service_quote.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        row = db.session.scalars(found).one()
        if row.pdf is None:
            row.pdf = files.StoredFile(
                sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
                purpose="service_quote", org_id=org_id, person_id=person_id,
            )  # fmt: skip

    return finish
