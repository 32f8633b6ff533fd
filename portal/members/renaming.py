"""Registered names are corrected, or changed from a day, by staff and against evidence; documents keep the name they were issued with."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l

from portal.accounts import merging
from portal.accounts.organisations import FormerName, Organisation
from portal.accounts.people import Person
from portal.core import audit, clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import names


def rename(
    org: Organisation, *, legal_name: str, legal_name_en: str, evidence: str, since: date | None, by: Person
) -> None:
    """Write another registered name; `since` is the day of the change, None says that the old one was never right.

    A name that was right until then is kept as a former one, found by search.
    """
    row = merging.locked(org)
    old = {"legal_name": row.legal_name, "legal_name_en": row.legal_name_en}
    new = {"legal_name": legal_name, "legal_name_en": legal_name_en}
    changed = {key: [old[key], new[key]] for key in old if old[key] != new[key]}
    if not changed:
        raise Refused(_l("This is the registered name already."), field="legal_name", status=422)
    if since is not None and since > clock.today():
        raise Refused(_l("A change of name is written down when it has happened."), field="since", status=422)
    if since is not None:
        for key in changed:
            if old[key]:
                db.session.add(FormerName(org=row, name=old[key], until=since))
    row.legal_name, row.legal_name_en = legal_name, legal_name_en
    db.session.flush()
    names.index(row)
    verb = "organisation.renamed" if since is not None else "organisation.name_corrected"
    audit.record(verb, row, by=by, org_id=row.id, evidence=evidence, since=since, **changed)
