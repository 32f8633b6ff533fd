"""Operations of organisations: their licences with nodes, keys, files and events."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Response, url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.core import clock, cursors
from portal.core.api import TOKEN_PROBLEMS, WRITE_PROBLEMS, Paged, operations, told
from portal.core.db import transaction
from portal.core.idempotency import WriteHeaders, once
from portal.services.licences import access, door, files, keyring, life, nodes, shapes
from portal.services.licences.denial import Denied
from portal.services.licences.door import answers
from portal.services.licences.models.licence import Licence, LicenceKey
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import LicenceEvent, LicenceFile
from portal.services.licences.parts import found
from portal.services.licences.shapes import OneLicence, OneOfLicence
from portal.services.licences.tables import listed

licences_api = operations("api_licences", __name__, str(_l("Licences")))
licences_api.register_error_handler(Denied, door.refused)
licences_api.before_request(door.limit_token)
TOKEN: list[dict[str, list[Any]]] = [{"token": []}]
BASE = "/licences"
ONE = f"{BASE}/<string(length=30):uid>"  # `current`, `validate` and the others beside it are none
NODE = f"{ONE}/nodes/<row>"
A_CENTURY = timedelta(days=36_500)


@licences_api.get(
    BASE, operation_id="list_licences", summary=str(_l("Licences of your organisations")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.LicencesAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def list_licences(query: Paged) -> Any:
    """The newest first; staff read all."""
    statement = access.visible(me())
    rows, onward = cursors.page(
        statement, [(Licence.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    items = [shapes.licence(row) for row in rows]
    return listed(shapes.LicencesAnswer(items=items, next=onward), shapes.LicenceAnswer, items, onward)


@licences_api.get(
    ONE, operation_id="get_licence", summary=str(_l("One licence")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.LicenceAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def get_licence(path: OneLicence) -> Any:
    """Another's licence looks missing."""
    return told(shapes.licence(access.seen(path.uid)))


