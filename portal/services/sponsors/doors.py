"""The two doors of sponsorship: the sponsor's pages and the staff's."""

from __future__ import annotations

from flask import Blueprint

sponsors = Blueprint("sponsors", __name__, url_prefix="/sponsorship")
sponsors_office = Blueprint("sponsors_office", __name__, url_prefix="/office/sponsorship")
