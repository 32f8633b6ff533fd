"""The blueprint of the reports of income: all pages and files below `/office/reports`."""

from __future__ import annotations

from flask import Blueprint

reports = Blueprint("reports", __name__, url_prefix="/office/reports")
