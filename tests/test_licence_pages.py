"""Licences as their owners and staff meet them on pages, and what time and lists bring to them."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from portal.accounts import hooks
from portal.accounts.hook_models import WebhookDelivery
from portal.accounts.may import ContactRole, StaffRole
from portal.accounts.organisations import Organisation
from portal.core import clock, signing
from portal.core.db import db, reading, transaction
from portal.core.errors import Forbidden, Refused
from portal.core.mail import MailMessage
from portal.core.signing import KeyState, KeyUse
from portal.services.licences import announcing, importing, key_steps, life, roll, showing, usage, usage_chart
from portal.services.licences.announcing import News, due
from portal.services.licences.judge import Span
from portal.services.licences.kinds import HoldReason, Stage, TermKind
from portal.services.licences.models.licence import Licence, LicenceState, LicenceTerm
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent, LicenceFile
from portal.services.licences.models.steps import KeyDeed, KeyStep
from portal.services.licences.usage import Interval
from tests import licences as l
from tests.people import browser, make_org, make_person
from tests.people import post as send


@pytest.fixture
def house(app: Flask) -> Flask:
    with app.app_context(), transaction():
        chen = make_person("chen@galaxy.example", "Chen")
        bill = make_person("bill@galaxy.example", "Bill")
        galaxy = make_org("Galaxy", (chen, ContactRole.OWNER), (bill, ContactRole.BILLING))
        make_org("Rival", (make_person("rho@rival.example", "Rho"), ContactRole.OWNER))
        make_person("fin@house.example", "Fin", staff=(StaffRole.FINANCE,))
        make_person("sup@house.example", "Sup", staff=(StaffRole.SUPPORT_AGENT,))
        make_person("aud@house.example", "Aud", staff=(StaffRole.AUDITOR,))
        for name in ("kim", "kay"):
            make_person(f"{name}@house.example", name.title(), staff=(StaffRole.ADMINISTRATOR,))
        signing.create(KeyUse.LICENCE, by="One", second="Other")
        l.licence(3, org=galaxy)
    return app


def uid_of(app: Flask) -> str:
    with app.app_context(), reading():
        return db.session.scalars(select(Licence.uid)).one()


def seen(client: Any, path: str, status: int = 200) -> str:
    found = client.get(path)
    text = found.get_data(as_text=True)
    assert found.status_code == status, text[-2000:]
    return re.sub(r"\s+", " ", text)


def post(client: Any, path: str, **fields: Any) -> Any:
    return send(client, path, **fields)


def test_an_owner_makes_a_key_that_is_shown_once_and_the_first_node_appears(house: Flask) -> None:
    chen, uid = browser(house, "chen@galaxy.example"), uid_of(house)
    assert "Three steps to the first node" in seen(chen, f"/licences/{uid}")
    bad = post(chen, f"/licences/{uid}/keys", label="", most_nodes="0")
    assert bad.status_code == 422
    made = post(chen, f"/licences/{uid}/keys", label="prod", most_nodes="2", last="")
    assert made.status_code == 200
    assert made.headers["Cache-Control"] == "no-store"
    key = re.search(r"FLAG(-[0-9A-Z]{5}){5}", made.text)
    assert key is not None
    assert key[0] not in seen(chen, f"/licences/{uid}/keys")
    with house.app_context():
        l.claim(key[0], "rack-1.gpu-1", name="gpu-1", platform="linux/arm64")
    page = seen(chen, f"/licences/{uid}?q=GPU-1")
    assert "rack-1.gpu-1" in page
    assert "Nothing matches" in seen(chen, f"/licences/{uid}?q=zzz")
    assert "Nothing matches" in seen(chen, f"/licences/{uid}?state=borrowed")
    assert "rack-1.gpu-1" in seen(chen, f"/licences/{uid}/nodes/file")
    with house.app_context(), reading():
        mails = db.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
        assert {one.address for one in mails} == {"chen@galaxy.example"}
        assert all(key[0] not in one.text + one.html for one in mails)
        assert all(key[0] not in str(one.detail) for one in db.session.scalars(select(LicenceEvent)))
    row = re.search(r"/keys/(lk_\w+)/end", seen(chen, f"/licences/{uid}/keys"))
    assert row is not None
    assert post(chen, f"/licences/{uid}/keys/{row[1]}/end", last="2099-01-01").status_code == 303
    assert post(chen, f"/licences/{uid}/keys/{row[1]}/end").status_code == 303
    with house.app_context():
        assert l.code_of(key[0], "rack-1.gpu-1") == "KEY_UNKNOWN"


def nodes(app: Flask, uid: str) -> dict[str, str]:
    with app.app_context(), reading():
        rows = (
            select(Node.fingerprint, Node.uid)
            .join(Licence)
            .where(Licence.uid == uid, Node.released_at.is_(None))
        )
        return dict(db.session.execute(rows.order_by(Node.id)).all())


def claimed(app: Flask, *fingerprints: str) -> str:
    """Let nodes come in by a key of their own; return the licence."""
    from portal.services.licences import keyring

    with app.app_context():
        with transaction():
            row = db.session.scalars(select(Licence)).one()
            key = keyring.make(row.id, label="test", by="test")[1]
            uid = row.uid
        for one in fingerprints:
            l.claim(key, one)
    return uid


def test_nodes_are_moved_kept_blocked_and_released_many_at_once(house: Flask) -> None:
    chen, uid = browser(house, "chen@galaxy.example"), claimed(house, "node-a", "node-b", "node-c")
    named, base = nodes(house, uid), f"/licences/{uid}/nodes"
    moved = post(chen, f"{base}/{named['node-a']}/move", fingerprint="node-d")
    assert moved.status_code == 303
    assert "node-d" in seen(chen, moved.location)
    bad = post(chen, f"{base}/{named['node-b']}/move", fingerprint="!")
    assert bad.status_code == 422
    assert "A fingerprint is" in bad.text
    assert post(chen, f"{base}/{named['node-b']}/keep", kept="yes").status_code == 303
    assert "Keep it no longer" in seen(chen, f"{base}/{named['node-b']}")
    assert post(chen, f"{base}/{named['node-c']}/block", reason="lost").status_code == 303
    assert "This machine is blocked: lost" in seen(chen, f"{base}/{named['node-c']}")
    assert post(chen, f"{base}/{named['node-c']}/unblock").status_code == 303
    left = nodes(house, uid)
    preview = post(chen, f"{base}/release", node=list(left.values()))
    assert "Release 2 nodes?" in preview.text
    assert nodes(house, uid) == left
    done = post(chen, f"{base}/release", node=list(left.values()), sure="yes")
    assert done.status_code == 303
    assert nodes(house, uid) == {}
    assert post(chen, f"{base}/release").status_code == 303
    rival = browser(house, "rho@rival.example")
    assert post(rival, f"{base}/release", node="x").status_code == 404


def test_a_file_is_shown_before_it_is_signed_and_nothing_is_kept_of_the_look(house: Flask) -> None:
    chen, uid = browser(house, "chen@galaxy.example"), claimed(house, "node-a")
    base = f"/licences/{uid}/files"
    look = post(
        chen,
        base,
        fingerprints="node-a, box-1",
        days="30",
        upload=(io.BytesIO(b"box-2\nnode-a\n"), "list.txt"),
    )
    assert look.status_code == 200, look.text
    assert "It holds 3 seats until" in look.text
    assert "1 have a seat already, 2 take a free one." in look.text
    with house.app_context(), reading():
        assert db.session.scalars(select(LicenceFile)).all() == []
        assert db.session.scalars(select(Node.fingerprint)).all() == ["node-a"]
    signed = post(chen, base, fingerprints="node-a\nbox-1\nbox-2", days="30", sure="yes")
    assert signed.status_code == 303, signed.text
    page = seen(chen, signed.location)
    assert "3 machines" in page
    file = chen.get(f"{signed.location}/lic")
    assert file.mimetype == "application/jwt"
    assert file.headers["Content-Disposition"].endswith('.lic"')
    full = post(chen, base, fingerprints="one-more", days="30")
    assert full.status_code == 409
    assert "All nodes of this licence are live." in full.text
    assert "one-more" in full.text
    assert post(chen, base, fingerprints="node-a", days="36").status_code == 422
    assert post(chen, base, fingerprints="", days="3").status_code == 422
    held = post(chen, f"/licences/{uid}/nodes/release", node=list(nodes(house, uid).values()), sure="yes")
    assert "These could not be released" in held.text
    assert len(nodes(house, uid)) == 3
    sup = browser(house, "sup@house.example")
    jti = signed.location.rsplit("/", 1)[1]
    assert post(sup, f"/office/licences/{uid}/files/{jti}/return", reason="").status_code == 422
    assert (
        post(sup, f"/office/licences/{uid}/files/{jti}/return", reason="The machine was scrapped").status_code
        == 303
    )
    assert "Taken back on" in seen(chen, signed.location)


def test_staff_suspend_by_their_office_and_two_revoke(house: Flask) -> None:
    fin, sup = browser(house, "fin@house.example"), browser(house, "sup@house.example")
    chen, uid = browser(house, "chen@galaxy.example"), uid_of(house)
    base = f"/office/licences/{uid}"
    words = {"words_en": "Overdue.", "words_zh": "逾期。", "notice": "0"}
    assert post(sup, f"{base}/holds", reason="payment", **words).status_code == 422
    assert post(fin, f"{base}/holds", reason="payment", **words).status_code == 303
    assert post(fin, f"{base}/holds", reason="payment", **words).status_code == 409
    assert "Suspended: Overdue." in seen(chen, f"/licences/{uid}")
    hold = re.search(r"/holds/(lh_\w+)/lift", seen(fin, base))
    assert hold is not None
    assert post(sup, f"{base}/holds/{hold[1]}/lift").status_code == 403
    assert post(fin, f"{base}/holds/{hold[1]}/lift").status_code == 303
    assert post(sup, f"{base}/revocation", reason="The key is public").status_code == 303
    proposal = re.search(r"/proposals/(lp_\w+)/decline", seen(sup, base))
    assert proposal is not None
    assert f"{proposal[1]}/confirm" not in seen(sup, base)
    assert post(sup, f"{base}/proposals/{proposal[1]}/confirm").status_code == 403
    assert "The key is public" in seen(fin, "/office/licences/queue")
    assert post(fin, f"{base}/proposals/{proposal[1]}/confirm").status_code == 303
    with house.app_context(), reading():
        assert db.session.scalars(select(Licence)).one().state is LicenceState.REVOKED
    aud = browser(house, "aud@house.example")
    assert "Revoked for good" in seen(aud, "/office/licences/?stage=revoked")
    assert "Nothing matches" in seen(aud, "/office/licences/?stage=in_force")
    assert uid in seen(aud, "/office/licences/file")
    assert post(aud, f"{base}/holds", reason="abuse", **words).status_code == 403
    assert "Make the key" not in seen(aud, f"/licences/{uid}/keys")


def test_two_keepers_handle_the_keys_that_sign(house: Flask) -> None:
    kim, kay = browser(house, "kim@house.example"), browser(house, "kay@house.example")
    base = "/office/licences/signing-keys"
    assert post(kim, f"{base}/add", reason="Yearly change").status_code == 303
    assert post(kim, f"{base}/add", reason="Once more").status_code == 409
    step = re.search(r"/key-steps/(ks_\w+)/decline", seen(kim, base))
    assert step is not None
    assert post(kim, f"/office/licences/key-steps/{step[1]}/confirm").status_code == 403
    assert post(kay, f"/office/licences/key-steps/{step[1]}/confirm").status_code == 303
    assert post(kay, f"/office/licences/key-steps/{step[1]}/confirm").status_code == 409
    with house.app_context(), reading():
        first, following = signing.every(KeyUse.LICENCE)
        assert (first.state, following.state) == (KeyState.ACTIVE, KeyState.NEXT)
        kid, early = first.kid, following.kid
    assert post(kay, f"{base}/{early}/activate", reason="Now").status_code == 303
    with house.app_context(), pytest.raises(Refused), transaction():
        row = db.session.scalars(select(KeyStep).order_by(KeyStep.id.desc())).first()
        assert row is not None
        key_steps.decide(row, True, by=make_person("third@house.example"))
    assert post(kim, f"{base}/{kid}/compromise", reason="It leaked").status_code == 303
    step = re.search(r"/key-steps/(ks_\w+)/confirm", seen(kay, base))
    assert step is not None
    assert post(kay, f"/office/licences/key-steps/{step[1]}/confirm").status_code == 303
    assert kid not in browser(house, "kay@house.example").get("/api/v1/licences/jwks.json").text
    with house.app_context(), pytest.raises(Forbidden), transaction():
        own = key_steps.propose(KeyDeed.ADD, "", reason="x", by=make_person("solo@house.example"))
        key_steps.decide(own, True, by=own.by)


# ---- Use


def at(hours: float) -> datetime:
    return datetime(2027, 3, 1, tzinfo=UTC) + timedelta(hours=hours)


@given(st.lists(st.tuples(st.integers(-5, 50), st.one_of(st.none(), st.integers(0, 12))), max_size=12))
def test_the_peak_of_a_step_is_the_most_at_any_instant_of_it(given_: list[tuple[int, int | None]]) -> None:
    periods = [(at(a), None if span is None else at(a + span)) for a, span in given_]
    edges = [(at(n * 8), at(n * 8 + 8)) for n in range(6)]

    def live(moment: datetime) -> int:
        return sum(a <= moment and (b is None or moment < b) for a, b in periods)

    expected = [max(live(at(hour)) for hour in range(n * 8, n * 8 + 8)) for n in range(6)]
    found = usage.peaks(edges, periods)
    assert [most for most, _at in found] == expected
    assert all(
        live(moment) == most and a <= moment < b for (most, moment), (a, b) in zip(found, edges, strict=True)
    )


def test_the_use_of_a_licence_is_drawn_listed_and_handed_out(house: Flask) -> None:
    chen, uid = browser(house, "chen@galaxy.example"), claimed(house, "node-a", "node-b", "node-c")
    with house.app_context():
        from portal.services.licences.denial import Denied

        with pytest.raises(Denied):
            claimed(house, "node-d")
        with reading():
            row = db.session.scalars(select(Licence)).one()
            step = usage.of(
                row, clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1), Interval.HOUR
            )[-1]
            assert (step.live, step.reporting, step.limit, step.refused) == (3, 3, 3, 1)
            chart = usage_chart.drawn([step, step], Interval.HOUR)
            assert chart is not None
            assert [mark.count for mark in chart.marks] == [1, 1]
            with pytest.raises(Refused):
                usage.steps(at(-10_000), at(0), Interval.HOUR)
    page = seen(chen, f"/licences/{uid}/usage")
    assert "At most 3 nodes were live; 1 claims were refused." in page
    assert '<polygon class="chart-refused"' in page
    assert "too many steps" in seen(chen, f"/licences/{uid}/usage?interval=hour&from=2020-01-01")
    assert ",3,3,3,1" in seen(chen, f"/licences/{uid}/usage/file")
    assert "Two" not in seen(chen, f"/licences/{uid}/events?kind=node.")


# ---- Time


def spans(*pairs: tuple[datetime, datetime], grace: int = 15) -> list[Span]:
    return [Span(TermKind.BASE, 5, a, b, grace_days=grace) for a, b in pairs]


def test_what_time_brings_is_due_from_its_instant_on() -> None:
    begin, end = at(0), at(0) + timedelta(days=365)
    terms = spans((begin, end))
    said = {days: end - timedelta(days=days) for days in announcing.STEPS}
    for days, moment in said.items():
        assert News(
            f"end:{end:%Y%m%dT%H%M%S}:{days}", "licence.expiring", {"days": days, "ends_at": end}
        ) in due(terms, moment)
        before = due(terms, moment - timedelta(microseconds=1))
        assert all(one.detail.get("days") != days for one in before)
    assert [one.kind for one in due(terms, end)] == ["licence.grace_started"]
    over = end + timedelta(days=15)
    assert [one.kind for one in due(terms, over)] == ["licence.grace_started", "licence.expired"]
    assert [one.kind for one in due(spans((begin, end), grace=0), end)] == ["licence.expired"]
    assert due(terms, begin) == []
    assert due([], begin) == []
    month = spans((begin, begin + timedelta(days=30)))
    assert due(month, begin) == []
    renewed = spans((begin, end), (end, end + timedelta(days=365)))
    assert due(renewed, end - timedelta(days=7)) == []


def test_time_is_told_once_with_mail_and_message_and_decides_nothing(house: Flask) -> None:
    uid = uid_of(house)
    with house.app_context():
        with transaction():
            row = db.session.scalars(select(Licence)).one()
            hooks.add(row.org, "https://hooks.galaxy.example/in", ["licence."], by="test")
            end = db.session.scalars(select(LicenceTerm)).one().ends_at
        assert announcing.announce_licences() == 0
        told = []
        for moment in (
            end - timedelta(days=45),
            end - timedelta(days=40),
            end - timedelta(days=7),
            end,
            end + timedelta(days=15),
        ):
            with clock.stopped_at(moment):
                first, second = announcing.announce_licences(), announcing.announce_licences()
                told.append((first, second))
                with reading():
                    shown = showing.shown(db.session.scalars(select(Licence)).one())
        assert told == [(1, 0), (0, 0), (1, 0), (1, 0), (1, 0)]
        assert shown.verdict.stage is Stage.EXPIRED
        with reading():
            kinds = [
                one.kind for one in db.session.scalars(select(LicenceEvent).order_by(LicenceEvent.sequence))
            ][-4:]
            assert kinds == [
                "licence.expiring",
                "licence.expiring",
                "licence.grace_started",
                "licence.expired",
            ]
            sent = [
                one.kind for one in db.session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id))
            ]
            assert sent == kinds
            mails = [
                one.title
                for one in db.session.scalars(select(MailMessage).order_by(MailMessage.id))
                if one.address.startswith("bill")
            ]
            assert len(mails) == 4
            assert any("60 days" in one for one in mails)
            assert (
                db.session.scalars(select(Licence).where(Licence.uid == uid)).one().state
                is LicenceState.ACTIVE
            )


def test_what_was_missed_for_long_is_on_record_and_no_news(house: Flask) -> None:
    with house.app_context():
        with reading():
            end = db.session.scalars(select(LicenceTerm)).one().ends_at
            before = len(db.session.scalars(select(MailMessage)).all())
        with clock.stopped_at(end + timedelta(days=400)):
            assert announcing.announce_licences() == 2
            assert announcing.announce_licences() == 0
        with reading():
            assert len(db.session.scalars(select(MailMessage)).all()) == before


def test_the_list_of_staff_finds_what_asks_for_somebody(house: Flask) -> None:
    claimed(house, "node-a", "node-b", "node-c")
    with house.app_context(), reading():
        line = roll.lines()[0]
        assert (line.near, line.over, line.beyond, line.shared) == (True, False, False, 0)
        assert roll.narrowed([line], mark="in_force", flag="near") == [line]
        assert roll.narrowed([line], mark="", flag="over") == []
        assert roll.lines(q="nobody of this name") == []
    with house.app_context(), transaction():
        row = db.session.scalars(select(Licence)).one()
        life.suspend(row.id, HoldReason.ABUSE, words=("x", "x"), source="t", by="test")
    assert "Suspended licence" in seen(
        browser(house, "aud@house.example"), "/office/licences/?stage=suspended"
    )


# ---- Lists


def csv(*lines: str) -> bytes:
    return "\n".join((",".join(importing.HEAD), *lines)).encode()


def test_a_list_of_licences_is_taken_once_and_whole(house: Flask) -> None:
    good = csv("Rival,triton-copilot,5,2026-01-01,2099-12-31,", "Galaxy,flagscale,2,2026-01-01,2099-12-31,")
    with house.app_context():
        with transaction():
            assert importing.take(importing.read(good)) == (1, 2, 0)
        with transaction():
            assert importing.take(importing.read(good)) == (0, 0, 0)
        with reading():
            rival = db.session.scalars(
                select(Licence).join(Organisation).where(Organisation.legal_name == "Rival")
            ).one()
            assert showing.shown(rival).verdict.limit == 5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Nobody,flagscale,5,2026-01-01,2026-12-31,", "line 2: organisation: 'Nobody' names none"),
        ("Galaxy,excel,5,2026-01-01,2026-12-31,", "line 2: tool: 'excel' is in no plan"),
        ("Galaxy,flagscale,0,2026-01-01,2026-12-31,", "line 2: nodes"),
        ("Galaxy,flagscale,５,2026-01-01,2026-12-31,", "line 2: nodes"),
        ("Galaxy,flagscale,5,2026-02-30,2026-12-31,", "line 2: start"),
        ("Galaxy,flagscale,5,2026-12-31,2026-01-01,", "line 2: end: it lies before"),
        ("Galaxy,flagscale,5,2026-01-01,2026-12-31,node-a", "line 2: fingerprints: a floating"),
        ("Galaxy,flagscale,5,2026-01-01,2026-12-31,!", "line 2: fingerprints: '!' is none"),
        ("Galaxy,flagscale,5,2026-01-01", "line 2: it needs 6 cells"),
    ],
)
def test_a_list_with_a_fault_says_where_and_leaves_nothing(house: Flask, line: str, said: str) -> None:
    with house.app_context(), reading(), pytest.raises(Refused, match=re.escape(said)):
        importing.read(csv(line))
