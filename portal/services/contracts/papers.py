"""A contract of services as PDF: made once for signing, and once more sealed when both sides signed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.billing.papers import CSS as MONEY_CSS
from portal.core import catalogue, clock, files, outbox, pdf
from portal.core.db import db, let_go
from portal.members.papers import CSS
from portal.services.contracts import letters, verbs
from portal.services.contracts.models import ServiceContract
from portal.services.quotes import papers as quote_papers


def _one(uid: str) -> ServiceContract:
    return db.session.scalars(select(ServiceContract).where(ServiceContract.uid == uid)).one()


def words_of(row: ServiceContract) -> dict[str, Any]:
    """Return what a contract says, as plain values: the parties, the quote's lines and figures, the clauses."""
    org = row.quote.party.org
    return {
        **verbs.words_of(row), "number": row.number, "version": row.template_version, "party": row.party_name,
        "party_en": org.legal_name_en if org is not None else "", "address": row.quote.party.address,
        "foundation": catalogue.entry("brand", "foundation"), "quote": quote_papers.words_of(row.quote), "seal": None,
    }  # fmt: skip


def _instant(moment: datetime | None) -> str:
    return moment.astimezone(clock.OFFICE).strftime("%Y-%m-%d %H:%M:%S %z") if moment is not None else ""


def _seal(row: ServiceContract) -> dict[str, str]:
    ways = {"click": "在线签署 signed online", "chop": "盖章扫描件 chopped scan"}
    signed = row.scan or row.document
    return {
        "member": row.signed_name, "member_way": f"{ways.get(row.way, row.way)}, {row.signed_from}",
        "member_at": _instant(row.signed_at), "ours": row.countersigned_by.name if row.countersigned_by else "",
        "ours_at": _instant(row.countersigned_at), "sha256": signed.sha256 if signed else "",
    }  # fmt: skip


def _print(words: dict[str, Any]) -> files.Content:
    let_go()
    html = current_app.jinja_env.get_template("papers/service_contract.html").render(words)
    return files.put(pdf.render(html, css=MONEY_CSS + CSS), files.PDF)


def _stored(content: files.Content, name: str, org_id: int | None) -> files.StoredFile:
    return files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
        purpose="service_contract", org_id=org_id,
    )  # fmt: skip


@outbox.handles("service_contract_paper", _l("Service contract as a document"))
def _paper(item: outbox.Claim) -> outbox.Finish:
    content = _print(words_of(_one(item.payload["uid"])))

    def finish() -> None:
        row = _one(item.payload["uid"])
        if row.document is None:
            row.document = _stored(content, f"{row.number}.pdf", row.quote.party.org_id)

    return finish


@outbox.handles("service_contract_sealed", _l("Sealed service contract"))
def _sealed(item: outbox.Claim) -> outbox.Finish:
    row = _one(item.payload["uid"])
    content = _print({**words_of(row), "seal": _seal(row)})

    def finish() -> None:
        fresh = _one(item.payload["uid"])
        if fresh.final is None:
            fresh.final = _stored(content, f"{fresh.number}-signed.pdf", fresh.quote.party.org_id)
            letters.executed(fresh)

    return finish
