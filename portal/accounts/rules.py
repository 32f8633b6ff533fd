"""The catalogue for reading: every kind and code, the version in force, what was and what comes."""

from __future__ import annotations

import itertools
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext as _
from sqlalchemy import select

from portal.accounts.access import allow
from portal.accounts.may import ContactRole, May
from portal.accounts.rule_words import KINDS, WORDS
from portal.core import catalogue, clock, labels
from portal.core.catalogue import CatalogueEntry
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.money import Money
from portal.core.words import money

rules = Blueprint("rules", __name__, url_prefix="/office/catalogue")
SILENT = {"order", "code"}
NAMED = ("tier", "category", "price")  # kinds whose codes stand as fields in other rows
TONGUES = {"en": "English", "zh": "中文"}


def kind_name(kind: str) -> str:
    """Return what a kind of rows is called."""
    return str(KINDS.get(kind, kind))


def label_of(key: str) -> str:
    """Return what a field is called: a language, a word of ours, a role, or the row that its code names."""
    if known := TONGUES.get(key) or str(WORDS.get(key, "")):
        return known
    if key in {role.value for role in ContactRole}:
        return labels.label(ContactRole(key))
    for kind in NAMED:
        if row := catalogue.entries(kind).get(key):
            return catalogue.in_words(row.get("name") or row["words"])
    return key


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
            (str(key), label_of(str(key)), item) for key, item in body.items() if path or key not in SILENT
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
