"""The two doors of compute statements: the seller's pages and the staff's."""

from __future__ import annotations

from flask import Blueprint

statements = Blueprint("compute", __name__, url_prefix="/statements")
statements_office = Blueprint("compute_office", __name__, url_prefix="/office/statements")
