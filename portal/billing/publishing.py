"""Publishing prices and tax rows: drafted by one, proposed, published by another, ended and never edited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from portal.accounts.people import Person
from portal.billing.catalogue import interval_of, terms_of
from portal.billing.price_models import (
    MONTHS,
    ON_RECORD,
    AudienceKind,
    Document,
    PriceState,
    PriceVersion,
    Product,
    TaxRow,
)
from portal.billing.pricing import TIERED, PriceModel
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.states import move

Row = TypeVar("Row", PriceVersion, TaxRow)
FIELDS = (
    "audience_kind", "audience", "currency", "interval", "model", "terms", "tax", "inclusive", "document",
    "valid_from", "note",
)  # fmt: skip


def locked_product(product_id: int) -> Product:
    """Return a product under its lock: prices of one product are published one after the other."""
    return db.session.scalars(select(Product).where(Product.id == product_id).with_for_update()).one()


def next_version(row: type[PriceVersion] | type[TaxRow], *where: Any) -> int:
    """Return the number of the next version."""
    return (db.session.scalar(select(func.max(row.version)).where(*where)) or 0) + 1


def kin(row: PriceVersion | TaxRow) -> list[Any]:
    """Return the published rows of the same product, audience and currency, or tax category, in order of days."""
    if isinstance(row, TaxRow):
        statement: Any = select(TaxRow).where(TaxRow.code == row.code, TaxRow.state.in_(ON_RECORD))
        return list(db.session.scalars(statement.where(TaxRow.id != row.id).order_by(TaxRow.valid_from)))
    statement = select(PriceVersion).where(
        PriceVersion.product_id == row.product_id,
        PriceVersion.audience_kind == row.audience_kind,
        PriceVersion.audience == row.audience,
        PriceVersion.currency == row.currency,
        PriceVersion.state.in_(ON_RECORD),
        PriceVersion.id != row.id,
    )
    return list(db.session.scalars(statement.order_by(PriceVersion.valid_from)))


def predecessor(row: PriceVersion | TaxRow) -> Any:
    """Return the row that this one follows, by its first day; None for the first."""
    before = [one for one in kin(row) if one.valid_from < row.valid_from and one.valid_to != one.valid_from]
    return before[-1] if before else None


def _make_room(row: PriceVersion | TaxRow) -> None:
    """Let an open predecessor end where the new row begins; any other overlap is refused."""
    for one in kin(row):
        ends_before = one.valid_to is not None and one.valid_to <= row.valid_from
        begins_after = row.valid_to is not None and row.valid_to <= one.valid_from
        if ends_before or begins_after:
            continue
        if one.valid_to is None and one.valid_from < row.valid_from:
            one.valid_to = row.valid_from
            continue
        raise Refused(
            _l(
                "On these days version %(number)s is in force already: choose a later day.",
                number=one.version,
            ),
            field="valid_from",
        )
    db.session.flush()


def publish_row(row: Row, *, by: Person | None) -> Row:
    """Put a row in force on its days; `by` is None where the board's own files are loaded."""
    _make_room(row)
    # At once: from the first flush as published on, the row is frozen.
    row.second, row.published_at = by, clock.now()
    move(row, PriceState.PUBLISHED)
    db.session.flush()
    return row


def check(row: PriceVersion) -> None:
    """Raise `Refused` naming the field if a draft cannot be sold as it is."""
    try:
        terms = terms_of(row.terms)
    except ValueError as error:
        raise Refused(str(error), field="tiers", status=422) from None
    if row.model in TIERED and not terms.tiers:
        raise Refused(_l("Please give the steps; the last one has no end."), field="tiers", status=422)
    if row.model is PriceModel.SHARE and not 0 < terms.bp <= 10_000:
        raise Refused(_l("Please give the share in percent."), field="bp", status=422)
    if row.audience_kind in (AudienceKind.TIER, AudienceKind.CATEGORY) and not row.audience:
        raise Refused(_l("Please say for which one."), field="audience", status=422)
    if not db.session.scalar(
        select(TaxRow.id).where(TaxRow.code == row.tax, TaxRow.state.in_(ON_RECORD)).limit(1)
    ):
        raise Refused(_l("There is no such tax category."), field="tax", status=422)


def draft_price(product: Product, *, by: Person, fields: dict[str, Any]) -> PriceVersion:
    """Write a draft of a new price."""
    locked_product(product.id)
    version = next_version(PriceVersion, PriceVersion.product_id == product.id)
    row = PriceVersion(product=product, version=version, by=by, **fields)
    db.session.add(row)
    db.session.flush()
    check(row)
    audit.record("price.drafted", row, by=by, product=product.code, number=version)
    return row


