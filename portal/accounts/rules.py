"""The catalogue for reading: every kind and code, the version in force, what was and what comes."""

from __future__ import annotations

import itertools
from typing import Any

from flask import Blueprint, render_template
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.core import catalogue, clock
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.money import Money
from portal.core.words import money

rules = Blueprint("rules", __name__, url_prefix="/office/catalogue")
KINDS: dict[str, LazyString] = {
    "brand": _l("The foundation"), "tier": _l("Tiers"), "price": _l("Prices"), "tax": _l("Taxes"),
    "category": _l("Kinds of organisation"), "country": _l("Countries and regions"), "form": _l("Questions of the form"),
    "page": _l("Pages of the form"), "review": _l("Rules of review"), "rejection": _l("Reasons to reject"),
    "contacts": _l("Contacts per tier"), "benefit": _l("Benefits"), "rights": _l("Rights per standing"), "four_eyes": _l("Rules of two eyes"),
    "checklist": _l("Checklist for new members"), "agreement": _l("Text of the agreement"), "policy": _l("Settings"),
    "holiday": _l("Holidays"), "ladder": _l("Ladders of reminders"), "renewal_ladder": _l("Ladders of renewals"), "imported_tier": _l("Tiers of imported lists"),
    "bank_account": _l("Our bank accounts"), "bank_csv": _l("CSV files of banks"), "consent": _l("Consents we ask for"),
    "processor": _l("Who works on data for us"), "retention": _l("How long data are kept"),
    "programme": _l("Certification programmes"), "level": _l("Levels of certification"), "scheme": _l("Schemes of exams"),
    "step": _l("Learning steps"),
}  # fmt: skip
WORDS: dict[str, LazyString] = {
    "name": _l("Called"), "label": _l("Question"), "hint": _l("Hint"), "lead": _l("Lead"), "words": _l("Words"),
    "amount": _l("Amount"), "months": _l("Months"), "stream": _l("Stream"), "recognition": _l("Recognition"),
    "tax": _l("Tax category"), "document": _l("Document"), "value": _l("Value"), "tiers": _l("Tiers"),
    "categories": _l("Kinds of organisation"), "roles": _l("Roles"), "required": _l("Required"), "kind": _l("Type"),
    "page": _l("Page"), "longest": _l("Most characters"), "recommendations": _l("Recommendations"),
    "decided_by": _l("Decided by"), "one_of": _l("One of"), "again_after_days": _l("Days until a new application"),
    "days": _l("Days"), "done_when": _l("Done when"), "owner": _l("Task of"), "version": _l("Version"),
    "title": _l("Title"), "clauses": _l("Clauses"), "product": _l("Product"), "for": _l("Meant for"),
    "points": _l("Points"), "rivals": _l("Rivals of each other"), "bp": _l("Rate in basis points"), "day": _l("Day"),
    "short": _l("Short name"), "tagline": _l("Tagline"), "mission": _l("Mission"), "mail": _l("Mail address"),
    "address": _l("Address"), "bank": _l("Bank"), "holder": _l("Holder"), "account": _l("Account"),
    "csv": _l("CSV file"), "columns": _l("Columns"), "dates": _l("Forms of dates"), "number": _l("Number"),
    "currency": _l("Currency"), "currencies": _l("Names of currencies"), "ignore": _l("Rows passed over"),
    "account_labels": _l("Words before the account number"), "text": _l("Text"), "receiver": _l("To whom"),
    "fields": _l("What"), "country": _l("Country or region"), "purpose": _l("Purpose"), "data": _l("Data"),
    "until": _l("Until"), "abroad": _l("Processor abroad"),
}  # fmt: skip
SILENT = {"order", "code"}
TONGUES = {"en": "English", "zh": "中文"}


def kind_name(kind: str) -> str:
    """Return what a kind of rows is called."""
    return str(KINDS.get(kind, kind))


def _label(key: str) -> str:
    return TONGUES.get(key) or str(WORDS.get(key, key))


def _value(path: str, value: Any) -> str:
    if value is None:
        return _("without limit or none")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if path.endswith("amount") and isinstance(value, int):
        return money(Money(value))
    return str(value)


