"""Prices and tax rows from catalogue files: published in the name of the foundation's board, unchanged rows stay."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from portal.billing.price_models import PriceState, PriceVersion, Product, TaxRow
from portal.billing.publishing import check, from_file, locked_product, next_version, publish_row
from portal.core import catalogue
from portal.core.catalogue import CatalogueEntry, Change
from portal.core.db import db
from portal.core.errors import Refused

PRICED = ("amount", "tiers", "low", "high", "bp", "model", "currency", "months", "tax", "inclusive", "document", "audience")  # fmt: skip


def _last_from_file(kind: str, code: str) -> dict[str, Any] | None:
    """Return what the files said last of a row; what the office published does not count."""
    bodies = db.session.scalars(
        select(CatalogueEntry.body)
        .where(CatalogueEntry.kind == kind, CatalogueEntry.code == code)
        .order_by(CatalogueEntry.version.desc(), CatalogueEntry.id.desc())
    )
    return next((body for body in bodies if body.get("source") != "office"), None)


def _product(row: dict[str, Any]) -> Product:
    code = str(row.get("product", row["code"]))
    found = db.session.scalars(select(Product).where(Product.code == code)).first()
    facts = {
        "words": row["words"], "unit": row.get("unit") or {}, "stream": row["stream"],
        "recognition": row["recognition"], "restricted": bool(row.get("restricted", False)),
        "place": int(row.get("order", 0)),
    }  # fmt: skip
    if found is None:
        found = Product(code=code, **facts)
        db.session.add(found)
        db.session.flush()
    elif "product" not in row:  # a row for one audience says nothing new of the product
        for name, value in facts.items():
            setattr(found, name, value)
    return found


def _same(last: dict[str, Any] | None, row: dict[str, Any]) -> bool:
    return last is not None and all(last.get(key) == row.get(key) for key in PRICED)


def load_price(kind: str, row: dict[str, Any], valid_from: date) -> list[Change]:
    """Take one price of a file."""
    code, last = str(row["code"]), _last_from_file("price", str(row["code"]))
    if last == row:
        return []
    try:
        fields = from_file(row)
        product = _product(row)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"price: {code}: {error.args[0] if error.args else error}") from None
    if not _same(last, row):
        _publish(product, code, fields, valid_from)
    catalogue.put("price", code, row, valid_from)
    return [Change("price", code, "new" if last is None else "changed", valid_from)]


def _publish(product: Product, code: str, fields: dict[str, Any], valid_from: date) -> None:
    locked_product(product.id)
    version = next_version(PriceVersion, PriceVersion.product_id == product.id)
    made = PriceVersion(product=product, version=version, valid_from=valid_from, **fields)
    db.session.add(made)
    db.session.flush()
    try:
        check(made)
        publish_row(made, by=None)
    except Refused as refusal:
        raise Refused(f"price: {code}: {refusal}") from None


def load_tax(kind: str, row: dict[str, Any], valid_from: date) -> list[Change]:
    """Take one tax row of a file."""
    code, last = str(row["code"]), _last_from_file("tax", str(row["code"]))
    if last == row:
        return []
    bp = row.get("bp")
    if not (bp is None or (isinstance(bp, int) and 0 <= bp <= 10_000)) or not isinstance(
        row.get("words"), dict
    ):
        raise Refused(f"tax: {code}: bp must be a rate in basis points or null, words must be given")
    if last is None or (last.get("bp"), last.get("words")) != (bp, row["words"]):
        version = next_version(TaxRow, TaxRow.code == code)
        made = TaxRow(code=code, version=version, bp=bp, words=row["words"], valid_from=valid_from)
        made.state = PriceState.DRAFT
        db.session.add(made)
        db.session.flush()
        try:
            publish_row(made, by=None)
        except Refused as refusal:
            raise Refused(f"tax: {code}: {refusal}") from None
    catalogue.put("tax", code, row, valid_from)
    return [Change("tax", code, "new" if last is None else "changed", valid_from)]


catalogue.loads("price", load_price)
catalogue.loads("tax", load_tax)
