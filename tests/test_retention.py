"""Retention: shown before it goes, a row left for each, files read anew; and registered names against evidence."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts import contacts
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import FormerName, Invitation
from portal.accounts.people import Person, Ticket, TicketKind
from portal.core import catalogue, chores, clock, files, outbox, retaining, workdays
from portal.core.audit import AuditEntry
from portal.core.db import db, reading, transaction
from portal.core.errors import Missing
from portal.core.files import StoredFile
from portal.core.mail import MailMessage
from portal.core.retaining import Deletion
from portal.members.models import Upload
from tests import road
from tests.people import browser, make_org, make_person, post

DAY = date(2026, 3, 2)


def due() -> dict[str, int]:
    return {one.kind: one.count for one in retaining.dry_run() if one.count}


@pytest.fixture
def old(app: Flask) -> Flask:
    """An invitation of 2 March that nobody accepted, a link that ran out, and Sun, who looks after privacy."""
    with app.app_context(), clock.stopped_at(DAY), transaction():
        make_person("sun@house.example", "Sun", staff=(StaffRole.SECRETARY,))
        boss = make_person("boss@galaxy.example", "Boss")
        org = make_org("Galaxy Chips", (boss, ContactRole.OWNER))
        contacts.invite(org, "guest@galaxy.example", ContactRole.BILLING, "en", by=boss, most=3)
        db.session.add(
            Ticket(kind=TicketKind.RESET, secret_hash="0" * 64, person=boss, expires_at=clock.now())
        )
    return app


def test_a_dead_invitation_goes_thirty_days_after_its_end_and_leaves_a_row(old: Flask) -> None:
    ends = DAY + timedelta(days=14)
    with old.app_context():
        for days, found in ((29, 0), (30, 1)):
            with clock.stopped_at(ends + timedelta(days=days)):
                assert due().get("invitations", 0) == found
        with clock.stopped_at(ends + timedelta(days=30)):
            assert due() == {"invitations": 1, "tickets": 1}
            db.session.rollback()
            assert retaining.run(by="test") == 2
            assert due() == {}
            db.session.rollback()
            assert retaining.run(by="test") == 0
        rows = db.session.scalars(select(Deletion).order_by(Deletion.id)).all()
        assert [(row.kind, row.deleted_subject) for row in rows] == [
            ("invitations", "invitation:1"), ("tickets", "ticket:1"),
        ]  # fmt: skip
        assert db.session.scalar(select(func.count(Invitation.id))) == 0
        for statement in ("UPDATE deletion SET kind = 'x'", "DELETE FROM deletion"):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(statement))


def test_the_nightly_run_only_looks_unless_the_catalogue_says_otherwise(old: Flask) -> None:
    later = DAY + timedelta(days=60)
    with old.app_context():
        assert chores.run("retain", as_of=later) == 0
        assert db.session.scalar(select(func.count(Invitation.id))) == 1
        with transaction():
            catalogue.put("policy", "retention.deletes", {"code": "retention.deletes", "value": True}, DAY)
        assert chores.run("retain", as_of=later) == 2
        assert chores.run("retain", as_of=later) == 0


def test_an_accepted_or_open_invitation_stays(old: Flask) -> None:
    with old.app_context():
        with transaction():
            db.session.scalars(select(Invitation)).one().accepted_at = clock.now()
        with clock.stopped_at(DAY + timedelta(days=400)):
            assert "invitations" not in due()


def test_papers_of_an_application_go_180_days_after_a_negative_end(app: Flask, tmp_path: Path) -> None:
    with clock.stopped_at(DAY):
        road.staff(app)
        chen = road.company(app)
        uid = road.apply(chen)
        assert post(chen, f"/applications/{uid}/withdrawal").status_code == 303
    with app.app_context():
        file = db.session.scalars(select(Upload)).one().file
        path = tmp_path / "files" / files.address(file.sha256)
        assert path.exists()
        for days, found in ((179, 0), (180, 1)):
            with clock.stopped_at(DAY + timedelta(days=days)):
                assert due().get("application_files", 0) == found
        db.session.rollback()
        with clock.stopped_at(DAY + timedelta(days=180)):
            retaining.run(by="test")
            outbox.drain()
            assert due().get("application_files", 0) == 0
        db.session.rollback()
        assert not path.exists()
        gone = db.session.scalars(select(StoredFile).where(StoredFile.id == file.id)).one()
        assert gone.name == "-"
        with pytest.raises(Missing):
            files.send(gone)
        file_uid = gone.uid
    rui = browser(app, "rui@house.example")
    assert rui.get(f"/office/applications/{uid}").status_code == 200
    assert rui.get(f"/office/applications/{uid}/files/{file_uid}").status_code == 404


def test_papers_of_an_application_under_way_stay(app: Flask) -> None:
    with clock.stopped_at(DAY):
        road.staff(app)
        road.apply(road.company(app))
    with app.app_context(), clock.stopped_at(DAY + timedelta(days=900)), reading():
        assert "application_files" not in due()


def test_content_that_another_row_needs_stays(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        content = files.put(b"%PDF-1.7 twice", files.PDF)
        with transaction():
            rows = [
                StoredFile(sha256=content.sha256, name=f"{n}.pdf", media_type=files.PDF, size=1, purpose="x")
                for n in range(2)
            ]
            db.session.add_all(rows)
        with transaction():
            files.forget(rows[0])
        outbox.drain()
        assert files.read(rows[1]) == b"%PDF-1.7 twice"
        with transaction():
            files.forget(rows[1])
        outbox.drain()
        assert not (tmp_path / "files" / files.address(content.sha256)).exists()


def test_old_mails_lose_their_words_and_their_address(old: Flask) -> None:
    with old.app_context():
        with clock.stopped_at(DAY):
            outbox.drain()
        with clock.stopped_at(DAY + timedelta(days=1095)):
            retaining.run(by="test")
        row = db.session.scalars(select(MailMessage)).first()
        assert row is not None
        assert (row.address, row.text, row.html, row.title) == ("", "", "", "")


def test_staff_see_what_is_due_and_delete_it(old: Flask) -> None:
    with clock.stopped_at(DAY + timedelta(days=60)):
        sun = browser(old, "sun@house.example")
        page = sun.get("/office/privacy/retention").text
        assert "Delete what is due" in page
        assert post(sun, "/office/privacy/retention").status_code == 303
        page = sun.get("/office/privacy/retention").text
        assert "Nothing is due" in page
        assert "invitation:1" in page
        boss = browser(old, "boss@galaxy.example")
        assert boss.get("/office/privacy/retention").status_code == 403
        assert post(boss, "/office/privacy/retention").status_code == 403


def test_files_are_read_anew_and_what_is_damaged_or_gone_is_on_record(app: Flask, tmp_path: Path) -> None:
    with app.app_context():
        kept = [files.put(f"%PDF-1.7 {n}".encode(), files.PDF) for n in range(3)]
        with transaction():
            rows = [
                StoredFile(sha256=one.sha256, name="x.pdf", media_type=files.PDF, size=1, purpose="x")
                for one in kept
            ]
            db.session.add_all(rows)
        (tmp_path / "files" / files.address(kept[0].sha256)).write_bytes(b"other")
        (tmp_path / "files" / files.address(kept[1].sha256)).unlink()
        assert chores.run("check_files") == 3
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "files.checked")).one()
        assert entry.detail == {"read": 3, "damaged": [rows[0].uid, rows[1].uid]}


def test_the_answer_is_due_after_working_days(app: Flask) -> None:
    with app.app_context(), transaction():
        assert workdays.after(date(2026, 3, 6), 1) == date(2026, 3, 9)
        assert workdays.after(date(2026, 3, 2), 15) == date(2026, 3, 23)
        catalogue.put("holiday", "2026-03-09", {"code": "2026-03-09"}, date(2026, 1, 1))
        catalogue.put("holiday", "2026-03-14", {"code": "2026-03-14", "works": True}, date(2026, 1, 1))
        assert workdays.after(date(2026, 3, 6), 1) == date(2026, 3, 10)
        assert workdays.after(date(2026, 3, 13), 1) == date(2026, 3, 14)


def test_a_registered_name_is_changed_from_a_day_or_corrected_with_evidence(app: Flask) -> None:
    with app.app_context(), transaction():
        make_person("rui@house.example", "Rui", staff=(StaffRole.REVIEWER,))
        make_person("fang@house.example", "Fang", staff=(StaffRole.FINANCE,))
        from tests.walls import add

        uid = add("Galaxy Chips").uid
    rui, fang = browser(app, "rui@house.example"), browser(app, "fang@house.example")
    page = f"/office/members/{uid}/names"
    assert fang.get(page).status_code == 403
    assert rui.get("/office/members/nobody/names").status_code == 404
    assert "Galaxy Chips" in rui.get(page).text
    assert post(rui, page, legal_name="Nebula Chips").status_code == 422
    assert post(rui, page, legal_name="Galaxy Chips", evidence="licence").status_code == 422
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    assert post(rui, page, legal_name="Nebula Chips", evidence="licence", since=tomorrow).status_code == 422
    assert (
        post(rui, page, legal_name="Nebula Chips", evidence="licence", since="2026-01-05").status_code == 303
    )
    assert post(rui, page, legal_name="Nebula Chips Ltd", evidence="typing mistake").status_code == 303
    with app.app_context(), reading():
        former = db.session.scalars(select(FormerName)).all()
        assert [(one.name, one.until) for one in former] == [("Galaxy Chips", date(2026, 1, 5))]
        verbs = db.session.scalars(
            select(AuditEntry.verb).where(AuditEntry.verb.startswith("organisation.")).order_by(AuditEntry.id)
        )
        assert list(verbs) == ["organisation.renamed", "organisation.name_corrected"]
        assert db.session.scalar(select(func.count(Person.id))) == 2
    for query in ("galaxy", "nebula"):
        assert uid in app.test_client().get(f"/members?q={query}").text
