"""The doors of certification: one for candidates and the public, one for staff."""

from __future__ import annotations

from flask import Blueprint

exams = Blueprint("exams", __name__, url_prefix="/exams")
exam_office = Blueprint("exam_office", __name__, url_prefix="/office/exams")