def change_draft(row: PriceVersion, *, by: Person, fields: dict[str, Any]) -> None:
    """Change a draft; who changes it last is its author, so that another publishes it."""
    _only_drafts(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.by = by
    check(row)
    db.session.flush()
    audit.record("price.changed", row, by=by, product=row.product.code, number=row.version)


def _only_drafts(row: PriceVersion | TaxRow) -> None:
    if row.state is not PriceState.DRAFT:
        raise Refused(_l("Only a draft can be changed."))


def _about(row: PriceVersion | TaxRow) -> tuple[str, dict[str, Any]]:
    if isinstance(row, TaxRow):
        return "tax", {"code": row.code, "number": row.version, "valid_from": row.valid_from}
    facts = {"product": row.product.code, "number": row.version, "valid_from": row.valid_from}
    return "price", facts


def propose(row: Row, *, by: Person) -> None:
    """Ask a second person to publish a draft."""
    if isinstance(row, PriceVersion):
        check(row)
    _in_time(row)
    move(row, PriceState.PROPOSED)
    row.by = by
    kind, facts = _about(row)
    audit.record(f"{kind}.proposed", row, by=by, **facts)


def _in_time(row: PriceVersion | TaxRow) -> None:
    if row.valid_from < clock.today():
        raise Refused(
            _l("A price cannot begin in the past: choose today or a later day."),
            field="valid_from",
            status=422,
        )


def propose_tax(code: str, *, bp: int | None, words: dict[str, str], valid_from: date, by: Person) -> TaxRow:
    """Propose a new row of a tax category."""
    version = next_version(TaxRow, TaxRow.code == code)
    row = TaxRow(code=code, version=version, bp=bp, words=words, valid_from=valid_from, by=by)
    db.session.add(row)
    db.session.flush()
    propose(row, by=by)
    return row


def send_back(row: Row, *, by: Person, reason: str) -> None:
    """Make a proposal a draft again, with the reason."""
    move(row, PriceState.DRAFT)
    kind, facts = _about(row)
    audit.record(f"{kind}.sent_back", row, by=by, reason=reason, **facts)


def drop(row: Row, *, by: Person) -> None:
    """Give up a draft; it stays on record as dropped."""
    move(row, PriceState.DROPPED)
    kind, facts = _about(row)
    audit.record(f"{kind}.dropped", row, by=by, **facts)


def publish(row: Row, *, by: Person) -> Row:
    """Stand for another's proposal: the row is in force on its days and frozen."""
    if row.state is not PriceState.PROPOSED:
        raise Refused(_l("This has moved on meanwhile: the step is no longer possible. Please look again."))
    if row.by_id == by.id:
        raise Forbidden(_l("You proposed this yourself: a second person of finance publishes it."))
    if isinstance(row, PriceVersion):
        locked_product(row.product_id)
        check(row)
    _in_time(row)
    publish_row(row, by=by)
    kind, facts = _about(row)
    audit.record(f"{kind}.published", row, by=by, **facts)
    catalogue.put(kind, key_of(row), {**body_of(row), "source": "office"}, row.valid_from)
    return row


def key_of(row: PriceVersion | TaxRow) -> str:
    """Return under which code the catalogue lists a row: the product, and for whom if not for everybody."""
    if isinstance(row, TaxRow):
        return row.code
    kind = row.audience_kind
    whom = (
        "" if kind is AudienceKind.PUBLIC else f"@{kind.value}" + (f":{row.audience}" if row.audience else "")
    )
    return (row.product.code + whom + ("" if row.currency == "CNY" else f"@{row.currency}"))[:60]


def body_of(row: PriceVersion | TaxRow) -> dict[str, Any]:
    """Return a row as its catalogue file would say it."""
    if isinstance(row, TaxRow):
        return {"code": row.code, "bp": row.bp, "words": row.words}
    product, terms = row.product, dict(row.terms)
    amount = terms.pop("flat", None) if row.model is PriceModel.FLAT else terms.pop("unit", None)
    return {
        "code": key_of(row), "words": product.words, "stream": product.stream, "recognition": product.recognition,
        "months": MONTHS[row.interval], "model": row.model.value, "amount": amount, **terms, "tax": row.tax,
        "document": row.document.value, "order": product.place,
    }  # fmt: skip


def fields_of(row: PriceVersion) -> dict[str, Any]:
    """Return what a new draft takes over from a price."""
    return {name: getattr(row, name) for name in FIELDS if name != "note"}


def from_file(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a price from a row of a catalogue file; ValueError or KeyError names what is wrong."""
    model = PriceModel(body.get("model", "flat"))
    terms: dict[str, Any] = {key: body[key] for key in ("low", "high", "bp") if key in body}
    if "tiers" in body:
        terms["tiers"] = [
            [step.get("up_to"), step.get("unit", 0), step.get("flat", 0)] for step in _steps(body["tiers"])
        ]
    if "amount" in body:
        terms["unit" if model is PriceModel.PER_UNIT else "flat"] = body["amount"]
    kind, _, key = str(body.get("audience", "public")).partition(":")
    found = {
        "audience_kind": AudienceKind(kind), "audience": key, "currency": body.get("currency", "CNY"),
        "interval": interval_of(body.get("months")), "model": model, "terms": terms, "tax": body["tax"],
        "inclusive": body.get("inclusive", True), "document": Document(body["document"]),
    }  # fmt: skip
    terms_of(terms)
    return found


def _steps(given: Any) -> Sequence[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(step, dict) for step in given):
        raise ValueError("tiers must be a list of steps")
    return given
