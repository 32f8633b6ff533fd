"""What engagements hear of elsewhere: mail about work that was handed in and came back."""

from __future__ import annotations

import re

from sqlalchemy import select

from portal.core.bounces import MailBounced
from portal.core.db import db
from portal.services.engagements import delivering
from portal.services.engagements.opening import locked
from portal.services.engagements.work_models import Outcome, WorkSubmission

ABOUT = re.compile(r"submission:([0-9a-f]{32})(?::\d+)?:[0-9a-f]{32}")


def on_bounced(event: MailBounced) -> None:
    """Deem nothing accepted of which a mail did not arrive; what is decided already stays so."""
    about = ABOUT.fullmatch(event.message.key)
    if about is None:
        return
    row = db.session.scalars(select(WorkSubmission).where(WorkSubmission.uid == about[1])).first()
    if row is None:
        return
    locked(row.milestone.engagement_id)
    db.session.refresh(row)
    if row.outcome is Outcome.WAITING:
        delivering.note_bounce(row, by="services")
