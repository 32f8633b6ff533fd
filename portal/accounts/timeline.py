"""What a timeline shows of the audit: a token stands where whoever did something was erased since."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func

from portal.accounts.people import Person
from portal.core.audit import AuditEntry

WHO = func.coalesce(Person.name, AuditEntry.actor).label("actor")
COLUMNS = (AuditEntry.at, WHO, AuditEntry.actor_id, AuditEntry.verb, AuditEntry.detail)


def told(statement: Select[Any]) -> Select[Any]:
    """Return a statement over audit entries as the columns that a line of a timeline is made of.

    The chain itself keeps the name it was written with, since its proof covers it; only the auditor reads that.
    """
    gone = and_(Person.id == AuditEntry.actor_id, Person.erased_at.is_not(None))
    return statement.with_only_columns(*COLUMNS).select_from(AuditEntry).outerjoin(Person, gone)
