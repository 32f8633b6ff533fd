"""Prices in dated tables: exactly one is found, published ones are frozen, files and people both publish."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from portal.billing import publishing, retiring
from portal.billing.catalogue import Audience, price_of, prices, tax_of
from portal.billing.price_models import Frozen, PriceState, PriceVersion, Product, TaxRow
from portal.billing.pricing import PriceModel
from portal.core import audit, catalogue, clock
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.money import Money
from tests import books

NEXT = timedelta(days=10)


def product(code: str) -> Product:
    return db.session.scalars(select(Product).where(Product.code == code)).one()


def draft(code: str, amount: int, start: date, **more: Any) -> PriceVersion:
    """Draft a price by Fang; call inside a transaction."""
    last = db.session.scalars(
        select(PriceVersion).where(PriceVersion.product_id == product(code).id).order_by(PriceVersion.version)
    ).first()
    assert last is not None
    fields = {
        **publishing.fields_of(last),
        "terms": {"flat": amount},
        "model": PriceModel.FLAT,
        "valid_from": start,
        **more,
    }
    return publishing.draft_price(product(code), by=books.person("fang"), fields=fields)


def publish(code: str, amount: int, start: date, **more: Any) -> PriceVersion:
    """Draft, propose and publish a price by two people; call inside a transaction."""
    row = draft(code, amount, start, **more)
    publishing.propose(row, by=books.person("fang"))
    return publishing.publish(row, by=books.person("feng"))


def test_what_the_files_say_is_sold(app: Flask) -> None:
    with app.app_context(), reading():
        assert price_of("dues.platinum").amount == Money(40_000_000)
        assert price_of("dues.platinum").months == 12
        assert price_of("support.gold").figures(Money(10_000_000)).net == 9_433_962
        licence = price_of("licence.triton")
        assert [licence.listed(q).minor // 100 for q in (1, 100, 101, 250, 500, 501, 1000)] == [
            50_000, 50_000, 50_400, 110_000, 210_000, 210_300, 360_000,
        ]  # fmt: skip
        seats = price_of("exam.seats")
        assert [seats.listed(q).minor // 100 for q in (10, 11, 12, 50, 51)] == [
            8_000,
            7_700,
            8_400,
            35_000,
            30_600,
        ]
        assert tax_of("services", clock.today()).bp == 600
        assert "dues.gold" in [price.product for price in prices()]


def test_the_most_specific_audience_counts(app: Flask) -> None:
    with app.app_context(), reading():
        everybody = price_of("licence.flagscale")
        startup = price_of("licence.flagscale", audience=Audience(tier="startup", category="software"))
        assert (everybody.listed(5).minor, startup.listed(5).minor) == (5_000_000, 2_500_000)
        with pytest.raises(Refused):
            price_of("licence.flagscale", currency="USD")
        with pytest.raises(Refused):
            price_of("nothing")
        with pytest.raises(Refused):
            price_of("dues.gold", on=date(2025, 12, 31))


def test_two_people_publish_and_the_old_price_ends_where_the_new_begins(app: Flask) -> None:
    books.house(app)
    start = clock.today() + NEXT
    with app.app_context(), transaction():
        row = draft("dues.gold", 18_000_000, start)
        number = row.id
        with pytest.raises(Refused):
            publishing.publish(row, by=books.person("feng"))
        publishing.propose(row, by=books.person("fang"))
        with pytest.raises(Forbidden):
            publishing.publish(row, by=books.person("fang"))
        assert price_of("dues.gold").amount == Money(16_000_000)
    with app.app_context(), transaction():
        publishing.publish(db.session.get_one(PriceVersion, number), by=books.person("feng"))
    with app.app_context(), reading():
        assert price_of("dues.gold").amount == Money(16_000_000)
        assert price_of("dues.gold", on=start - timedelta(days=1)).amount == Money(16_000_000)
        assert price_of("dues.gold", on=start).amount == Money(18_000_000)
        assert catalogue.version_of("price", "dues.gold", on=start) == 2


def test_overlaps_and_the_past_are_refused(app: Flask) -> None:
    books.house(app)
    start = clock.today() + NEXT
    with app.app_context(), transaction():
        publish("dues.gold", 18_000_000, start)
        for day in (start, start - timedelta(days=5)):
            row = draft("dues.gold", 1, day)
            publishing.propose(row, by=books.person("fang"))
            with pytest.raises(Refused):
                publishing.publish(row, by=books.person("feng"))
        late = draft("dues.gold", 1, clock.today() - NEXT)
        with pytest.raises(Refused):
            publishing.propose(late, by=books.person("fang"))


def test_a_retired_price_is_sold_no_more(app: Flask) -> None:
    books.house(app)
    with app.app_context(), transaction():
        row = db.session.scalars(
            select(PriceVersion).where(PriceVersion.product_id == product("dues.gold").id)
        ).one()
        fang, feng = books.person("fang"), books.person("feng")
        with pytest.raises(Refused):
            retiring.propose_ending(row, on=clock.today() - NEXT, by=fang, reason="over")
        with pytest.raises(Missing):
            retiring.end_price(row, by=feng)
        retiring.propose_ending(row, on=clock.today() + NEXT, by=fang, reason="over")
        with pytest.raises(Refused):
            retiring.propose_ending(row, on=clock.today() + NEXT, by=feng, reason="again")
        with pytest.raises(Forbidden):
            retiring.end_price(row, by=fang)
        retiring.keep_price(row, by=feng)
        assert price_of("dues.gold", on=clock.today() + NEXT).amount == Money(16_000_000)
        retiring.propose_ending(row, on=clock.today() + NEXT, by=feng, reason="over")
        retiring.end_price(row, by=fang)
        subject = row.subject
    with app.app_context(), reading():
        assert price_of("dues.gold").amount == Money(16_000_000)
        with pytest.raises(Refused):
            price_of("dues.gold", on=clock.today() + NEXT)
        verbs = sorted(one.verb for one in db.session.scalars(audit.of_subject(subject)))
        assert verbs[-4:] == [
            "price.ending_declined", "price.ending_proposed", "price.ending_proposed", "price.retired",
        ]  # fmt: skip


def test_published_rows_refuse_changes_also_in_raw_sql(app: Flask) -> None:
    kinds: tuple[Any, ...] = (PriceVersion, TaxRow)
    for kind in kinds:
        with app.app_context(), pytest.raises(Frozen), transaction():
            row = db.session.scalars(select(kind).order_by(kind.id)).first()
            assert row is not None
            row.valid_from = row.valid_from - NEXT
        with app.app_context(), pytest.raises(Frozen), transaction():
            db.session.delete(db.session.scalars(select(kind).order_by(kind.id)).first())
    for words in (
        "UPDATE price SET terms = '{}'",
        "UPDATE price SET valid_from = '2020-01-01'",
        "UPDATE price SET state = 'draft'",
        "DELETE FROM price",
        "UPDATE tax_row SET bp = 1 WHERE code = 'services'",
        "DELETE FROM tax_row",
    ):
        with app.app_context(), pytest.raises(DatabaseError, match="on record"), transaction():
            db.session.execute(text(words))


def test_an_overlap_is_refused_by_the_database_too(app: Flask) -> None:
    books.house(app)
    start = clock.today() + NEXT
    with app.app_context(), transaction():
        publish("dues.gold", 18_000_000, start)
    with app.app_context(), pytest.raises(DatabaseError, match="one day"), transaction():
        db.session.execute(text("UPDATE price SET valid_to = NULL WHERE valid_to IS NOT NULL"))


def test_files_load_new_versions_and_leave_what_the_office_published(app: Flask, tmp_path: Path) -> None:
    books.house(app)
    start = clock.today() + NEXT
    body = (Path(__file__).parents[1] / "catalogue" / "prices.yml").read_text("utf-8")
    (tmp_path / "prices.yml").write_text(body, "utf-8")
    with app.app_context(), transaction():
        publish("dues.gold", 18_000_000, start)
    with app.app_context(), transaction():
        assert catalogue.load_folder(tmp_path) == []
    later = start + NEXT
    (tmp_path / "prices.yml").write_text(
        body.replace("valid_from: 2026-01-01", f"valid_from: {later}").replace("16000000", "17000000"),
        "utf-8",
    )
    with app.app_context(), transaction():
        assert [(one.code, one.what) for one in catalogue.load_folder(tmp_path)] == [("dues.gold", "changed")]
    with app.app_context(), reading():
        found = [price_of("dues.gold", on=day).amount.minor for day in (clock.today(), start, later)]
        assert found == [16_000_000, 18_000_000, 17_000_000]
        states = {row.state for row in db.session.scalars(select(PriceVersion))}
        assert states == {PriceState.PUBLISHED}
    (tmp_path / "prices.yml").write_text(body.replace("16000000", "1"), "utf-8")
    with app.app_context(), pytest.raises(Refused, match=r"dues\.gold"), transaction():
        catalogue.load_folder(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("amount: 50000000", "amount: -1", "support.platinum"),
        ("amount: 50000000", "amount: 1.5", "support.platinum"),
        ("model: graduated", "model: magic", "licence.triton"),
        ("bp: 600", "bp: 60000", "services"),
        ("tax: services\n    document: fapiao\n  - &licence", "tax: none\n    document: fapiao\n  - &licence", "exam.seats"),
        ("{up_to: 50, unit: 70000}", "{up_to: 5, unit: 70000}", "exam.seats"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_whole(app: Flask, tmp_path: Path, old: str, new: str, said: str) -> None:
    body = (Path(__file__).parents[1] / "catalogue" / "prices.yml").read_text("utf-8")
    assert old in body
    later = clock.today() + NEXT
    text_ = body.replace(old, new).replace("valid_from: 2026-01-01", f"valid_from: {later}")
    (tmp_path / "prices.yml").write_text(text_, "utf-8")
    with app.app_context(), pytest.raises(Refused, match=said), transaction():
        catalogue.load_folder(tmp_path)
