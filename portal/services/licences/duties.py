"""What waits for staff about licences: what another proposed."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _

from portal.accounts.may import May
from portal.core import labels, waiting
from portal.core.db import db
from portal.core.waiting import Task
from portal.services.licences import granting, key_steps, transferring
from portal.services.licences.models.deal import TransferState

MOST = 20


def tasks(reader: Any) -> list[Task]:
    """Return what waits for a reader: steps of another about licences and the keys that sign them, and licences that go over."""
    found = [*_of_staff(reader), *_going(reader)] if reader.staff_may(May.RUN_LICENCES) else []
    return [*found, *_keys(reader)]


def _of_staff(reader: Any) -> list[Task]:
    rows = [one for one in granting.waiting() if one.by_id != reader.person.id]
    return [
        waiting.task(
            _("%(what)s: %(org)s", what=labels.label(one.verb), org=one.licence.org.name), _("Decide"),
            url_for("licence_office.case", uid=one.licence.uid), since=one.created_at,
            detail=_("Proposed by %(who)s", who=one.by.name),
        )
        for one in rows[:MOST]
    ]  # fmt: skip


def _going(reader: Any) -> list[Task]:
    rows = transferring.under_way(TransferState.AGREED, TransferState.CHECKED)
    return [
        waiting.task(
            _("A licence of %(org)s is to go to %(other)s", org=one.licence.org.name, other=one.to_org.name), _("Decide"),
            url_for("licence_office.case", uid=one.licence.uid), since=one.created_at, detail=labels.label(one.state),
        )
        for one in [row for row in rows if row.first_id != reader.person.id][:MOST]
    ]  # fmt: skip


def _keys(reader: Any) -> list[Task]:
    if not reader.staff_may(May.KEEP_KEYS):
        return []
    steps = [one for one in db.session.scalars(key_steps.waiting()) if one.by_id != reader.person.id]
    return [
        waiting.task(
            _("Key that signs licences: %(what)s", what=labels.label(one.deed)), _("Decide"),
            url_for("licence_office.signing_keys"), since=one.created_at, detail=_("Proposed by %(who)s", who=one.by.name),
        )
        for one in steps[:MOST]
    ]  # fmt: skip
