"""Rows of statements, places, slots and copies for the walk through every door."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.billing.months import first_of
from portal.core import clock
from portal.core.db import db
from portal.core.files import Content
from portal.services.statements import reporting, sellers
from portal.services.statements.models import ComputeFile, ComputeSeller
from portal.services.statements.reading import Told
from portal.services.statements.reporting import Attached
from tests.people import make_person

KNOWN: dict[tuple[str, str], str] = {
    ("compute", "uid"): "statement",
    ("compute", "file"): "statement_file",
    ("compute_office", "uid"): "statement",
    ("compute_office", "file"): "statement_file",
    ("compute_office.seller", "uid"): "compute_seller",
    ("compute_office.set_rate", "uid"): "compute_seller",
    ("compute_office.end", "uid"): "compute_seller",
    ("api_statements", "uid"): "statement",
}


def rows(org: Organisation, content: Content) -> dict[str, str]:
    """Let a company sell compute and report a month with a file; call inside a transaction."""
    staff = make_person("walkplaces@house.example", "Walk Places", staff=(StaffRole.SERVICE_MANAGER,))
    month = first_of(first_of(clock.today()) - timedelta(days=1))
    seller = ComputeSeller(org=org, since=month, contract="C-walk")
    db.session.add(seller)
    db.session.flush()
    statement = sellers.expect(seller, month)
    assert statement is not None
    told = Told(month, "Quokka hours", 1000, 100, 100, "")
    reporting.report(statement, [told], by=staff, files=[Attached(content, "evidence.txt")])
    file = db.session.query(ComputeFile).one().file
    return {"statement": statement.uid, "statement_file": file.uid, "compute_seller": seller.uid}
