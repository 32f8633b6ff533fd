"""The office's page of one attempt: its clock, what was noted, and the forms of whoever may do something about it."""

from __future__ import annotations

from typing import Any

from flask import g, render_template

from portal.certs import console, invalidating, levels, proctoring, sitting
from portal.certs import sitting_forms as f
from portal.certs.case_rules import part_name
from portal.certs.models.delivery import Attempt
from portal.certs.sitting_access import watches
from portal.core import clock, labels


def attempt_page(row: Attempt, status: int = 200, **forms: Any) -> Any:
    """Show one attempt to whoever may: its clock, what was noted, and what can be done."""
    session = row.booking.session
    g.nav = "exam_office.watched" if watches(session) else "exam_office.sessions"
    fresh = {
        "time": f.Time(formdata=None), "noted": f.Noted(formdata=None), "told": f.Told(formdata=None),
        "ending": f.EndPart(formdata=None), "held": f.HoldResult(formdata=None),
    }  # fmt: skip
    return render_template(
        "office/exams/attempt.html", row=row, session=session, level=levels.name_of(row.level), now=clock.now(),
        mine=watches(session), part_name=part_name, part=sitting.running(row), incidents=console.incidents(session, row),
        hold=proctoring.standing_hold(row.id), grants=proctoring.grants_of(row), **{**fresh, **doubt_parts(row), **forms},
    ), status  # fmt: skip


def doubt_parts(row: Attempt) -> dict[str, Any]:
    """Return what the page of an attempt shows of doubts: proposals, and the form of a new one."""
    form = f.Doubt(formdata=None)
    return {"doubts": invalidating.of(row.id), "doubt": offer(form, row)}


def offer(form: f.Doubt, row: Attempt) -> f.Doubt:
    """Offer the incidents of an attempt, one of which a proposal cites."""
    rows = console.incidents(row.booking.session, row)
    form.incident.choices = [("", "")] + [
        (one.uid, f"{labels.label(one.kind)}: {one.note[:80]}" if one.note else labels.label(one.kind)) for one in rows
    ]  # fmt: skip
    return form