@licences_api.get(
    f"{ONE}/nodes", operation_id="list_licence_nodes", summary=str(_l("Nodes of a licence")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.NodesAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def list_nodes(path: OneLicence, query: shapes.NodeQuery) -> Any:
    """Every stay, the newest first; `state=live` leaves out the released ones."""
    statement = select(Node).where(Node.licence_id == access.seen(path.uid).id)
    if query.state:
        statement = statement.where(Node.released_at.is_(None))
    rows, onward = cursors.page(
        statement, [(Node.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    items = [shapes.node(row) for row in rows]
    return listed(shapes.NodesAnswer(items=items, next=onward), shapes.NodeAnswer, items, onward)


@licences_api.get(
    f"{ONE}/events", operation_id="list_licence_events", summary=str(_l("What happened to a licence")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.EventsAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def list_events(path: OneLicence, query: Paged) -> Any:
    """The newest first."""
    statement = select(LicenceEvent).where(LicenceEvent.licence_id == access.seen(path.uid).id)
    rows, onward = cursors.page(
        statement, [(LicenceEvent.sequence, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    items = [shapes.happened(row) for row in rows]
    return listed(shapes.EventsAnswer(items=items, next=onward), shapes.EventAnswer, items, onward)


@licences_api.patch(
    ONE, operation_id="change_licence", summary=str(_l("Name a licence, or choose its lease")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.LicenceAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def change_licence(path: OneLicence, body: shapes.LicencePatch, header: WriteHeaders) -> Any:
    """The lease of a floating licence is 5 minutes to a day."""
    row = life.change(
        access.managed(path.uid), name=body.name, lease_seconds=body.lease_seconds, by=me().person
    )
    return told(shapes.licence(row))


@licences_api.post(
    f"{ONE}/keys", operation_id="make_licence_key", summary=str(_l("Make a key")),
    responses=answers(*WRITE_PROBLEMS, created=shapes.KeyAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
def make_key(path: OneLicence, body: shapes.NewKey) -> Any:
    """Shown this once. It takes no Idempotency-Key: to answer again we would have to keep the secret."""
    with transaction():
        row = access.owned(path.uid)
        made, secret = keyring.make(row.id, label=body.label, by=me().person, most_nodes=body.most_nodes)
        return told(shapes.key(made, secret), 201)


@licences_api.delete(
    f"{ONE}/keys/<row>", operation_id="end_licence_key", summary=str(_l("End a key, at once or later")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.KeyAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def end_key(path: OneOfLicence, query: shapes.EndQuery, header: WriteHeaders) -> Any:
    """Its nodes are told that it is unknown. `at` is when, for a change of keys; ended already, it stays so."""
    key = found(access.owned(path.uid), LicenceKey, path.row)
    keyring.end(key, by=me().person, at=_within_reach(query.at))
    return told(shapes.key(key))


@licences_api.post(
    f"{NODE}/release", operation_id="release_node", summary=str(_l("Release a node")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.NodeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def release_node(path: OneOfLicence, header: WriteHeaders) -> Any:
    """Its seat is free; it stays out for one lease. To keep it out, block it."""
    node = found(access.managed(path.uid), Node, path.row)
    nodes.release(node, by=me().person)
    return told(shapes.node(node))


@licences_api.post(
    f"{NODE}/move", operation_id="move_node", summary=str(_l("Give a node's seat to another machine")),
    responses=answers(*WRITE_PROBLEMS, created=shapes.NodeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def move_node(path: OneOfLicence, body: shapes.Move, header: WriteHeaders) -> Any:
    """In one step: nobody can take the seat between."""
    node = found(access.managed(path.uid), Node, path.row)
    return told(shapes.node(nodes.move(node, body.fingerprint, by=me().person)), 201)


@licences_api.post(
    f"{NODE}/block", operation_id="block_node", summary=str(_l("Block a node")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.NodeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def block_node(path: OneOfLicence, body: shapes.Reason, header: WriteHeaders) -> Any:
    """It cannot claim any more; its seat is free at once, or at the end of the file that holds it."""
    row = access.managed(path.uid)
    node = found(row, Node, path.row)
    nodes.block(row, node.fingerprint, reason=body.reason, by=me().person)
    return told(shapes.node(node))


@licences_api.post(
    f"{NODE}/keep", operation_id="keep_node", summary=str(_l("Let a node be among the last to lose its seat")),
    responses=answers(*WRITE_PROBLEMS, ok=shapes.NodeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def keep_node(path: OneOfLicence, body: shapes.Kept, header: WriteHeaders) -> Any:
    """Asked only when more nodes are live than the licence allows."""
    node = found(access.managed(path.uid), Node, path.row)
    nodes.keep(node, body.kept, by=me().person)
    return told(shapes.node(node))


@licences_api.get(
    f"{ONE}/files", operation_id="list_licence_files", summary=str(_l("Offline files of a licence")),
    responses=answers(*TOKEN_PROBLEMS, ok=shapes.FilesAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_READ)
def list_files(path: OneLicence, query: Paged) -> Any:
    """The newest first."""
    statement = select(LicenceFile).where(LicenceFile.licence_id == access.seen(path.uid).id)
    rows, onward = cursors.page(
        statement, [(LicenceFile.id, int)], limit=query.limit, cursor=query.cursor, newest=True
    )
    items = [shapes.file(row) for row in rows]
    return listed(shapes.FilesAnswer(items=items, next=onward), shapes.FileAnswer, items, onward)


@licences_api.post(
    f"{ONE}/files", operation_id="sign_licence_file", summary=str(_l("Sign an offline file")),
    responses=answers(*WRITE_PROBLEMS, created=shapes.FileAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def sign_file(path: OneLicence, body: shapes.NewFile, header: WriteHeaders) -> Any:
    """Each node gets or keeps a seat until the file ends, all of them or none; it cannot be recalled."""
    row = access.managed(path.uid)
    made = files.issue(row.id, body.fingerprints, body.days, by=me().person)
    place = url_for("api_licences.get_file", uid=row.uid, row=made.jti)
    return told(shapes.file(made), 201, Location=place)


@licences_api.get(
    f"{ONE}/files/<row>", operation_id="get_licence_file", summary=str(_l("Fetch an offline file")),
    responses={**answers(*TOKEN_PROBLEMS), "200": {"content": {"application/jwt": {}}}},
    security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
def get_file(path: OneOfLicence) -> Response:
    """The signed token, as `*.lic`."""
    file = found(access.managed(path.uid), LicenceFile, path.row)
    made = Response(file.token, content_type="application/jwt")
    made.headers["Content-Disposition"] = f'attachment; filename="{file.jti}.lic"'
    return made


def _within_reach(at: datetime | None) -> datetime | None:
    """Return an instant no later than the calendar of a century."""
    return None if at is None else min(at, clock.now() + A_CENTURY)
