"""Quotes of services (services.md §2): versions, the second person, who accepts, one order, exact figures, orders of buyers."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select

from portal.billing.models import Instalment
from portal.core.db import db
from portal.services.quotes.models import Q, ServiceQuote
from tests import services_scene as s


@pytest.fixture
def house(app: Flask) -> Flask:
    s.house(app)
    return app


def test_a_quote_goes_from_draft_to_order_in_exactly_its_figures(house: Flask) -> None:
    with s.at(house, "2026-03-02T10:00"):
        row = s.sent()
        assert (row.state, row.name, str(row.expires_on)) == (Q.SENT, "Q-2026-000001 v1", "2026-04-01")
        assert s.fen(row.gross, row.net, row.tax) == [48_000_000, 45_283_020, 2_716_980]
        assert row.needs_contract and not row.needs_order and len(row.digest) == 64
    with s.at(house, "2026-03-03T10:00"):
        row = s.accepted(db.session.scalars(select(ServiceQuote)).one())
        order, invoice = row.order, row.invoice
        assert order is not None and invoice is not None
        assert (row.state, row.accepted_by) == (Q.ACCEPTED, s.person("sig"))
        assert s.fen(order.lines[0].net, order.lines[0].gross, invoice.gross) == [
            45_283_020,
            48_000_000,
            14_400_000,
        ]
        parts = db.session.scalars(select(Instalment).order_by(Instalment.n)).all()
        assert [one.net.minor for one in parts] == [13_584_906, 18_113_208, 13_584_906]
        assert [one.due_on is None for one in parts] == [False, True, True]
