"""The office's figures of applications and hires: counts alone; no page of the house shows a candidate to staff."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import g, render_template

from portal.accounts.access import allow
from portal.accounts.may import May
from portal.core import clock
from portal.core.paging import asked
from portal.core.periods import nth
from portal.jobs import hires
from portal.jobs.people_doors import hires_office

NAV = "jobs_office.queue"
SPANS = {"60": 60, "12": 12, "3": 3, "1": 1}


def _span() -> tuple[str, date, date]:
    """Return the last months that the address asks for, with the present one: its code, first day and the day after."""
    code = asked("months", most=3)
    code = code if code in SPANS else "12"
    end = nth(clock.today().replace(day=1), 1, 1)
    return code, nth(end, 1, -SPANS[code]), end


@hires_office.get("/")
@allow(May.READ_JOBS)
def figures() -> Any:
    """Show what was sent in the last months and what came of it."""
    g.nav = NAV
    code, start, end = _span()
    return render_template(
        "jobs/people/figures.html", found=hires.figures(start, end), through=hires.through_certificate(), code=code, spans=SPANS,
        start=start, end=end,
    )  # fmt: skip
