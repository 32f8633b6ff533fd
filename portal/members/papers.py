"""Agreement and membership certificate as PDFs, made after the fact by the outbox."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.people import Person
from portal.billing.catalogue import price_of
from portal.core import catalogue, clock, files, outbox, pdf, web
from portal.core.db import db, let_go
from portal.members import agreements, granting, signing_letters
from portal.members.belonging import Agreement, AgreementState, Grant, Membership, Term

CSS = """
.two th, .two td { width: 50%; padding-right: 6mm; }
.clauses li { margin-bottom: 3mm; }
.clauses p { margin: 0; }
.clauses .en { color: #545a63; font-size: 9pt; }
.signatures .line { border-bottom: .25mm solid #1d2127; margin-top: 16mm; }
.certificate { text-align: center; }
.certificate h1 { font-size: 26pt; margin: 18mm 0 14mm; }
.certificate h1::after { margin: 4mm auto 0; }
.kicker { margin-top: 12mm; }
.who { font-size: 20pt; font-weight: 700; margin: 0 0 2mm; }
.who-en { font-size: 13pt; }
.seal { margin-top: 24mm; }
.seal svg { width: 28mm; height: 28mm; }
"""


def _benefits(tier: str, category: str) -> list[dict[str, Any]]:
    bodies = catalogue.entries("benefit")
    return [
        {**bodies[code]["name"], "quantity": quantity}
        for code, quantity in granting.given(tier, category).items()
    ]


def agreement_words(row: Agreement) -> dict[str, Any]:
    """Return what an agreement says, as plain values."""
    body, org = catalogue.entry("agreement", row.template), row.application.org
    tier = catalogue.entry("tier", row.tier)
    return {
        "number": row.number, "version": row.template_version, "title": body["title"], "clauses": body["clauses"],
        "seller": catalogue.entry("brand", "foundation"), "party": row.party_name, "party_en": org.legal_name_en,
        "address": org.address, "registration": (org.legal_key or "").rsplit(":", 1)[-1], "tier": tier["name"],
        "dues": f"{price_of(tier['product'], on=row.application.catalogue_day).amount.decimal:,.2f}",
        "benefits": _benefits(row.tier, org.category), "seal": None,
    }  # fmt: skip


def _name(person: Person | None) -> str:
    return person.name if person is not None else ""


def _instant(moment: datetime | None) -> str:
    return moment.astimezone(clock.OFFICE).strftime("%Y-%m-%d %H:%M:%S %z") if moment is not None else ""


def _seal(row: Agreement) -> dict[str, str]:
    ways = {"click": "在线签署 signed online", "chop": "盖章扫描件 chopped scan"}
    ours = agreements.beforehand(row)
    return {
        "member": row.signed_name,
        "member_way": f"{ways.get(row.way, row.way)}, {row.signed_from}",
        "member_at": _instant(row.signed_at),
        "ours": f"{ours['name']['zh']} {ours['name']['en']}" if ours else _name(row.countersigned_by),
        "ours_at": f"{ours['signed_on']} · 预先签署 signed beforehand"
        if ours
        else _instant(row.countersigned_at),
        "sha256": row.scan.sha256 if row.scan else (row.document.sha256 if row.document else ""),
    }


def _one(uid: str) -> Agreement:
    return db.session.scalars(select(Agreement).where(Agreement.uid == uid)).one()


def _stored(content: files.Content, name: str, org_id: int, purpose: str) -> files.StoredFile:
    return files.StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size,
        purpose=purpose, org_id=org_id,
    )  # fmt: skip


def _print(template: str, words: dict[str, Any]) -> files.Content:
    let_go()
    html = current_app.jinja_env.get_template(template).render(words)
    return files.put(pdf.render(html, css=CSS), files.PDF)


@outbox.handles("agreement_paper", _l("Agreement as a document"))
def _agreement_paper(item: outbox.Claim) -> outbox.Finish:
    content = _print("papers/agreement.html", agreement_words(_one(item.payload["uid"])))

    def finish() -> None:
        row = _one(item.payload["uid"])
        if row.document is None:
            row.document = _stored(content, f"{row.number}.pdf", row.application.org_id, "agreement")
            if agreements.beforehand(row) is not None and row.state is AgreementState.DRAFTED:
                agreements.send(row, by=None)

    return finish


@outbox.handles("agreement_sealed", _l("Sealed agreement"))
def _agreement_sealed(item: outbox.Claim) -> outbox.Finish:
    row = _one(item.payload["uid"])
    content = _print("papers/agreement.html", {**agreement_words(row), "seal": _seal(row)})

    def finish() -> None:
        fresh = _one(item.payload["uid"])
        if fresh.final is None:
            fresh.final = _stored(
                content, f"{fresh.number}-signed.pdf", fresh.application.org_id, "agreement"
            )
            signing_letters.executed(fresh)

    return finish


def _certificate_words(membership: Membership) -> dict[str, Any]:
    term = db.session.scalars(
        select(Term).where(Term.membership_id == membership.id).order_by(Term.start.desc(), Term.id.desc())
    ).first()
    if term is None:
        raise LookupError(f"{membership.subject} has no term")
    org, url = membership.org, web.absolute("public.member", uid=membership.org.uid)
    last = term.end - timedelta(days=1) if term.end else None
    return {
        "seller": catalogue.entry("brand", "foundation"), "org": org.legal_name, "org_en": org.legal_name_en,
        "tier": catalogue.entry("tier", term.tier)["name"], "founding": membership.founding,
        "start": str(term.start), "last": str(last or ""), "url": url, "qr": pdf.qr_svg(url),
    }  # fmt: skip


@outbox.handles("membership_certificate", _l("Certificate of membership"))
def _certificate(item: outbox.Claim) -> outbox.Finish:
    membership = db.session.scalars(select(Membership).where(Membership.uid == item.payload["uid"])).one()
    content = _print("papers/certificate.html", _certificate_words(membership))

    def finish() -> None:
        row = db.session.scalars(select(Membership).where(Membership.uid == item.payload["uid"])).one()
        row.certificate = _stored(content, "membership-certificate.pdf", row.org_id, "certificate")

    return finish


def granted(membership: Membership) -> list[Grant]:
    """Return the benefits in force today."""
    today = clock.today()
    return list(
        db.session.scalars(
            select(Grant)
            .join(Term)
            .where(
                Term.membership_id == membership.id,
                Grant.start <= today,
                (Grant.end.is_(None)) | (Grant.end > today),
                granting.unended(today),
            )
            .order_by(Grant.id)
        )
    )
