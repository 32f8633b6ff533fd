"""The blueprints of candidates, of those who read applications, of referrals, and of the office's figures about them."""

from __future__ import annotations

from flask import Blueprint

candidates = Blueprint("candidates", __name__, url_prefix="/jobs/mine")
hiring = Blueprint("hiring", __name__, url_prefix="/jobs/hiring")
referred = Blueprint("referred", __name__, url_prefix="/jobs/referred")
hires_office = Blueprint("hires_office", __name__, url_prefix="/office/hires")
