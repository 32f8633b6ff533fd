"""Operations that read how a licence stands and was used: terms, use by steps of time, the list of named nodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.core import clock, cursors
from portal.core.api import TOKEN_PROBLEMS, WRITE_PROBLEMS, Paged, told
from portal.core.idempotency import WriteHeaders, once
from portal.services.licences import access, nodes, usage
from portal.services.licences import figure_shapes as shapes
from portal.services.licences.door import answers
from portal.services.licences.figure_shapes import NamedNode, UsageQuery
from portal.services.licences.kinds import RuleKind
from portal.services.licences.licences_api import NODE, ONE, TOKEN, licences_api
from portal.services.licences.models.licence import LicenceTerm
from portal.services.licences.models.node import Node, NodeRule
from portal.services.licences.parts import found
from portal.services.licences.shapes import NodeAnswer, OneLicence, OneOfLicence
from portal.services.licences.shapes import node as node_answer
from portal.services.licences.tables import listed


@licences_api.get(
    f"{ONE}/terms", operation_id="list_licence_terms", summary=str(_l("Terms of a licence")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.LicenceTermsAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def list_terms(path: OneLicence, query: Paged) -> Any:
    """The newest first; the limit is the sum of those in force."""
    statement = select(LicenceTerm).where(LicenceTerm.licence_id == access.seen(path.uid).id)
    rows, onward = cursors.page(
        statement, [(LicenceTerm.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    items = [shapes.term(row) for row in rows]
    return listed(
        shapes.LicenceTermsAnswer(items=items, next=onward), shapes.LicenceTermAnswer, items, onward
    )


@licences_api.get(
    f"{ONE}/usage", operation_id="licence_usage", summary=str(_l("How a licence was used")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.UsageAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def licence_usage(path: OneLicence, query: UsageQuery) -> Any:
    """Per step the most nodes live and reporting at once, the limit then, refused claims; without `from` the last 30 days."""
    row, now = access.seen(path.uid), clock.now()
    end = min(query.until or now, now)
    start = max(query.since or end - timedelta(days=30), row.created_at)
    items = [shapes.step(one) for one in usage.of(row, start, end, query.interval)] if start < end else []
    return listed(
        shapes.UsageAnswer(interval=query.interval, items=items), shapes.LicenceUseStep, items, None
    )


@licences_api.get(
    f"{ONE}/named", operation_id="list_named_nodes", summary=str(_l("Nodes that may come in")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.NamedAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def list_named(path: OneLicence, query: Paged) -> Any:
    """The list of a licence for named nodes; empty for the others."""
    statement = select(NodeRule).where(
        NodeRule.licence_id == access.seen(path.uid).id,
        NodeRule.kind == RuleKind.NAMED,
        NodeRule.ended_at.is_(None),
    )
    rows, onward = cursors.page(
        statement, [(NodeRule.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    items = [shapes.named(row) for row in rows]
    return listed(shapes.NamedAnswer(items=items, next=onward), shapes.NamedOne, items, onward)


@licences_api.put(
    f"{ONE}/named/<fingerprint>", operation_id="name_node", summary=str(_l("Put a node on the list")),
    responses={**answers(*WRITE_PROBLEMS), "204": None}, security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def name_node(path: NamedNode, header: WriteHeaders) -> Any:
    """Said again, it changes nothing."""
    nodes.name(access.managed(path.uid), path.fingerprint, by=me().person)
    return "", 204, {}


@licences_api.delete(
    f"{ONE}/named/<fingerprint>", operation_id="unname_node", summary=str(_l("Take a node off the list")),
    responses={**answers(*WRITE_PROBLEMS), "204": None}, security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def unname_node(path: NamedNode, header: WriteHeaders) -> Any:
    """Said again, it changes nothing; the policy counts such changes."""
    nodes.unname(access.managed(path.uid), path.fingerprint, by=me().person)
    return "", 204, {}


@licences_api.post(
    f"{NODE}/unblock", operation_id="unblock_node", summary=str(_l("Let a blocked node in again")),
    responses=answers(*WRITE_PROBLEMS, ok=NodeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def unblock_node(path: OneOfLicence, header: WriteHeaders) -> Any:
    """It may claim again."""
    row = access.managed(path.uid)
    node = found(row, Node, path.row)
    nodes.unblock(row, node.fingerprint, by=me().person)
    return told(node_answer(node))
