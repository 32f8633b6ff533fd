"""Licences that go over, grants and long files as people meet them on pages: who may, what is said, who has mail."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.mail import MailMessage
from portal.core.signing import KeyUse
from portal.services.licences import keyring
from portal.services.licences.models.deal import LicenceTransfer, TransferState
from portal.services.licences.models.licence import Licence, LicenceState
from portal.services.licences.models.record import LicenceFile, LicenceProposal, ProposedState
from tests import licences as l
from tests.people import browser, make_org, make_person
from tests.test_licence_pages import post, seen

CODE = "91110108MA01ABCDX5"


@pytest.fixture
def house(app: Flask) -> Flask:
    with app.app_context(), transaction():
        chen, tech = make_person("chen@galaxy.example", "Chen"), make_person("tech@galaxy.example", "Tech")
        galaxy = make_org("Galaxy", (chen, ContactRole.OWNER), (tech, ContactRole.TECHNICAL))
        rival = make_org("Rival", (make_person("rho@rival.example", "Rho"), ContactRole.OWNER))
        rival.legal_key = f"CN:{CODE}"
        for name in ("sup", "tor"):
            make_person(f"{name}@house.example", name.title(), staff=(StaffRole.SUPPORT_AGENT,))
        make_person("aud@house.example", "Aud", staff=(StaffRole.AUDITOR,))
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        l.licence(3, org=galaxy)
    return app


def uid_of(app: Flask, name: str = "Galaxy") -> str:
    with app.app_context(), reading():
        rows = select(Licence.uid).join(Organisation, Organisation.id == Licence.org_id)
        return (
            db.session.scalars(
                rows.where(Organisation.legal_name == name).order_by(Licence.id.desc())
            ).first()
            or ""
        )


def letters(app: Flask, address: str) -> list[str]:
    with app.app_context(), reading():
        rows = select(MailMessage).where(MailMessage.address == address).order_by(MailMessage.id)
        return [one.title for one in db.session.scalars(rows)]


def open_transfer(app: Flask) -> tuple[str, TransferState, str]:
    """Return the id, the state and the reason of the last transfer."""
    with app.app_context(), reading():
        row = db.session.scalars(select(LicenceTransfer).order_by(LicenceTransfer.id.desc())).first()
        assert row is not None
        return row.uid, row.state, row.reason


def proposed(app: Flask) -> tuple[str, object]:
    """Return the id and the detail of the proposal that waits."""
    with app.app_context(), reading():
        rows = select(LicenceProposal).where(LicenceProposal.state == ProposedState.PROPOSED)
        row = db.session.scalars(rows).one()
        return row.uid, row.detail


def test_a_licence_goes_over_by_four_people_and_nobody_skips_one(house: Flask) -> None:
    chen, tech, rho = (
        browser(house, f"{who}.example") for who in ("chen@galaxy", "tech@galaxy", "rho@rival")
    )
    sup, tor, aud = (browser(house, f"{who}@house.example") for who in ("sup", "tor", "aud"))
    uid = uid_of(house)
    with house.app_context(), transaction():
        row = db.session.scalars(select(Licence)).one()
        key = keyring.make(row.id, label="prod", by="test")[1]
    path = f"/licences/{uid}/transfer"
    assert "3 nodes" in seen(chen, path)
    assert "Only an owner hands a licence over" in seen(tech, path)
    assert post(tech, path, to=CODE, reason="no").status_code == 403
    wrong = post(chen, path, to="91110108MA01ABCDX6", reason="We sell that business")
    assert wrong.status_code == 422
    assert "No organisation has this registration here." in wrong.text
    assert "We sell that business" in wrong.text  # nothing typed is lost
    assert post(chen, path, to=CODE, reason="We sell that business").status_code == 303
    assert post(chen, path, to=CODE, reason="twice").status_code == 409
    there = f"/licences/transfers/{open_transfer(house)[0]}"
    assert letters(house, "rho@rival.example") == ["Galaxy wants to hand a licence over to you"]
    assert "Galaxy wants to hand a licence over to you" in seen(rho, "/licences/")
    assert chen.get(there).status_code == 404  # the other side alone
    assert (
        post(sup, f"/office/licences/{uid}/transfer/check").status_code == 409
    )  # before the other side agreed
    assert "We sell that business" in seen(rho, there)
    assert post(rho, f"{there}/agreement").status_code == 303
    assert "A licence of Galaxy is to go to Rival" in seen(sup, "/office/")
    assert post(aud, f"/office/licences/{uid}/transfer/check").status_code == 403
    assert post(sup, f"/office/licences/{uid}/transfer/check").status_code == 303
    assert "Somebody else lets it go over." in seen(sup, f"/office/licences/{uid}")
    assert post(sup, f"/office/licences/{uid}/transfer/completion").status_code == 403
    assert post(tor, f"/office/licences/{uid}/transfer/completion").status_code == 303
    assert open_transfer(house)[1] is TransferState.DONE
    with house.app_context(), reading():
        old = db.session.scalars(select(Licence).where(Licence.uid == uid)).one()
        assert old.state is LicenceState.SUPERSEDED
        assert l.code_of(key, "rack-1.gpu-1") == "SUPERSEDED"
    new = uid_of(house, "Rival")
    assert "3 nodes" in seen(rho, f"/licences/{new}/terms") or "3" in seen(rho, f"/licences/{new}")
    assert len(letters(house, "rho@rival.example")) == 2
    assert "gone over to Rival" in letters(house, "chen@galaxy.example")[-1]


def test_either_side_and_staff_leave_a_licence_where_it_is(house: Flask) -> None:
    chen, rho, sup = (
        browser(house, who) for who in ("chen@galaxy.example", "rho@rival.example", "sup@house.example")
    )
    uid = uid_of(house)
    path = f"/licences/{uid}/transfer"
    for who, how in (
        (chen, f"{path}/withdrawal"),
        (rho, ""),
        (sup, f"/office/licences/{uid}/transfer/refusal"),
    ):
        assert post(chen, path, to=CODE, reason="a wish").status_code == 303
        there = f"/licences/transfers/{open_transfer(house)[0]}"
        assert post(who, how or f"{there}/refusal").status_code == 303
        assert open_transfer(house)[1] is TransferState.DECLINED
        assert post(rho, f"{there}/agreement").status_code == 409
    with house.app_context(), reading():
        assert db.session.scalars(select(Licence.state)).all() == [LicenceState.ACTIVE]


def test_staff_give_nodes_and_long_files_by_two(house: Flask) -> None:
    sup, tor = browser(house, "sup@house.example"), browser(house, "tor@house.example")
    said = {
        "org": "Rival",
        "plan": "flagscale-node",
        "verb": "grant",
        "nodes": "7",
        "days": "30",
        "reason": "A course",
    }
    bad = post(sup, "/office/licences/gifts/new", **{**said, "org": "Nobody", "nodes": "0"})
    assert bad.status_code == 422
    assert "A course" in bad.text
    assert post(sup, "/office/licences/gifts/new", **said).status_code == 303
    uid = uid_of(house, "Rival")
    decide = f"/office/licences/{uid}/proposals/{proposed(house)[0]}/confirm"
    assert post(sup, decide).status_code == 403
    assert post(tor, decide).status_code == 303
    longer = f"/office/licences/{uid}/files/longer"
    assert re.search(r"up to \d+", seen(sup, longer))
    assert post(sup, longer, fingerprints="", days="100", reason="Air-gapped").status_code == 422
    assert (
        post(sup, longer, fingerprints="rack-9.gpu-1\nrack-9.gpu-2", days="2", reason="Short").status_code
        == 422
    )
    assert (
        post(
            sup, longer, fingerprints="rack-9.gpu-1\nrack-9.gpu-2", days="100", reason="Air-gapped"
        ).status_code
        == 303
    )
    proposal, detail = proposed(house)
    assert detail == {"fingerprints": ["rack-9.gpu-1", "rack-9.gpu-2"], "days": 100}
    assert post(tor, f"/office/licences/{uid}/proposals/{proposal}/confirm").status_code == 303
    with house.app_context(), reading():
        file = db.session.scalars(select(LicenceFile)).one()
        assert sorted(file.fingerprints) == ["rack-9.gpu-1", "rack-9.gpu-2"]
        assert file.expires_at > clock.now()  # cut to the end of the grant
