"""The organisation's pages of licences: the list, one licence with its nodes, its terms and events, its name and lease."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.accounts.people_views import required_org
from portal.core import clock, export, labels
from portal.core.acting import actor
from portal.core.db import db
from portal.core.paging import asked, folded, page_of
from portal.core.settings import settings
from portal.core.web import chip, go
from portal.services.licences import (
    access,
    event_words,
    keyring,
    life,
    node_list,
    plans,
    showing,
    transferring,
)
from portal.services.licences import forms as f
from portal.services.licences.kinds import NodeStand
from portal.services.licences.models.licence import Licence, LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent
from portal.services.licences.node_list import Wanted
from portal.services.licences.pages import licences, page
from portal.services.licences.shapes import stand

READS = (May.SEE_ORG, May.READ_LICENCES)
HEADS = (
    _l("Fingerprint"), _l("Name"), _l("State"), _l("Platform"), _l("Accelerator"), _l("Version"), _l("Licence key"), _l("Came in"),
    _l("Last report"), _l("Lease until"), _l("File until"), _l("Released"),
)  # fmt: skip


@licences.get("/")
@allow(May.SEE_ORG)
def listed() -> str:
    """List the licences of the organisation, with where each stands."""
    org = required_org(me(), May.SEE_ORG)
    rows = db.session.scalars(select(Licence).where(Licence.org_id == org.id).order_by(Licence.id.desc()))
    shown = [showing.shown(row) for row in rows]
    return render_template(
        "licences/list.html", org=org, live=[one for one in shown if not one.row.final],
        over=[one for one in shown if one.row.final], plans=plans.every(), plan_name=showing.plan_name, base=settings().public_url,
        may_manage=org.id in me().orgs(May.MANAGE_LICENCES), may_buy=access.may_buy(me(), org.id), tools=plans.tool_name,
        coming=transferring.coming_to(org) if access.owns(me(), org.id) else [],
    )  # fmt: skip


def wanted() -> Wanted:
    """Return what the address asks for of a list of nodes."""
    return Wanted(
        folded(asked("q")), asked("state", most=20), asked("platform", most=60), asked("key", most=32)
    )


@licences.get("/<uid>")
@allow(*READS)
def licence(uid: str) -> Any:
    """Show a licence: what it allows, its nodes, what to do next."""
    row = access.seen(uid)
    ask, numbers = wanted(), node_list.counts(row)
    keys = list(
        db.session.scalars(select(LicenceKey).where(LicenceKey.licence_id == row.id).order_by(LicenceKey.id))
    )
    stands = [
        chip("state", one.value, labels.label(one), ask.stand) | {"count": numbers.get(one)}
        for one in node_list.STANDS
    ]
    platforms = [chip("platform", one, one, ask.platform) for one in node_list.platforms(row)]
    by_key = [chip("key", one.uid, one.label, ask.key) for one in keys]
    filters: list[dict[str, Any]] = [{"label": _("State"), "options": stands}]
    filters += [{"label": _("Platform"), "options": platforms}] if len(platforms) > 1 else []
    filters += [{"label": _("Licence key"), "options": by_key}] if len(by_key) > 1 else []
    return page(
        "licences/nodes.html", row, "licence", nodes=page_of(node_list.matching(row, ask)), filters=filters, numbers=numbers,
        new=showing.is_new(row), keys=list(db.session.scalars(keyring.alive(row.id))), stand=stand, now=clock.now(), base=settings().public_url,
        tool=row.tools[0].tool if row.tools else "", shared=showing.shared_recently(row), lease=f.length(row.lease_seconds),
        settings_form=_settings(row), stands={one.value: labels.label(one) for one in NodeStand},
    )  # fmt: skip


def _settings(row: Licence) -> f.Settings:
    return f.Settings(formdata=None, name=row.name, lease=str(row.lease_seconds)).offer(row)


@licences.post("/<uid>")
@allow(May.MANAGE_LICENCES, May.RUN_LICENCES)
def change(uid: str) -> Any:
    """Name a licence, or choose its lease."""
    row, form = access.managed(uid), f.Settings()
    form.offer(row)
    status = form.carry_out(
        lambda: life.change(row, name=form.name.data, lease_seconds=int(form.lease.data), by=me().person)
    )
    if status:
        return page("licences/settings.html", access.managed(uid), "licence", status, form=form)
    return go("licences.licence", _("Saved."), uid=uid)


@licences.get("/<uid>/nodes/file")
@allow(*READS)
def nodes_csv(uid: str) -> Response:
    """Hand out the nodes of the list as CSV."""
    row, now = access.seen(uid), clock.now()

    def cells(node: Node) -> list[Any]:
        return [
            node.fingerprint, node.name, labels.label(stand(node, now)), node.platform, node.accelerator, node.tool_version,
            node.key.label if node.key else "", node.activated_at, node.seen_at, node.lease_until, node.offline_until, node.released_at,
        ]  # fmt: skip

    return export.csv_of("licence-nodes", HEADS, node_list.matching(row, wanted()), cells, by=me().person)


@licences.get("/<uid>/terms")
@allow(*READS)
def terms(uid: str) -> Any:
    """Show the terms of a licence with what each comes from."""
    row = access.seen(uid)
    return page(
        "licences/terms.html",
        row,
        "terms",
        terms=showing.terms_of(row),
        now=clock.now(),
        invoice_of=showing.invoice_of,
    )


@licences.get("/<uid>/events")
@allow(*READS)
def events(uid: str) -> Any:
    """Show what happened to a licence, the newest first."""
    row, group = access.seen(uid), asked("kind", most=20)
    found = select(LicenceEvent).where(LicenceEvent.licence_id == row.id)
    if group in event_words.GROUPS:
        found = found.where(LicenceEvent.kind.startswith(group, autoescape=True))
    short = {"licence.": _("Licence"), "node.": _("Nodes"), "key.": _("Licence keys"), "file.": _("Files")}
    return page(
        "licences/events.html", row, "events", events=page_of(found.order_by(LicenceEvent.sequence.desc())), words=event_words, actor=actor,
        filters=[chip("kind", code, words, group) for code, words in short.items()], asked=bool(request.args),
    )  # fmt: skip
