"""What always holds of candidates, checked on the stored rows by `portal verify`: nothing is there or was seen without a consent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.accounts.privacy_models import Consent
from portal.core import clock
from portal.core.db import db
from portal.jobs.application_models import ContactRequest, JobApplication, Referral
from portal.jobs.people_models import Look
from portal.jobs.stages import ContactState, Purpose

Key = tuple[int, str, str]
AT_ONCE = timedelta(seconds=5)  # a word may be saved while a page that asked before is on its way


def verify_candidates() -> tuple[int, list[str]]:
    """Return how many rows were looked at and a sentence for each fault."""
    ledger = _ledger()
    applications = db.session.scalars(select(JobApplication).order_by(JobApplication.id)).all()
    looks = db.session.scalars(select(Look).options(joinedload(Look.consent)).order_by(Look.id)).all()
    requests = db.session.scalars(select(ContactRequest).order_by(ContactRequest.id)).all()
    referrals = db.session.scalars(select(Referral).order_by(Referral.id)).all()
    found = [
        *_uncovered_applications(applications, ledger),
        *_uncovered_looks(looks, ledger),
        *_uncovered_requests(requests, ledger),
        *(
            f"{one.subject}: it keeps an address that its answer should have erased"
            for one in referrals
            if one.state.value != "asked" and one.address_sealed
        ),
    ]
    return len(applications) + len(looks) + len(requests) + len(referrals), found


def _ledger() -> dict[Key, list[Consent]]:
    known: dict[Key, list[Consent]] = {}
    purposes = [one.value for one in Purpose]
    rows = select(Consent).where(Consent.purpose.in_(purposes), Consent.org_id.is_(None))
    for row in db.session.scalars(rows.order_by(Consent.id)):
        known.setdefault((row.person_id, row.purpose, row.about), []).append(row)
    return known


def _uncovered_applications(rows: Iterable[JobApplication], ledger: dict[Key, list[Consent]]) -> list[str]:
    return [
        f"{row.subject}: no consent covers it"
        for row in rows
        if row.person_id is not None
        and not any(
            not word.withdrawn
            for word in ledger.get((row.person_id, Purpose.APPLY.value, f"job_post:{row.post_id}"), ())
        )
    ]


def _uncovered_requests(rows: Iterable[ContactRequest], ledger: dict[Key, list[Consent]]) -> list[str]:
    given = {
        person for (person, purpose, _about), words in ledger.items()
        if purpose == Purpose.SHOW.value and any(not word.withdrawn for word in words)
    }  # fmt: skip
    return [
        f"{row.subject}: it was answered with yes, and no consent shows anything"
        for row in rows
        if row.state is ContactState.AGREED and row.person_id is not None and row.person_id not in given
    ]


def _uncovered_looks(rows: Iterable[Look], ledger: dict[Key, list[Consent]]) -> list[str]:
    return [f"{row.subject}: {why}" for row in rows if (why := _why(row, ledger))]


def _why(row: Look, ledger: dict[Key, list[Consent]]) -> str:
    """Return what is wrong with a look; nothing if the consent it names stood at that moment and covers all it saw."""
    word = row.consent
    if (word.person_id, word.purpose) != (row.person_id, row.purpose.value):
        return "no consent of this candidate and purpose covers it"
    same = ledger.get((word.person_id, word.purpose, word.about), [])
    later = [one for one in same if one.id > word.id and one.at < row.at - AT_ONCE]
    if word.withdrawn or later:
        return "the consent it names did not stand at that moment"
    if word.until is not None and clock.day_of(row.at) >= word.until:
        return "the consent it names was over"
    missing = [one.value for one in row.seen if one.value not in word.fields]
    return f"no consent covers the fields {', '.join(missing)}" if missing else ""
