"""Rows of licences for the walk through every door: an active licence with a key, two nodes, a file in force and a hold."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts.organisations import Organisation
from portal.core import clock, signing
from portal.core.db import db
from portal.core.signing import KeyUse
from portal.services.licences import files, life
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import LicenceKey
from portal.services.licences.models.node import Node
from tests import licences

KNOWN: dict[tuple[str, str], str] = {
    ("api_licence_nodes", "fingerprint"): "word:rack-1.walk",
    ("api_licences", "uid"): "licence",
    ("api_licences", "row"): "licence_node",
    ("api_licences.end_key", "row"): "licence_key",
    ("api_licences.get_file", "row"): "licence_file",
    ("api_licences.lift_hold", "row"): "licence_hold",
}


def rows(org: Organisation) -> dict[str, str]:
    """Give a company a licence with everything that has an address; call inside a transaction."""
    if signing.current(KeyUse.LICENCE) is None:
        signing.create(KeyUse.LICENCE, by="One", second="Other")
    row, _secret = licences.licence(4, org=org)
    made = files.issue(row.id, ["rack-1.walk", "rack-2.walk"], 7, by="walk")
    hold = life.suspend(
        row.id,
        HoldReason.REQUEST,
        words=("asked for", "应要求"),
        source="walk",
        by="walk",
        notice=timedelta(days=20),
    )
    assert hold is not None
    db.session.flush()
    node = db.session.query(Node).filter_by(licence_id=row.id).order_by(Node.id).first()
    assert node is not None
    key = db.session.query(LicenceKey).filter_by(licence_id=row.id).one()
    assert clock.now() < made.expires_at
    return {
        "licence": row.uid, "licence_key": key.uid, "licence_node": node.uid, "licence_file": made.jti,
        "licence_hold": hold.uid,
    }  # fmt: skip
