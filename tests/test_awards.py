"""Awards in the real tables: granted once, documents that never change, holds, revocations, new documents, renewals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from portal.accounts.people import Person
from portal.certs import (
    award_chores,
    award_proposals,
    award_steps,
    awarding,
    batches,
    issuing,
    levels,
    papers,
    sharing,
    signing_badges,
    verifying,
)
from portal.certs.award_proposals import Wanted
from portal.certs.models.award import Award, AwardState, AwardVerb, RevokeCause
from portal.certs.models.document import (
    Badge,
    BatchKind,
    BatchRow,
    BatchState,
    Certificate,
    CertificateSnapshot,
    PaperState,
)
from portal.certs.naming import Names, Shown
from portal.certs.standing import CertificateState
from portal.core import clock, outbox, pdf, signing
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Missing, Refused
from portal.core.mail import MailMessage
from portal.core.outbox import OutboxItem
from tests.awarded import DECIDED, award, granted, house, make_keys, person
from tests.people import make_person

S, V = CertificateState, AwardVerb
DAY = timedelta(days=1)


@pytest.fixture
def certs(app: Flask) -> Flask:
    house(app)
    return app


def one(uid: str) -> Award:
    return awarding.found(uid)


def state(uid: str) -> CertificateState:
    row = issuing.current(one(uid))
    assert row is not None
    return verifying.state_of(row, clock.now())[0]


def propose(uid: str, verb: AwardVerb, **more: Any) -> str:
    with transaction():
        wanted = Wanted(reason="because", **more)
        return award_proposals.propose(one(uid), verb, wanted, by=person("cen@house.example")).uid


def confirm(uid: str, mail: str = "deng@house.example") -> None:
    with transaction():
        award_proposals.confirm(award_proposals.found(uid), by=person(mail))


def bits(purpose: str) -> list[int]:
    return signing_badges.places(purpose, 1, clock.now())


def test_a_decision_grants_once_and_its_document_gets_number_snapshot_badge_and_file(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED):
        with transaction():
            again = award()
        assert again.uid == uid
        row = one(uid)
        assert (row.start, row.end - DAY) == (DECIDED, date(2028, 11, 19))
        document = issuing.current(row)
        assert document is not None
        assert document.state is PaperState.READY
        assert document.number.startswith("FOS-2026-")
        body = issuing.body_of(document)
        assert body is not None
        assert body["names"] == {"zh": "张伟", "latin": "Zhang Wei"}
        assert body["last_day"] == "2028-11-19"
        assert body["valid_until"] == "2028-11-19T16:00:00+00:00"
        badge = signing_badges.of_certificate(document)
        assert badge is not None
        assert badge.document
        assert body["badge"]["revocation"] == [1, badge.revocation_index]
        mails = db.session.scalars(
            select(MailMessage.title).where(MailMessage.address == "zhang@holder.example")
        ).all()
        assert mails == ["Your certificate is ready: FlagOS Operator Developer"]
        assert outbox.drain() <= 1  # the mail
        with transaction():
            assert issuing.issue(row, by="demo").number == document.number
        assert db.session.scalar(select(func.count(Certificate.id))) == 1


def test_what_was_issued_never_changes_whatever_happens_to_profile_catalogue_or_row(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context():
        document = issuing.current(one(uid))
        assert document is not None
        before = issuing.body_of(document)
        with transaction():
            person("zhang@holder.example").name = "Somebody Else"
            one(uid).name_latin = "Somebody Else"
        assert issuing.body_of(document) == before
        for statement in (
            "UPDATE certificate_snapshot SET body = '{}'",
            "UPDATE certificate SET number = 'FOS-2026-00000-00000-0'",
            "UPDATE certificate SET snapshot_sha256 = '0'",
            "UPDATE certificate SET file_id = NULL",
            "UPDATE badge SET document = '{}'",
            "UPDATE badge SET revocation_index = 1",
            "UPDATE award SET \"end\" = '2040-01-01'",
            "UPDATE award SET person_id = 1 WHERE person_id <> 1",
            "DELETE FROM certificate",
            "DELETE FROM badge",
            "DELETE FROM award",
            "UPDATE signing_key SET public_pem = ''",
        ):
            with pytest.raises(DatabaseError), transaction():
                db.session.execute(text(statement))
        snapshot = db.session.scalars(select(CertificateSnapshot)).one()
        with pytest.raises(RuntimeError, match="on record"), transaction():
            snapshot.body = "{}"
            db.session.flush()
        assert issuing.body_of(document) == before


def test_a_hold_takes_two_people_and_page_and_bits_follow_at_once(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        asked = propose(uid, V.SUSPEND)
        assert (state(uid), bits("suspension")) == (S.VALID, [])
        with pytest.raises(Forbidden), transaction():
            award_proposals.confirm(award_proposals.found(asked), by=person("cen@house.example"))
        with pytest.raises(Forbidden), transaction():
            award_proposals.confirm(award_proposals.found(asked), by=person("clara@house.example"))
        confirm(asked)
        assert state(uid) is S.SUSPENDED
        assert len(bits("suspension")) == 1
        assert awarding.credentials([person("zhang@holder.example")]) == {one(uid).person_id: []}
    with certs.app_context(), clock.stopped_at(DECIDED + 2 * DAY):
        confirm(propose(uid, V.LIFT))
        assert (state(uid), bits("suspension")) == (S.VALID, [])
        assert [
            row.level for row in awarding.credentials([person("zhang@holder.example")])[one(uid).person_id]
        ] == ["OPDEV"]


def test_an_urgent_hold_counts_at_once_and_falls_away_unless_confirmed_in_three_days(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        propose(uid, V.SUSPEND, urgent=True)
        assert (state(uid), len(bits("suspension"))) == (S.SUSPENDED, 1)
    with certs.app_context(), clock.stopped_at(DECIDED + 4 * DAY):
        assert (state(uid), bits("suspension")) == (S.VALID, [])  # before any chore
        assert [award_chores.lapse_holds(), award_chores.lapse_holds()] == [1, 0]
        assert one(uid).state is AwardState.GRANTED
        assert award_proposals.open_for(one(uid)) == []
        asked = propose(uid, V.SUSPEND, urgent=True)
        confirm(asked)
    with certs.app_context(), clock.stopped_at(DECIDED + 40 * DAY):
        assert award_chores.lapse_holds() == 0
        assert state(uid) is S.SUSPENDED


def test_a_revocation_hears_the_holder_for_14_days_and_is_final(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        asked = propose(uid, V.REVOKE, cause=RevokeCause.MISCONDUCT)
        with pytest.raises(Refused, match="答复期内"):
            confirm(asked)
        with transaction():
            proposal = award_proposals.found(asked)
            with pytest.raises(Missing):
                award_proposals.hear(proposal, by=person("cen@house.example"), words="not me")
    with certs.app_context(), clock.stopped_at(DECIDED + 16 * DAY):
        confirm(asked)
        assert state(uid) is S.REVOKED
        assert len(bits("revocation")) == 1
        for verb in (V.SUSPEND, V.LIFT, V.REISSUE):
            with pytest.raises(Refused, match="状态已发生变化"):
                propose(uid, verb)
        with pytest.raises(DatabaseError), transaction():
            db.session.execute(text("UPDATE award SET revoked_at = NULL, state = 'granted'"))
        confirm(propose(uid, V.REGRANT))
        rows = awarding.of_person(person("zhang@holder.example"))
        assert [(row.start, row.end, row.state.value) for row in rows] == [
            (DECIDED, date(2028, 11, 20), "granted"), (DECIDED, date(2028, 11, 20), "revoked"),
        ]  # fmt: skip


def test_an_answer_of_the_holder_lets_the_decision_come_sooner(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        asked = propose(uid, V.REVOKE, cause=RevokeCause.ERROR)
        with transaction():
            award_proposals.hear(
                award_proposals.found(asked), by=person("zhang@holder.example"), words="I agree"
            )
        confirm(asked)
        assert state(uid) is S.REVOKED


def test_a_new_name_gives_a_new_document_and_the_old_one_says_replaced_and_nothing_more(certs: Flask) -> None:
    from portal.core import files

    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        old = issuing.current(one(uid))
        assert old is not None
        names = Names("李伟", "Li Wei")
        with pytest.raises(Refused, match="请附上"):
            propose(uid, V.REISSUE, names=names)
        paper = (files.put(b"%PDF-1.7 paper", files.PDF), "paper.pdf")
        with transaction():
            asked = award_proposals.propose(
                one(uid),
                V.REISSUE,
                Wanted("married", names=names),
                by=person("cen@house.example"),
                paper=paper,
            ).uid
        confirm(asked, "clara@house.example")
        outbox.drain()
        new = issuing.current(one(uid))
        assert new is not None
        assert new.number != old.number
        assert verifying.state_of(old, clock.now())[0] is S.SUPERSEDED
        said = repr(verifying.answer(verifying.see(old)))
        assert new.number not in said
        assert "李" not in said
        body = issuing.body_of(new)
        assert body is not None
        assert body["names"] == {"zh": "李伟", "latin": "Li Wei"}
        assert len(bits("revocation")) == 1
        assert (one(uid).start, one(uid).end) == (DECIDED, date(2028, 11, 20))


def test_early_renewal_and_the_level_above_lengthen_without_losing_a_day(certs: Flask) -> None:
    granted(certs)
    early = date(2028, 8, 1)
    with certs.app_context(), clock.stopped_at(early):
        with transaction():
            make_keys(turn=1)
            new = award("zhang@holder.example", "ADAPT", on=early, decision="decision:2")
        assert new.end == date(2030, 8, 1)
        rows = {row.level: row for row in awarding.of_person(person("zhang@holder.example"))[::-1]}
        assert (rows["OPDEV"].end, rows["OPDEV"].renews_id is not None) == (date(2030, 8, 1), True)
        ranks = db.session.execute(awarding.levels_in_force()).all()
        assert sorted(ranks) == [
            (rows["ADAPT"].person_id, 1),
            (rows["ADAPT"].person_id, 1),
            (rows["ADAPT"].person_id, 2),
        ]
        with pytest.raises(Refused, match="尚未到续证"), transaction():
            award("zhang@holder.example", "ADAPT", on=early, decision="decision:3")
        late = date(2030, 7, 1)
        with transaction():
            assert award(level="ADAPT", on=late, decision="decision:4", issue=False).end == date(2032, 8, 1)


def test_holders_are_reminded_once_a_step_and_the_end_is_told_once(certs: Flask) -> None:
    uid = granted(certs)
    end = date(2028, 11, 20)
    told = []
    for left in (181, 180, 179, 91, 90, 30, 7, 6, 0, -1, -30, -31):
        with certs.app_context(), clock.stopped_at(end - left * DAY):
            if award_chores.remind_renewals():
                told.append(left)
            assert award_chores.remind_renewals() == 0
    assert told == [180, 90, 30, 7, 0, -30]
    with certs.app_context(), clock.stopped_at(end), reading():
        titles_sent = db.session.scalars(
            select(MailMessage.title).where(MailMessage.key.like("award-ending:%"))
        ).all()
        assert len(titles_sent) == 6
        assert state(uid) is S.EXPIRED


def test_a_holder_decides_alone_what_is_shown_and_whether_to_give_back(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        holder, other = person("zhang@holder.example"), person("cen@house.example")
        with pytest.raises(Missing), transaction():
            sharing.show(one(uid), Shown.FULL, by=other)
        with transaction():
            sharing.show(one(uid), Shown.FULL, by=holder)
            link, address = sharing.give([one(uid)], by=holder, label="job", days=30)
        secret = address.rsplit("/", 1)[1]
        assert secret not in link.token_hash
        assert [award.uid for award, _row in sharing.opened(secret)[1]] == [uid]
        with transaction():
            sharing.end(link.uid, by=holder)
        with pytest.raises(Missing):
            sharing.opened(secret)
        with pytest.raises(Missing), transaction():
            award_proposals.give_back(one(uid), by=other, reason="")
        with transaction():
            award_proposals.give_back(one(uid), by=holder, reason="")
        assert (one(uid).cause, state(uid)) == (RevokeCause.WISH, S.REVOKED)


def test_a_batch_is_interrupted_and_goes_on_where_it_was_with_errors_by_row(certs: Flask) -> None:
    with certs.app_context(), clock.stopped_at(DECIDED):
        with transaction():
            people = [make_person(f"p{n}@holder.example", f"P {n}") for n in range(6)]
            rows = [award(p.email, decision=f"decision:{n + 10}", issue=False) for n, p in enumerate(people)]
            award_steps.revoke(
                rows[2], cause=RevokeCause.ERROR, by=person("cen@house.example"), reason="x", quiet=True
            )
            batch = batches.open_batch(
                rows, kind=BatchKind.ISSUE, label="Sitting", reason="", by=person("cen@house.example")
            )
        numbers = [n for (n,) in db.session.execute(select(BatchRow.id).order_by(BatchRow.id))]
        batches._one(numbers[0])  # two rows done, then the worker is gone
        batches._one(numbers[1])
        before = {
            row.certificate.number for row in db.session.scalars(batches.rows_of(batch)) if row.certificate
        }
        outbox.drain()
        far = batches.progress(batches.found(batch.uid))
        assert (far.total, far.issued, far.ready, far.failed, far.over) == (6, 5, 5, 1, True)
        after = {
            row.certificate.number for row in db.session.scalars(batches.rows_of(batch)) if row.certificate
        }
        assert before < after
        assert batches.found(batch.uid).state is BatchState.DONE
        first = db.session.scalars(batches.rows_of(batch)).first()
        assert first is not None
        assert "已撤销" in first.error
        packed = b"".join(batches.archive(batch))
        assert packed.count(b"FOS-2026-") >= 10


def test_a_reissue_of_many_waits_for_a_second_person(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        old = issuing.current(one(uid))
        assert old is not None
        with transaction():
            batch = batches.open_batch(
                [one(uid)], kind=BatchKind.REISSUE, label="Key", reason="leak", by=person("cen@house.example")
            )
        outbox.drain()
        assert issuing.current(one(uid)) is old or issuing.current(one(uid)).number == old.number  # type: ignore[union-attr]
        with pytest.raises(Forbidden), transaction():
            batches.confirm(batch, by=person("cen@house.example"))
        with transaction():
            batches.confirm(batch, by=person("clara@house.example"))
        outbox.drain()
        new = issuing.current(one(uid))
        assert new is not None
        assert new.number != old.number
        assert batches.progress(batch).ready == 1


def paper_of(uid: str) -> Certificate:
    """Return the present document of an award, as the database has it."""
    found = issuing.current(one(uid))
    assert found is not None
    db.session.refresh(found)
    return found


def test_a_payment_taken_back_puts_the_award_on_hold_before_it_can_end_it(certs: Flask) -> None:
    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        with pytest.raises(Refused) as refusal:
            propose(uid, V.REVOKE, cause=RevokeCause.PAYMENT)
        assert (refusal.value.field, refusal.value.status) == ("cause", 422)
        with transaction():
            award_steps.suspend(one(uid), reason="charged back", by=person("cen@house.example"))
        assert propose(uid, V.REVOKE, cause=RevokeCause.PAYMENT)


def test_a_file_that_cannot_be_made_says_why_and_is_tried_again(certs: Flask) -> None:
    with certs.app_context(), clock.stopped_at(DECIDED):
        with transaction():
            uid = award().uid
        with mock.patch.object(papers, "_made", side_effect=OSError("no space left")):
            outbox.drain()
        assert (paper_of(uid).state, paper_of(uid).error) == (PaperState.FAILED, "OSError: no space left")
        with transaction():
            papers.again(paper_of(uid))
        outbox.drain()
        assert (paper_of(uid).state, paper_of(uid).error) == (PaperState.READY, "")


def test_papers_wait_in_the_queue_without_faces_or_a_key_and_go_on_by_themselves(certs: Flask) -> None:
    with certs.app_context():
        with clock.stopped_at(DECIDED), transaction():
            later, uid = clock.now(), award().uid
        for _ in range(outbox.MOST_TRIES + 2):  # however long it takes
            later += outbox.WAIT
            with clock.stopped_at(later), mock.patch.object(pdf, "spared", return_value=False):
                assert outbox.drain(most=3) == 0
            assert paper_of(uid).state is PaperState.QUEUED
            assert "portal fonts build" in paper_of(uid).error
        work = db.session.scalars(select(OutboxItem).where(OutboxItem.kind == issuing.PAPER)).one()
        assert (work.tries, work.dead_at, work.error) == (0, None, paper_of(uid).error)
        with clock.stopped_at(later + outbox.WAIT):
            with transaction():
                for key in signing.every():
                    key.end = clock.now() - DAY
            outbox.drain()
            assert paper_of(uid).state is PaperState.QUEUED
            assert "portal keys" in paper_of(uid).error
            with transaction():
                for key in signing.every():
                    key.end = clock.now() + 400 * DAY
        with clock.stopped_at(later + 2 * outbox.WAIT):
            outbox.drain()
        assert (paper_of(uid).state, paper_of(uid).error) == (PaperState.READY, "")
        assert work.done_at is not None


def test_the_probe_says_whether_documents_can_be_made(certs: Flask) -> None:
    said = certs.test_client().get("/readyz")
    assert said.status_code == 200
    assert (
        said.text
        == "ready\ndocuments: unavailable, the faces of certificates were not built: run `portal fonts build`\n"
    )


def test_erasure_takes_names_and_files_and_keeps_number_and_digest(certs: Flask) -> None:
    from portal.accounts.events import PersonErased
    from portal.core.events import publish

    uid = granted(certs)
    with certs.app_context(), clock.stopped_at(DECIDED + DAY):
        document = issuing.current(one(uid))
        assert document is not None
        number, digest = document.number, document.snapshot_sha256
        with transaction():
            publish(
                PersonErased(person("zhang@holder.example"), "erased-1", "Zhang Wei", "zhang@holder.example")
            )
        outbox.drain()
        db.session.expire_all()
        row = issuing.by_number(number)
        assert row is not None
        assert (row.snapshot_sha256, issuing.body_of(row)) == (digest, None)
        assert row.file is not None
        assert row.file.erased_at is not None
        assert db.session.scalars(select(Badge.document)).all() == [None]
        with pytest.raises(Missing):
            verifying.found(number)
        kept = repr(
            [
                tuple(one)
                for table in ("award", "certificate", "badge", "certificate_snapshot")
                for one in db.session.execute(text(f"SELECT * FROM {table}"))
            ]
        )
        assert "张伟" not in kept
        assert "Zhang" not in kept


def test_levels_of_the_catalogue_know_what_stands_below_them(certs: Flask) -> None:
    with certs.app_context(), reading():
        assert levels.below("ARCH") == ["ADAPT", "OPDEV"]
        assert [one.rank for one in levels.levels()] == [1, 2, 3]
        assert isinstance(person("ada@house.example"), Person)
