"""What waits on the desk: entries to check for those who run exams, renewals for those who decide, each only what he may do."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import or_

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.certs import levels
from portal.certs.education import checking, renewing, rules
from portal.certs.models.education import EducationEntry, EducationState
from portal.core import clock
from portal.core.db import db
from portal.core.waiting import Task, task

MOST, LATE = 50, timedelta(days=14)


def tasks(reader: Reader) -> list[Task]:
    """Return what continuing education asks of a member of staff."""
    found: list[Task] = []
    if reader.staff_may(May.RUN_EXAMS):
        found += _entries(reader.person.id)
    if reader.staff_may(May.DECIDE_AWARDS):
        found += _renewals(reader)
    return found


def _entries(me: int) -> list[Task]:
    again = or_(EducationEntry.state == EducationState.SUBMITTED, EducationEntry.first_id != me)
    rows = checking.waiting().where(EducationEntry.person_id != me, again).limit(MOST)
    return [
        task(
            _("Second look at an entry: %(name)s", name=row.person.name) if row.state is EducationState.SECOND_LOOK
            else _("Continuing education to check: %(name)s", name=row.person.name),
            _("Check the entry"), url_for("education_office.entry", uid=row.uid), since=row.first_at or row.created_at,
            detail=f"{rules.name_of(row.kind)} · {ngettext('%(num)s point', '%(num)s points', row.claimed)}",
            overdue=(row.first_at or row.created_at) + LATE <= clock.now(),
        )
        for row in db.session.scalars(rows)
    ]  # fmt: skip


def _renewals(reader: Reader) -> list[Task]:
    return [
        task(
            _("Renewal to decide: %(name)s", name=row.award.person.name), _("Decide"),
            url_for("education_office.renewal", uid=row.uid), since=row.asked_at, detail=levels.name_of(row.award.level),
            overdue=row.asked_at + LATE <= clock.now(),
        )
        for row in db.session.scalars(renewing.waiting().limit(MOST))
        if renewing.independent(row, reader.person)
    ]  # fmt: skip
