"""The two doors of engagements: the customer's pages and the staff's."""

from __future__ import annotations

from flask import Blueprint

engagements = Blueprint("engagements", __name__, url_prefix="/projects")
engagement_office = Blueprint("engagement_office", __name__, url_prefix="/office/projects")
