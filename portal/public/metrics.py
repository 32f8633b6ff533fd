"""Metrics for Prometheus: business figures, read from the database when they are asked for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from flask import Response, abort, request
from sqlalchemy import func, select

from portal.accounts import bearer
from portal.accounts.may import May
from portal.accounts.scopes import Scope
from portal.billing.models import Invoice, InvoiceState
from portal.core import clock
from portal.core.db import db
from portal.core.outbox import OutboxItem
from portal.core.settings import settings
from portal.core.web import public as anybody
from portal.members.belonging import Membership
from portal.members.models import Application, ApplicationState
from portal.members.standing import Standing
from portal.public.views import public

Figures = dict[tuple[str, str, str], Mapping[str, float]]


def _admitted() -> bool:
    """Whether the asker is at an address of the list, or has a token of staff for it."""
    row = bearer.token()
    if row is not None:
        return Scope.METRICS in row.granted and bearer.reader_of(row).staff_may(May.RUN_CHORES)
    if "X-Forwarded-For" in request.headers and not settings().proxies:
        return False  # an uncounted proxy stands in front: its address says nothing about the asker
    try:
        here = ipaddress.ip_address(request.remote_addr or "")
        return any(here in ipaddress.ip_network(one, strict=False) for one in settings().metrics_from)
    except ValueError:
        return False


def _outbox() -> Figures:
    is_open = OutboxItem.done_at.is_(None) & OutboxItem.dead_at.is_(None)
    waiting = dict(
        db.session.execute(
            select(OutboxItem.kind, func.count()).where(is_open).group_by(OutboxItem.kind)
        ).all()
    )
    dead = dict(
        db.session.execute(
            select(OutboxItem.kind, func.count())
            .where(OutboxItem.dead_at.is_not(None))
            .group_by(OutboxItem.kind)
        ).all()
    )
    oldest = db.session.scalar(
        select(OutboxItem.run_after).where(is_open).order_by(OutboxItem.run_after).limit(1)
    )
    late = max((clock.now() - oldest).total_seconds(), 0.0) if oldest else 0.0
    return {
        ("portal_outbox_open", "Work that waits, by kind", "kind"): waiting,
        ("portal_outbox_dead", "Work laid aside after its last try, by kind", "kind"): dead,
        ("portal_outbox_late_seconds", "How long the oldest work is overdue", ""): {"": late},
    }


def figures() -> Figures:
    """Return every figure by name, help and label, as values by the label's value."""
    states = dict(
        db.session.execute(select(Application.state, func.count()).group_by(Application.state)).all()
    )
    standings = dict(
        db.session.execute(select(Membership.standing, func.count()).group_by(Membership.standing)).all()
    )
    count, owing = db.session.execute(
        select(func.count(Invoice.id), func.sum(Invoice.gross)).where(Invoice.state == InvoiceState.OPEN)
    ).one()
    return {
        **_outbox(),
        ("portal_applications", "Applications by state", "state"): {
            one.value: states.get(one, 0) for one in ApplicationState
        },
        ("portal_memberships", "Memberships by standing", "standing"): {
            one.value: standings.get(one, 0) for one in Standing
        },
        ("portal_invoices_open", "Invoices to be paid", ""): {"": count},
        ("portal_invoices_open_fen", "Sum of the invoices to be paid, in fen", ""): {
            "": owing.minor if owing else 0
        },
    }


@public.get("/metrics")
@anybody
def metrics() -> Response:
    """Hand out the metrics to whoever may read them; to everybody else there is nothing here."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415

    if not _admitted():
        abort(404)
    registry = CollectorRegistry()
    for (name, words, label), values in figures().items():
        gauge = Gauge(name, words, [label] if label else [], registry=registry)
        for value, number in values.items():
            (gauge.labels(value) if label else gauge).set(number)
    answer = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    answer.headers["Cache-Control"] = "no-store"
    return answer
