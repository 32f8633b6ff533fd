"""Rows of licences for the walk through every door: an active licence with a key, two nodes, a file in force and a hold."""

from __future__ import annotations

from datetime import timedelta

from portal.accounts import hooks
from portal.accounts.hook_models import WebhookDelivery
from portal.accounts.may import StaffRole
from portal.accounts.organisations import Organisation
from portal.core import clock, signing
from portal.core.db import db
from portal.core.signing import KeyUse
from portal.services.licences import files, granting, key_steps, life, transferring
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.licence import LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.models.steps import KeyDeed
from tests import licences
from tests.people import make_org, make_person

KNOWN: dict[tuple[str, str], str] = {
    ("api_licence_nodes", "fingerprint"): "word:rack-1.walk",
    ("api_licences", "uid"): "licence",
    ("api_licences", "row"): "licence_node",
    ("api_licences.end_key", "row"): "licence_key",
    ("api_licences.get_file", "row"): "licence_file",
    ("api_licences.lift_hold", "row"): "licence_hold",
    ("api_licences", "fingerprint"): "word:rack-1.walk",
    ("api_licences.accept_change", "row"): "word:lq_none",
    ("api_licences.return_file", "row"): "licence_file",
    ("api_licences.decide_proposal", "row"): "licence_proposal",
    ("licences", "uid"): "licence",
    ("licences", "node"): "licence_node",
    ("licences", "key"): "licence_key",
    ("licences", "file"): "licence_file",
    ("licences", "transfer"): "licence_transfer",
    ("licence_office", "uid"): "licence",
    ("licence_office", "hold"): "licence_hold",
    ("licence_office", "proposal"): "licence_proposal",
    ("licence_office", "file"): "licence_file",
    ("licence_office", "deed"): "word:add",
    ("licence_office", "kid"): "word:licence-none",
    ("licence_office", "step"): "licence_key_step",
    **{
        (f"accounts.{endpoint}", "uid"): "webhook"
        for endpoint in ("webhook", "rotate_webhook", "test_webhook", "resume_webhook", "end_webhook", "replay_delivery", "skip_delivery")
    },
    ("accounts.replay_delivery", "delivery"): "webhook_delivery",
    ("accounts.skip_delivery", "delivery"): "webhook_delivery",
}  # fmt: skip


def rows(org: Organisation) -> dict[str, str]:
    """Give a company a licence with everything that has an address; call inside a transaction."""
    if signing.current(KeyUse.LICENCE) is None:
        signing.create(KeyUse.LICENCE, by="One", second="Other")
    hook, _secret = hooks.add(org, "https://hooks.quokka.example/in", [], by="walk")
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
    clerk = make_person("clerk@walk.example", "Clerk", staff=(StaffRole.FINANCE, StaffRole.ADMINISTRATOR))
    taker = make_org(f"Taker of {org.legal_name}")
    going = transferring.ask(row, taker, reason="walk", by=clerk)
    proposal = granting.propose_revocation(row, reason="walk", by=clerk)
    step = key_steps.propose(KeyDeed.ADD, "", reason="walk", by=clerk)
    sent = (
        db.session.query(WebhookDelivery).filter_by(endpoint_id=hook.id).order_by(WebhookDelivery.id).first()
    )
    assert sent is not None
    return {
        "webhook": hook.uid, "webhook_delivery": sent.uid, "licence_proposal": proposal.uid, "licence_key_step": step.uid,
        "licence": row.uid, "licence_key": key.uid, "licence_node": node.uid, "licence_file": made.jti,
        "licence_hold": hold.uid, "licence_transfer": going.uid,
    }  # fmt: skip
