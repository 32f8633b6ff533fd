"""What waits for staff, oldest first, with what is overdue by the catalogue's promise; and the figures of each role."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from portal.accounts import audit_office, engine
from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.accounts.people import Grant, Passkey, Person
from portal.billing import desk, queries
from portal.core import audit, catalogue, clock, labels, waiting
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.words import price
from portal.members import care_tasks, deed_showing, privacy_tasks, review, showing, wall
from portal.members.belonging import Agreement, AgreementState, Membership
from portal.members.models import Application, ApplicationState, Pair, Recommendation
from portal.members.renewal_models import LateMoney, LateState
from portal.members.standing import Standing

S, G = ApplicationState, AgreementState
IN_FORCE = (Standing.ACTIVE, Standing.ACTIVE_UNPAID, Standing.AT_RISK, Standing.GRACE)
MOST = 200


def promise() -> int:
    """Return within how many working days an application is decided."""
    return int(catalogue.policy("review.promise_days"))


def days_used(rows: list[Application]) -> dict[int, int]:
    """Return the working days used by many applications, in one statement."""
    history: dict[str, list[AuditEntry]] = defaultdict(list)
    for entry in db.session.scalars(audit.of_subject(*(row.subject for row in rows))):
        history[entry.subject].append(entry)
    return {row.id: showing.days_of(history[row.subject]) for row in rows}


def _task(
    title: str, action: str, since: Any, href: str, *, detail: str = "", overdue: bool = False
) -> dict[str, Any]:
    return {
        "title": title, "href": href, "action": action, "detail": detail, "since": since, "overdue": overdue,
    }  # fmt: skip


def _asked(
    row: Application, reader: Reader, voices: list[Recommendation], *, pairs_open: bool
) -> tuple[str, str] | None:
    """Return title and action of what an application asks of this reader; None if nothing."""
    name, mine = row.org.name, row.case_owner_id == reader.person.id
    if row.state is S.SUBMITTED:
        return (_("New application: %(org)s", org=name), _("Take")) if reader.staff_may(May.REVIEW) else None
    if row.state is S.REJECTED:
        return (_("Appeal: %(org)s", org=name), _("Hear")) if reader.staff_may(May.DECIDE_APPEALS) else None
    if mine:
        return _("Your case: %(org)s", org=name), _("Open the case")
    if row.case_owner_id is None and reader.staff_may(May.REVIEW):
        return _("Without an owner: %(org)s", org=name), _("Take")
    mine_given = reader.person.id in {voice.person_id for voice in voices}
    missing = review.missing_for_decision(row, given=voices, pairs_open=pairs_open)
    if reader.staff_may(May.DECIDE) and not mine_given and not missing:
        return _("To be decided: %(org)s", org=name), _("Decide")
    if reader.staff_may(May.RECOMMEND) and not mine_given:
        return _("Your voice is asked: %(org)s", org=name), _("Recommend")
    return None


def _waiting() -> Select[Application]:
    appealed = (Application.state == S.REJECTED) & Application.appealed_at.is_not(None)
    return (
        select(Application)
        .options(joinedload(Application.case_owner))
        .where(
            Application.state.in_([S.SUBMITTED, S.IN_REVIEW])
            | (appealed & Application.appeal_heard_at.is_(None))
        )
        .order_by(Application.submitted_at, Application.id)
        .limit(MOST)
    )


def _unanswered(orgs: list[int]) -> set[int]:
    """Return which organisations look like another one and nobody has said whether they are."""
    rows = db.session.execute(
        select(Pair.org_id, Pair.other_id).where(
            Pair.answer.is_(None), Pair.org_id.in_(orgs) | Pair.other_id.in_(orgs)
        )
    )
    return {org for pair in rows for org in pair}


def _applications(reader: Reader) -> list[dict[str, Any]]:
    rows = list(db.session.scalars(_waiting()))
    voices: dict[int, list[Recommendation]] = defaultdict(list)
    for voice in db.session.scalars(
        select(Recommendation).where(
            Recommendation.application_id.in_([row.id for row in rows]), Recommendation.voided_at.is_(None)
        )
    ):
        voices[voice.application_id].append(voice)
    unlike = _unanswered([row.org_id for row in rows])
    used, most, found = days_used(rows), promise(), []
    for row in rows:
        if asked := _asked(row, reader, voices[row.id], pairs_open=row.org_id in unlike):
            detail = _(
                "%(tier)s · %(state)s · %(used)s of %(most)s working days used",
                tier=wall.tier_name(row.tier), state=labels.label(row.state), used=used[row.id], most=most,
            )  # fmt: skip
            since = row.appealed_at if row.state is S.REJECTED else row.submitted_at
            late = row.state is not S.REJECTED and used[row.id] > most
            found.append(
                _task(*asked, since, url_for("cases.case", uid=row.uid), detail=detail, overdue=late)
            )
    return found


def _agreements(reader: Reader) -> list[dict[str, Any]]:
    steps = {
        G.DRAFTED: (May.PREPARE_AGREEMENTS, _("Agreement to be sent: %(org)s"), _("Send")),
        G.MEMBER_SIGNED: (May.COUNTERSIGN, _("To be counter-signed: %(org)s"), _("Sign")),
    }
    found = []
    for row in db.session.scalars(
        select(Agreement).where(Agreement.state.in_(list(steps))).order_by(Agreement.id).limit(MOST)
    ):
        verb, title, action = steps[row.state]
        scan = row.state is G.MEMBER_SIGNED and row.way == "chop" and row.checked_by_id is None
        if scan:
            verb, title, action = May.PREPARE_AGREEMENTS, _("Scan to be compared: %(org)s"), _("Compare")
        if reader.staff_may(verb):
            href = url_for("cases.case", uid=row.application.uid)
            since = row.signed_at or row.created_at
            found.append(_task(title % {"org": row.party_name}, action, since, href, detail=row.number))
    return found


def without_factor() -> Select[Person]:
    """Select the staff of today who have neither a passkey nor a code app."""
    today = clock.today()
    works = select(Grant.id).where(
        Grant.person_id == Person.id, Grant.start <= today, (Grant.end.is_(None)) | (Grant.end > today)
    )
    key = select(Passkey.id).where(Passkey.person_id == Person.id)
    return select(Person).where(
        works.exists(),
        ~key.exists(),
        Person.totp_sealed.is_(None),
        Person.disabled_at.is_(None),
        ~Person.demo,
    )


def _house(reader: Reader) -> list[dict[str, Any]]:
    """Return what waits for those who keep the house: dead work, staff without a factor, a broken chain."""
    found = []
    if reader.staff_may(May.RETRY_OUTBOX):
        dead = db.session.scalar(engine.count_dead()) or 0
        if dead:
            title = ngettext(
                "%(num)s piece of work is laid aside", "%(num)s pieces of work are laid aside", dead
            )
            found.append(_task(title, _("Look"), None, url_for("engine.work", state="dead"), overdue=True))
    if reader.staff_may(May.MANAGE_STAFF):
        found += [
            _task(_("No second factor yet: %(name)s", name=one.name), _("Look"), one.created_at, url_for("staff.people"), detail=one.email)
            for one in db.session.scalars(without_factor().order_by(Person.id).limit(20))
        ]  # fmt: skip
    if reader.staff_may(May.READ_AUDIT):
        last = audit.last_check()
        if last is not None and last.detail.get("breaks"):
            found.append(_task(_("The audit chain is broken"), _("Look"), last.at, url_for("chain.entries"), overdue=True))  # fmt: skip
    return found


def _late_money(reader: Reader) -> list[dict[str, Any]]:
    """Return the late money that waits for a word of this reader."""
    held = reader.staff_may(May.CHASE_DEBTORS) or reader.staff_may(May.DECIDE_APPEALS)
    states = {LateState.REVIEW: reader.staff_may(May.REVIEW), LateState.HELD: held}
    rows = select(LateMoney).where(LateMoney.state.in_([one for one, mine in states.items() if mine]))
    return [
        _task(
            _("Late money: %(org)s", org=row.membership.org.name), _("Decide"), row.at,
            url_for("renewals.one", uid=row.membership.org.uid), detail=labels.label(row.state),
        )
        for row in db.session.scalars(rows.order_by(LateMoney.id).limit(MOST))
    ]  # fmt: skip


def staff_tasks(reader: Reader) -> list[dict[str, Any]]:
    """Return what waits for a member of staff: what is overdue first, then the oldest."""
    found = _house(reader)
    if reader.staff_may(May.READ_MEMBERS):
        found += _applications(reader)
    if reader.staff_may(May.PREPARE_AGREEMENTS) or reader.staff_may(May.COUNTERSIGN):
        found += _agreements(reader)
    found += [_task(*one) for one in deed_showing.waiting_for(reader)]
    found += (
        _late_money(reader) + desk.tasks(reader) + care_tasks.of_staff(reader) + privacy_tasks.tasks(reader)
    )
    found += waiting.of(reader)
    return sorted(found, key=lambda task: (not task["overdue"], task["since"] or clock.now()))


def _members(reader: Reader) -> list[dict[str, Any]]:
    counts: dict[str, int] = dict(
        db.session.execute(
            select(Membership.tier, func.count())
            .where(Membership.standing.in_(IN_FORCE))
            .group_by(Membership.tier)
        ).all()
    )
    opens = reader.staff_may(May.READ_MEMBERS)

    def figure(label: str, value: int, tier: str | None = None) -> dict[str, Any]:
        href = url_for("roll.members", standing="in_force", tier=tier) if opens else None
        return {"label": label, "value": value, "href": href}

    tiers = [code for code in catalogue.entries("tier") if code != "individual"]
    return [
        figure(_("Members in force"), sum(counts.values())),
        *(figure(wall.tier_name(code), counts.get(code, 0), tier=code) for code in tiers),
    ]


def figures(reader: Reader) -> list[dict[str, Any]]:
    """Return the few figures that matter to a role, each opening its rows."""
    found = _members(reader)
    if reader.staff_may(May.READ_MONEY):
        number, total = db.session.execute(queries.open_total()).one()
        found.append({
            "label": _("Open invoices"), "value": price(total),
            "note": ngettext("%(num)s invoice", "%(num)s invoices", number), "href": url_for("money.invoices", state="open"),
        })  # fmt: skip
    if reader.staff_may(May.READ_AUDIT):
        found.append({
            "label": _("Entries of the audit chain"), "value": audit.head_count(), "note": audit_office.state(),
            "href": url_for("chain.entries"),
        })  # fmt: skip
    if reader.staff_may(May.READ_OUTBOX):
        dead = db.session.scalar(engine.count_dead()) or 0
        found.append(
            {"label": _("Work laid aside"), "value": dead, "href": url_for("engine.work", state="dead")}
        )
    return found
