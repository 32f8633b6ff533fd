"""The whole story of a case and of a member: deeds, mails and papers on one timeline."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import BigInteger, bindparam, select

from portal.accounts.access import Reader
from portal.accounts.may import May
from portal.accounts.timeline import told
from portal.core import audit, story
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.files import StoredFile
from portal.core.mail import MailMessage
from portal.members.belonging import Agreement, Membership
from portal.members.models import Application

NEWEST = 200

_MAILS = (
    select(
        MailMessage.id,
        MailMessage.key,
        MailMessage.name,
        MailMessage.address,
        MailMessage.title,
        MailMessage.created_at,
        MailMessage.sent_at,
    )
    .where(MailMessage.topic.in_(bindparam("topics", expanding=True)))
    .order_by(MailMessage.id.desc())
    .limit(NEWEST)
)


def mails(subjects: Iterable[str], reader: Reader) -> list[dict[str, Any]]:
    """Return the mails about some subjects as lines: one line a letter, with everybody it went to."""
    rows = db.session.connection().execute(_MAILS, {"topics": list(subjects)}).all()
    letters = sorted(rows, key=lambda row: (row.key.rsplit(":", 1)[0], row.id))
    found: list[tuple[int, dict[str, Any]]] = []
    for _key, group in itertools.groupby(letters, key=lambda row: row.key.rsplit(":", 1)[0]):
        copies = list(group)
        first = copies[0]
        waits = [row.name for row in copies if row.sent_at is None]
        detail = [(_("To"), None, _(", ").join(row.name or row.address for row in copies))]
        if waits:
            detail.append((_("Not sent yet"), None, _(", ").join(waits)))
        found.append((first.id, {
            "what": _("Mail: %(title)s", title=first.title), "who": _("the portal"), "at": first.created_at,
            "icon": "envelope", "detail": detail,
            "href": url_for("letterbox.mail", number=first.id) if reader.staff_may(May.READ_MAIL) else None,
        }))  # fmt: skip
    return [line for _id, line in sorted(found, key=lambda one: one[0])]


def _paper(file: StoredFile | None, what: str, href: str | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    line = {
        "what": what, "who": _("the portal"), "at": file.created_at, "icon": "file-earmark-pdf", "href": href,
        "detail": [(_("File"), None, file.name), ("SHA-256", None, file.sha256[:16] + "…")],
    }  # fmt: skip
    return [line]


def _papers(row: Application, agreement: Agreement | None, reader: Reader) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if agreement is not None:
        for kind, what in (("document", _("Agreement as a document")), ("scan", _("Scan of the signed agreement")), ("final", _("Sealed agreement"))):  # fmt: skip
            href = url_for("cases.agreement_pdf", uid=row.uid, kind=kind)
            found += _paper(getattr(agreement, kind), what, href)
    if row.invoice is not None and reader.staff_may(May.READ_MONEY):
        found += _paper(
            row.invoice.pdf, _("Invoice as a document"), url_for("money.invoice_pdf", uid=row.invoice.uid)
        )
    return found


def of_case(row: Application, agreement: Agreement | None, reader: Reader) -> list[dict[str, Any]]:
    """Return everything that happened to a case, the newest first."""
    subjects = [row.subject]
    if agreement is not None:
        subjects.append(agreement.subject)
    if row.invoice is not None:
        subjects.append(row.invoice.subject)
    entries = db.session.execute(told(audit.of_subject(*subjects))).all()
    return story.tell(entries, *mails(subjects, reader), *_papers(row, agreement, reader))


_DEEDS = (
    told(select(AuditEntry))
    .where(AuditEntry.org_id == bindparam("org", type_=BigInteger))
    .order_by(AuditEntry.id.desc())
    .limit(NEWEST)
)
_WITHOUT_MONEY = _DEEDS.where(AuditEntry.verb.not_like("invoice.%"), AuditEntry.verb.not_like("re%.%"))


def of_member(row: Membership, subjects: list[str], reader: Reader) -> list[dict[str, Any]]:
    """Return the newest of what happened to a member: its organisation, cases, agreements and, if open, money.

    `subjects` is what its mail may be about.
    """
    deeds = _DEEDS if reader.staff_may(May.READ_MONEY) else _WITHOUT_MONEY
    entries = db.session.connection().execute(deeds, {"org": row.org_id}).all()[::-1]
    return story.tell(
        entries,
        *mails(subjects, reader),
        *_paper(row.certificate, _("Certificate of membership"), None),
    )[:NEWEST]
