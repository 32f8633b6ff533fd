"""What waits for staff about licences: what another proposed."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _

from portal.accounts.may import May
from portal.core import labels, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.services.licences import granting, key_steps

MOST = 20


def tasks(reader: Any) -> list[Task]:
    """Return what waits for a reader to confirm: steps about licences, and steps with the keys that sign them."""
    found: list[Task] = []
    if reader.staff_may(May.RUN_LICENCES):
        rows = [one for one in granting.waiting() if one.by_id != reader.person.id]
        found += [
            waiting.task(
                _("%(what)s: %(org)s", what=labels.label(one.verb), org=one.licence.org.name), _("Decide"),
                url_for("licence_office.case", uid=one.licence.uid), since=one.created_at,
                detail=_("Proposed by %(who)s", who=one.by.name),
            )
            for one in rows[:MOST]
        ]  # fmt: skip
    if reader.staff_may(May.KEEP_KEYS):
        steps = [one for one in db.session.scalars(key_steps.waiting()) if one.by_id != reader.person.id]
        found += [
            waiting.task(
                _("Key that signs licences: %(what)s", what=labels.label(one.deed)), _("Decide"),
                url_for("licence_office.signing_keys"), since=one.created_at, detail=_("Proposed by %(who)s", who=one.by.name),
            )
            for one in steps[:MOST]
        ]  # fmt: skip
    return found
