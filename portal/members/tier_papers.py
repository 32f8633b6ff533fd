"""The preview of a change of tier as PDF in both languages: made once, from what was written down."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.may import ContactRole
from portal.billing import issuing
from portal.billing.papers import CSS
from portal.core import catalogue, clock, files, labels, outbox, pdf, web
from portal.core.db import db, let_go
from portal.core.money import Money
from portal.members import tier_plan
from portal.members.tier_models import TierQuote


def _plain(value: Money) -> str:
    return f"{value.decimal:,.2f}"


def _role(code: str) -> dict[str, str]:
    found = {}
    for key, locale in (("en", "en"), ("zh", "zh_Hans_CN")):
        with force_locale(locale):
            found[key] = labels.label(ContactRole(code))
    return found


def _many(quantity: int | None) -> str:
    return "✓" if quantity is None else str(quantity or "–")


def words_of(quote: TierQuote) -> dict[str, Any]:
    """Return what the paper says, as plain values."""
    org = quote.membership.org
    body = catalogue.entry("brand", "foundation")
    lines = [
        {
            "words": line.words, "discount_words": line.discount_words, "list": _plain(line.list_amount),
            "discount": _plain(line.discount), "net": _plain(line.net), "tax": _plain(line.tax),
            "gross": _plain(line.gross), "tax_words": catalogue.entry("tax", line.tax_category)["words"],
        }
        for line in quote.lines
    ]  # fmt: skip
    return {
        "number": quote.number, "day": str(clock.day_of(quote.created_at)), "until": str(quote.expires_on),
        "effective": str(quote.effective_on), "next_year": quote.takes_effect.value == "next",
        "old": tier_plan.names_of(quote.old_tier), "new": tier_plan.names_of(quote.new_tier),
        "yearly": _plain(quote.yearly), "seller": {key: body[key] for key in ("name", "address", "mail")},
        "buyer": issuing.buyer(issuing.party_of(org)), "lines": lines, "net": _plain(quote.net),
        "tax": _plain(quote.tax), "gross": _plain(quote.gross), "currency": quote.gross.currency,
        "seats": [
            {"role": _role(one["role"]), "old": "–".join(map(str, one["old"])), "new": "–".join(map(str, one["new"]))}
            for one in quote.seats
        ],
        "benefits": [
            {"name": one["name"], "old": _many(one["old"]), "new": _many(one["new"])} for one in quote.benefits
        ],
        "url": web.absolute("tiers.quote", uid=quote.uid),
    }  # fmt: skip


@outbox.handles("tier_quote_paper", _l("Quote of a change of tier"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    found = select(TierQuote).where(TierQuote.uid == item.payload["uid"])
    quote = db.session.scalars(found).one()
    words = words_of(quote)
    words["qr"] = pdf.qr_svg(words["url"])
    name, org_id = f"{quote.number}.pdf", quote.membership.org_id
    let_go()
    html = current_app.jinja_env.get_template("papers/tier_quote.html").render(words)
    content = files.put(pdf.render(html, css=CSS), files.PDF)

    def finish() -> None:
        row = db.session.scalars(found).one()
        if row.pdf is None:
            row.pdf = files.StoredFile(
                sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
                purpose="quote", org_id=org_id,
            )  # fmt: skip

    return finish
