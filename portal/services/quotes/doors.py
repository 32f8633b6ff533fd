"""The doors of offers and quotes: the public page, the customer's pages, the staff's."""

from __future__ import annotations

from flask import Blueprint

offers = Blueprint("offers", __name__, url_prefix="/offers")
quotes = Blueprint("quotes", __name__, url_prefix="/services")
quote_office = Blueprint("quote_office", __name__, url_prefix="/office/services")
