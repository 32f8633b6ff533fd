"""Employers: confirmed once a year by a moderator, with the domains on which their pages to apply may lie."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import aliased

from portal.accounts import joining
from portal.accounts.duplicates import registrable_domain
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.registration import Verdict, check_uscc
from portal.core import audit, catalogue, clock
from portal.core.db import db
from portal.core.errors import Forbidden, Refused
from portal.core.files import Content, StoredFile
from portal.core.states import move
from portal.jobs import letters, quotas
from portal.jobs.board_models import EmployerCheck, EmployerDomain
from portal.jobs.kinds import CheckState
from portal.members.standing import Answer

C = CheckState
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def domain_of(org: Organisation) -> str:
    """Return the registrable domain of an organisation's website; empty if it has none."""
    host = urlsplit(org.homepage).hostname or ""
    return (registrable_domain(f"x@{host}") or host).lower() if host else ""


def last_check(org: Organisation) -> EmployerCheck | None:
    """Return the newest request of an employer to be confirmed."""
    rows = select(EmployerCheck).where(EmployerCheck.org_id == org.id).order_by(EmployerCheck.id.desc())
    return db.session.scalars(rows.limit(1)).first()


def confirmed_until(org: Organisation) -> date | None:
    """Return the first day on which an employer's confirmation no longer holds; None if it never was confirmed."""
    rows = select(EmployerCheck.until).where(
        EmployerCheck.org_id == org.id, EmployerCheck.state == C.CONFIRMED, EmployerCheck.until.is_not(None)
    )
    return db.session.scalars(rows.order_by(EmployerCheck.until.desc()).limit(1)).first()


def is_confirmed(org: Organisation, *, on: date | None = None) -> bool:
    """Whether an employer was confirmed within the year."""
    until = confirmed_until(org)
    return until is not None and (on or clock.today()) < until


def running_out() -> Select[Any]:
    """Select the confirmations that end soon, of which nobody was reminded, and after which nothing was asked or confirmed."""
    today, later = clock.today(), aliased(EmployerCheck)
    soon = today + timedelta(days=int(catalogue.policy("jobs.employer_remind_days")))
    followed = exists().where(
        later.org_id == EmployerCheck.org_id, later.id > EmployerCheck.id, later.state != C.DECLINED
    )
    return (
        select(EmployerCheck.id)
        .where(
            EmployerCheck.state == C.CONFIRMED, EmployerCheck.until > today, EmployerCheck.until <= soon,
            EmployerCheck.reminded_at.is_(None), ~followed,
        )
        .order_by(EmployerCheck.id)
    )  # fmt: skip


def remind(number: int) -> int:
    """Remind an employer, once, that its confirmation ends; whose membership is not in force is left in peace."""
    claimed = (
        update(EmployerCheck)
        .where(EmployerCheck.id == number, EmployerCheck.reminded_at.is_(None))
        .values(reminded_at=clock.now())
        .returning(EmployerCheck.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(claimed) is None:
        return 0
    row = db.session.get_one(EmployerCheck, number, populate_existing=True)
    if quotas.right(row.org) is Answer.NO:
        return 0
    audit.record("employer.reminded", row, by="remind_employers", org_id=row.org_id, until=row.until)
    letters.employer_runs_out(row)
    return 1


def refuse_unconfirmed(org: Organisation) -> None:
    """Refuse whoever is not confirmed as an employer now."""
    if not is_confirmed(org):
        raise Refused(
            _l("Employers are confirmed once a year. Please hand in your registration document first; it takes us a day or two.")
        )  # fmt: skip


def ask(org: Organisation, *, code: str, file: tuple[Content, str], by: Person) -> EmployerCheck:
    """Ask to be confirmed: registration document, credit code, and a mail address under the domain of the website."""
    if quotas.right(org) is Answer.NO:
        raise Refused(_l("Your membership is not in force: posts can be sent once it is."))
    checked = check_uscc(code)
    if org.country == "CN" and checked.verdict is Verdict.refused:
        raise Refused(_l("This is no Unified Social Credit Code."), field="code", status=422)
    domain = domain_of(org)
    if not domain:
        raise Refused(
            _l("Please add your website to the profile first: its domain is compared with your mail address.")
        )
    waiting = select(EmployerCheck.id).where(EmployerCheck.org_id == org.id, EmployerCheck.state == C.ASKED)
    if db.session.scalar(waiting.limit(1)) is not None:
        raise Refused(_l("Your request waits for us already."))
    content, name = file
    stored = StoredFile(
        sha256=content.sha256, name=name, media_type=content.media_type, size=content.size, purpose="employer",
        org_id=org.id,
    )  # fmt: skip
    row = EmployerCheck(
        org=org, code=checked.code or code.strip()[:60], domain=domain, mail_domain=joining.domain_of(by) or "",
        file=stored, by=by,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    audit.record("employer.asked", row, by=by, org_id=org.id, domain=domain)
    return row


def confirm(row: EmployerCheck, *, by: Person) -> None:
    """Confirm an employer for a year; its own domain is one on which its links may lie."""
    _not_own(row, by)
    move(row, C.CONFIRMED)
    row.decided_by, row.decided_at = by, clock.now()
    row.until = clock.today() + timedelta(days=int(catalogue.policy("jobs.employer_days")))
    confirm_domain(row.org, row.domain, by=by)
    audit.record("employer.confirmed", row, by=by, org_id=row.org_id, until=row.until)
    letters.employer_decided(row)


def decline(row: EmployerCheck, *, by: Person, words: str) -> None:
    """Say why an employer is not confirmed; it may ask again at once."""
    _not_own(row, by)
    move(row, C.DECLINED)
    row.decided_by, row.decided_at, row.words = by, clock.now(), words.strip()[:500]
    audit.record("employer.declined", row, by=by, org_id=row.org_id, reason=row.words)
    letters.employer_decided(row)


def _not_own(row: EmployerCheck, by: Person) -> None:
    if row.by_id == by.id:
        raise Forbidden(_l("Somebody else must decide: you asked for this yourself."))


def domains(org: Organisation) -> list[str]:
    """Return the domains confirmed for an employer."""
    rows = select(EmployerDomain.domain).where(EmployerDomain.org_id == org.id)
    return list(db.session.scalars(rows.order_by(EmployerDomain.domain)))


def confirm_domain(org: Organisation, domain: str, *, by: Person) -> None:
    """Confirm one more domain of an employer, such as that of the system in which it takes applications."""
    name = domain.strip().lower().rstrip(".")
    if not _DOMAIN.fullmatch(name):
        raise Refused(_l("This is no domain, such as jobs.example.com."), field="domain", status=422)
    if name in domains(org):
        return
    db.session.add(EmployerDomain(org=org, domain=name, by=by))
    db.session.flush()
    audit.record("employer.domain", org, by=by, org_id=org.id, domain=name)


def covers(confirmed: list[str], host: str) -> bool:
    """Whether a host is a confirmed domain or lies below one."""
    return any(host == one or host.endswith(f".{one}") for one in confirmed)
