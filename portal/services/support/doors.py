"""The two doors of support: the customer's pages and the staff's."""

from __future__ import annotations

from flask import Blueprint

support = Blueprint("support", __name__, url_prefix="/support")
support_office = Blueprint("support_office", __name__, url_prefix="/office/support")
