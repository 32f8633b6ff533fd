"""The customer's page of all services: one card each, its state, the next day, what is left; and every document."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, g, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import Reader, allow, me
from portal.accounts.may import May
from portal.accounts.organisations import Organisation
from portal.accounts.people_views import required_org
from portal.billing.issuing import known_party
from portal.billing.models import Party
from portal.core import clock, files
from portal.core.db import db
from portal.core.files import StoredFile
from portal.core.web import url_with
from portal.services.contracts.models import ServiceContract
from portal.services.engagements import showing
from portal.services.engagements.models import Engagement, Milestone
from portal.services.engagements.work_models import WorkSubmission
from portal.services.offers import rows
from portal.services.quotes import forms as f
from portal.services.quotes import seen, terms
from portal.services.quotes.doors import quotes
from portal.services.quotes.models import Q, ServiceQuote

MOST_ZIP = 200 * 1024 * 1024
KINDS = {"quote": _l("Quotes"), "contract": _l("Contracts"), "protocol": _l("Protocols of acceptance")}


@quotes.get("/")
@allow(May.SEE_SERVICES)
def services() -> Any:
    """Show one card for each service: what it is, how it stands, what comes next."""
    g.nav, reader = "quotes.services", me()
    org = required_org(reader, May.SEE_SERVICES)
    party = known_party(org)
    found = list(db.session.scalars(terms.of_party(party))) if party is not None else []
    work = db.session.scalars(
        select(Engagement).where(Engagement.org_id == org.id).order_by(Engagement.id.desc())
    )
    waiting = db.session.scalars(
        seen.own_quotes(reader).where(ServiceQuote.state == Q.SENT, ServiceQuote.party_id == (party.id if party else 0))
    ).all()  # fmt: skip
    return render_template(
        "services/mine.html", org=org, title_of=rows.title_of, waiting=waiting, why=f.Why(formdata=None),
        terms=[(one, terms.last_period(one), terms.last_chance(one)) for one in found], today=clock.today(),
        work=[(one, showing.percent(one), showing.next_day(one)) for one in work],
        may_order=reader.may(May.ORDER_SERVICES, org.id),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """A document of an organisation."""

    kind: str
    name: str
    file: StoredFile
    at: datetime
    href: tuple[str, dict[str, str]]


def papers(org: Organisation, reader: Reader) -> list[Paper]:
    """Return an organisation's quotes, contracts and protocols, the newest first; without prices the protocols alone."""
    priced = reader.may(May.ORDER_SERVICES, org.id)
    found = [*_protocols(org), *(_quotes(org) + _contracts(org) if priced else [])]
    return sorted(found, key=lambda one: (one.at, one.name), reverse=True)


def _quotes(org: Organisation) -> list[Paper]:
    rows_ = db.session.scalars(
        select(ServiceQuote).join(Party).where(Party.org_id == org.id, ServiceQuote.pdf_id.is_not(None)).order_by(ServiceQuote.id)
    )  # fmt: skip
    return [
        Paper("quote", one.name, one.pdf, one.sent_at or one.created_at, ("quotes.pdf", {"uid": one.uid}))
        for one in rows_
        if one.pdf is not None
    ]


def _contracts(org: Organisation) -> list[Paper]:
    rows_ = db.session.scalars(
        select(ServiceContract)
        .join(ServiceQuote, ServiceContract.quote_id == ServiceQuote.id)
        .join(Party, ServiceQuote.party_id == Party.id)
        .where(Party.org_id == org.id, ServiceContract.sent_at.is_not(None))
        .order_by(ServiceContract.id)
    )
    return [
        Paper("contract", one.number, file, one.sent_at or one.created_at, ("quotes.contract_pdf", {"uid": one.uid}))
        for one in rows_
        if (file := one.final or one.document) is not None
    ]  # fmt: skip


def _protocols(org: Organisation) -> list[Paper]:
    rows_ = db.session.scalars(
        select(WorkSubmission)
        .join(Milestone, WorkSubmission.milestone_id == Milestone.id)
        .join(Engagement, Milestone.engagement_id == Engagement.id)
        .where(Engagement.org_id == org.id, WorkSubmission.protocol_id.is_not(None))
        .order_by(WorkSubmission.id)
    )
    found = []
    for one in rows_:
        of = one.milestone.engagement
        if one.protocol is not None:
            address = ("engagements.protocol", {"uid": of.uid, "submission": one.uid})
            found.append(
                Paper(
                    "protocol", one.protocol.name, one.protocol, one.decided_at or one.submitted_at, address
                )
            )
    return found


@quotes.get("/documents")
@allow(May.SEE_SERVICES)
def documents() -> Any:
    """List the documents of an organisation by year."""
    g.nav, reader = "quotes.services", me()
    org = required_org(reader, May.SEE_SERVICES)
    years: dict[int, list[Paper]] = {}
    for one in papers(org, reader):
        years.setdefault(clock.day_of(one.at).year, []).append(one)
    return render_template("services/documents.html", org=org, years=years, kinds=KINDS, url_with=url_with)


@quotes.get("/documents.zip")
@allow(May.SEE_SERVICES)
def documents_zip() -> Response:
    """Hand out every document in one archive, under folders by year."""
    reader = me()
    org = required_org(reader, May.SEE_SERVICES)
    room, made = MOST_ZIP, io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for one in papers(org, reader):
            room -= one.file.size
            if room < 0:
                archive.writestr("MORE.txt", str(_("There are more documents than fit: please open the others on the page.")))  # fmt: skip
                break
            year = clock.day_of(one.at).year
            archive.writestr(f"{year}/{one.kind}/{one.file.uid[:8]}-{one.file.name}", files.read(one.file))
    response = Response(made.getvalue(), mimetype="application/zip")
    response.headers["Content-Disposition"] = "attachment; filename=documents.zip"
    return response
