"""One node of a licence, and what people do to nodes: release, move, block, keep, the list of those that may come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.core import clock
from portal.core.db import db, transaction
from portal.core.web import go
from portal.services.licences import access, files, node_list, nodes
from portal.services.licences import forms as f
from portal.services.licences.kinds import RuleKind
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.node import Node, NodeRun
from portal.services.licences.pages import licences, page
from portal.services.licences.parts import found
from portal.services.licences.shapes import stand

READS = (May.SEE_ORG, May.READ_LICENCES)
ACTS = (May.MANAGE_LICENCES, May.RUN_LICENCES)


def _page(row: Licence, node: Node, status: int = 200, **forms: Any) -> Any:
    now = clock.now()
    holding = [one for one in files.in_force(row.id, now) if node.fingerprint in one.fingerprints]
    runs = db.session.scalars(
        select(NodeRun).where(NodeRun.node_id == node.id).order_by(NodeRun.seen_at.desc()).limit(20)
    )
    blocked = [one for one in node_list.rules(row, RuleKind.BLOCKED) if one.fingerprint == node.fingerprint]
    barred = [one for one in node_list.rules(row, RuleKind.BARRED) if one.fingerprint == node.fingerprint]
    return page(
        "licences/node.html", row, "licence", status, node=node, mark=stand(node, now), stays=node_list.stays(row, node.fingerprint),
        holding=holding, runs=list(runs), stand=stand, now=now, blocked=blocked[0] if blocked else None,
        barred=next((one for one in barred if one.until and one.until > now), None),
        move=forms.get("move") or f.Move(formdata=None), block=forms.get("block") or f.Why(formdata=None),
    )  # fmt: skip


@licences.get("/<uid>/nodes/<node>")
@allow(*READS)
def node(uid: str, node: str) -> Any:
    """Show a node: how it stands, what it said of itself, its stays."""
    row = access.seen(uid)
    return _page(row, found(row, Node, node))


def _done(uid: str, node: Node, words: str) -> BaseResponse:
    return go("licences.node", words, uid=uid, node=node.uid)


@licences.post("/<uid>/nodes/<node>/release")
@allow(*ACTS)
def release(uid: str, node: str) -> BaseResponse:
    """Free a node's seat."""
    row = access.managed(uid)
    one = found(row, Node, node)
    with transaction():
        freed = nodes.release(one, by=me().person)
    return _done(
        uid,
        one,
        _("Released: its seat is free. It stays out for a while.")
        if freed
        else _("It was released already."),
    )


@licences.post("/<uid>/nodes/<node>/move")
@allow(*ACTS)
def move(uid: str, node: str) -> Any:
    """Give a node's seat to another machine."""
    row, form = access.managed(uid), f.Move()
    one, made = found(row, Node, node), list[Node]()
    status = form.carry_out(lambda: made.append(nodes.move(one, str(form.fingerprint.data), by=me().person)))
    if status:
        row = access.managed(uid)
        return _page(row, found(row, Node, node), status, move=form)
    return _done(uid, made[0], _("Moved: this machine has the seat now."))


@licences.post("/<uid>/nodes/<node>/block")
@allow(*ACTS)
def block(uid: str, node: str) -> Any:
    """Keep a machine out."""
    row, form = access.managed(uid), f.Why()
    one = found(row, Node, node)
    status = form.carry_out(
        lambda: nodes.block(row, one.fingerprint, reason=str(form.reason.data), by=me().person)
    )
    if status:
        row = access.managed(uid)
        return _page(row, found(row, Node, node), status, block=form)
    return _done(uid, one, _("Blocked: it cannot come in any more."))


@licences.post("/<uid>/nodes/<node>/unblock")
@allow(*ACTS)
def unblock(uid: str, node: str) -> BaseResponse:
    """Let a blocked machine in again."""
    row = access.managed(uid)
    one = found(row, Node, node)
    with transaction():
        nodes.unblock(row, one.fingerprint, by=me().person)
    return _done(uid, one, _("It may come in again."))


@licences.post("/<uid>/nodes/<node>/keep")
@allow(*ACTS)
def keep(uid: str, node: str) -> BaseResponse:
    """Tick or untick a node that must be among the last to stop."""
    row = access.managed(uid)
    one, kept = found(row, Node, node), request.form.get("kept") == "yes"
    with transaction():
        nodes.keep(one, kept, by=me().person)
    words = (
        _("It is among the last to stop, should there be too many.")
        if kept
        else _("It has no precedence any more.")
    )
    return _done(uid, one, words)


@licences.post("/<uid>/nodes/release")
@allow(*ACTS)
def release_many(uid: str) -> Any:
    """Show which of the chosen nodes would be released; asked again with “sure”, release them."""
    row, chosen = access.managed(uid), request.form.getlist("node")
    picked = node_list.chosen(row, chosen)
    if not picked:
        return go("licences.licence", _("Please tick the nodes first."), tone="info", uid=uid)
    if request.form.get("sure") != "yes":
        now = clock.now()
        held = [one for one in picked if one.offline_until is not None and one.offline_until > now]
        return page("licences/release.html", row, "licence", nodes=picked, held=held, stand=stand, now=now)
    with transaction():
        done, stayed = node_list.release_many(row, chosen, by=me().person)
    if stayed:
        return page("licences/released.html", access.managed(uid), "licence", done=done, stayed=stayed)
    return go("licences.licence", _("%(count)s nodes released.", count=done), uid=uid)


# ---- The list of a licence for named nodes


@licences.get("/<uid>/named")
@allow(*READS)
def named(uid: str) -> Any:
    """Show which machines may come in."""
    return _named(access.seen(uid), f.Name(formdata=None))


def _named(row: Licence, form: f.Name, status: int = 200) -> Any:
    live = {one.fingerprint: one for one in db.session.scalars(node_list.matching(row, node_list.Wanted()))}
    return page(
        "licences/named.html",
        row,
        "named",
        status,
        rules=node_list.rules(row, RuleKind.NAMED),
        live=live,
        form=form,
    )


@licences.post("/<uid>/named")
@allow(*ACTS)
def name(uid: str) -> Any:
    """Put a machine on the list."""
    row, form = access.managed(uid), f.Name()
    status = form.carry_out(lambda: nodes.name(row, str(form.fingerprint.data), by=me().person))
    return (
        _named(access.managed(uid), form, status)
        if status
        else go("licences.named", _("On the list."), uid=uid)
    )


@licences.post("/<uid>/named/removal")
@allow(*ACTS)
def unname(uid: str) -> Any:
    """Take a machine off the list."""
    row = access.managed(uid)
    return _off(uid, lambda: nodes.unname(row, request.form.get("fingerprint", "")[:128], by=me().person))


def _off(uid: str, deed: Callable[[], None]) -> BaseResponse:
    with transaction():
        deed()
    return go("licences.named", _("Taken off the list."), uid=uid)
