"""The doors of the job board: the public's, the employer's, the moderator's; shut while the board is off."""

from __future__ import annotations

from flask import Blueprint, request
from flask_babel import gettext as _

from portal.core.errors import Missing
from portal.jobs import modes
from portal.jobs.modes import Mode

jobs = Blueprint("jobs", __name__, url_prefix="/jobs")
jobs_employer = Blueprint("jobs_employer", __name__, url_prefix="/recruiting")
jobs_office = Blueprint("jobs_office", __name__, url_prefix="/office/jobs")


# Whoever has a mail can end its kind whatever the board does: the mails come again when the board does.
WAYS_OUT = frozenset({"jobs.stop", "jobs.stopped", "jobs.one_click"})


def shut_while_off() -> None:
    """Let nobody in while the board is off: its pages do not exist then, but for the way out of its mails."""
    if request.endpoint not in WAYS_OUT and modes.mode() is Mode.OFF:
        raise Missing(_("The job board is closed at present."))


jobs.before_request(shut_while_off)
jobs_employer.before_request(shut_while_off)