def flat(body: Any, path: str = "", said: str = "") -> dict[str, tuple[str, str]]:
    """Return a body as lines: path in the file → label and value in the reader's language."""
    if isinstance(body, dict):
        pairs = [
            (str(key), _label(str(key)), item) for key, item in body.items() if path or key not in SILENT
        ]
    elif isinstance(body, list) and any(isinstance(item, dict) for item in body):
        pairs = [(str(n), str(n), item) for n, item in enumerate(body, 1)]
    elif isinstance(body, list):
        return {path: (said, ", ".join(str(item) for item in body))}
    else:
        return {path: (said, _value(path, body))}
    found: dict[str, tuple[str, str]] = {}
    for key, label, item in pairs:
        found |= flat(item, f"{path}.{key}" if path else key, f"{said} · {label}" if said else label)
    return found


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what differs between two bodies: label, old and new."""
    before, after = flat(old), flat(new)
    rows = []
    for path in [*after, *(one for one in before if one not in after)]:
        label = (after.get(path) or before[path])[0]
        was, now = before.get(path, ("", ""))[1], after.get(path, ("", ""))[1]
        if was != now:
            rows.append((label, was, now))
    return rows


def title(row: CatalogueEntry) -> str:
    """Return what a row is called in the reader's language, or its code."""
    for key in ("name", "label", "title", "words"):
        if key in row.body:
            return catalogue.in_words(row.body[key])
    return row.code


def _all(kind: str | None = None) -> list[CatalogueEntry]:
    statement = select(CatalogueEntry).order_by(
        CatalogueEntry.kind, CatalogueEntry.code, CatalogueEntry.valid_from, CatalogueEntry.version
    )
    return list(
        db.session.scalars(statement if kind is None else statement.where(CatalogueEntry.kind == kind))
    )


def _summary(code: str, versions: list[CatalogueEntry]) -> dict[str, Any]:
    today = clock.today()
    now = [row for row in versions if row.valid_from <= today]
    shown = now[-1] if now else versions[0]
    return {
        "code": code, "title": title(shown), "row": shown, "number": versions.index(shown) + 1, "in_force": bool(now),
        "count": len(versions), "next": next((row for row in versions if row.valid_from > today), None),
        "order": shown.body.get("order", 0),
    }  # fmt: skip


def _by_code(rows: list[CatalogueEntry]) -> list[dict[str, Any]]:
    grouped = itertools.groupby(rows, key=lambda row: (row.kind, row.code))
    found = [_summary(code, list(versions)) for (_kind, code), versions in grouped]
    return sorted(found, key=lambda one: one["order"])


@rules.get("/")
@allow(May.READ_CATALOGUE)
def kinds() -> str:
    """List the kinds, and what changes when."""
    rows, today = _all(), clock.today()
    found = [
        {"code": kind, "name": kind_name(kind), "codes": len({row.code for row in held}), "since": max(
            (row.valid_from for row in held if row.valid_from <= today), default=None
        )}
        for kind, held in ((kind, list(group)) for kind, group in itertools.groupby(rows, key=lambda row: row.kind))
    ]  # fmt: skip
    order = {kind: n for n, kind in enumerate(KINDS)}
    coming = sorted((row for row in rows if row.valid_from > today), key=lambda row: row.valid_from)
    return render_template(
        "office/catalogue.html",
        kinds=sorted(found, key=lambda one: order.get(str(one["code"]), len(order))),
        coming=[{"row": row, "kind": kind_name(row.kind), "title": title(row)} for row in coming],
    )


@rules.get("/<kind>")
@allow(May.READ_CATALOGUE)
def codes(kind: str) -> str:
    """List the codes of a kind with the version in force."""
    rows = _all(kind)
    if not rows:
        raise Missing(_("The catalogue has nothing of this kind."))
    return render_template("office/catalogue_kind.html", kind=kind, name=kind_name(kind), rows=_by_code(rows))


@rules.get("/<kind>/<code>")
@allow(May.READ_CATALOGUE)
def history(kind: str, code: str) -> str:
    """Show one row: what is in force, and each version beside the one before."""
    rows = [row for row in _all(kind) if row.code == code]
    if not rows:
        raise Missing(_("The catalogue has no such row."))
    today = clock.today()
    versions = [
        {"row": row, "number": n, "future": row.valid_from > today, "changes": changes(before.body, row.body) if before else None}
        for n, (before, row) in enumerate(zip([None, *rows], rows, strict=False), 1)
    ]  # fmt: skip
    summary = _summary(code, rows)
    return render_template(
        "office/catalogue_row.html", kind=kind, name=kind_name(kind), one=summary,
        facts=list(flat(summary["row"].body).values()), versions=versions[::-1],
    )  # fmt: skip
