"""The two doors of adaptation slots: the customer's pages and the staff's."""

from __future__ import annotations

from flask import Blueprint

slots = Blueprint("slots", __name__, url_prefix="/slots")
slots_office = Blueprint("slots_office", __name__, url_prefix="/office/slots")
