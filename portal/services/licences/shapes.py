"""What the organisation's operations take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from portal.core import clock
from portal.core.api import WHOLE, Answer, Body, Clean, Paged, Query
from portal.services.licences.judge import Ask, judge
from portal.services.licences.kinds import Code, HoldReason, NodeStand, Policy, Stage
from portal.services.licences.locking import facts_of
from portal.services.licences.models.licence import Licence, LicenceKey, LicenceState
from portal.services.licences.models.node import Node
from portal.services.licences.models.record import (
    LicenceEvent,
    LicenceFile,
    LicenceProposal,
    ProposedState,
    Verb,
)
from portal.services.licences.tables import ALSO_CSV

SHEET = cast(ConfigDict, ALSO_CSV)
LicenceId = Annotated[str, Field(pattern=r"^lic_[0-9A-Z]{26}$", max_length=32)]
RowId = Annotated[str, Field(pattern=r"^[a-z]{2}_[0-9A-Z]{26}$", max_length=32)]
Print = Annotated[str, Field(max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{2,127}$")]
VISIBLE = r"[^\s\x00-\x1f\x7f-\x9f]"  # something must be left when control characters are dropped
Sentence = Annotated[str, Field(min_length=1, max_length=300, pattern=VISIBLE), Clean]


class OneLicence(BaseModel):
    """The licence in the address."""

    uid: LicenceId


class OneOfLicence(OneLicence):
    """A licence, and one of its keys, nodes, files or holds."""

    row: RowId


class NodeQuery(Paged):
    """Which nodes: all stays, or the live ones."""

    state: Literal["", "live"] = ""


class LicenceAnswer(Answer):
    """A licence: what is stored of its life, and where it stands within its terms now."""

    id: str
    organisation: str
    plan: str
    name: str
    policy: Policy
    state: LicenceState
    stage: Stage
    code: Code
    ends_at: datetime | None
    limit: int
    live: int
    lease_seconds: int
    tools: list[str]


class LicencesAnswer(Answer):
    """A part of the list, the newest first."""

    model_config = SHEET

    items: list[LicenceAnswer]
    next: str | None


class NodeAnswer(Answer):
    """One stay of a node."""

    id: str
    fingerprint: str
    name: str
    platform: str
    accelerator: str
    tool_version: str
    state: NodeStand
    kept: bool
    activated_at: datetime
    seen_at: datetime
    lease_until: datetime
    offline_until: datetime | None
    released_at: datetime | None


class NodesAnswer(Answer):
    """A part of the list, the newest first."""

    model_config = SHEET

    items: list[NodeAnswer]
    next: str | None


class EventAnswer(Answer):
    """One event; `sequence` counts without gaps."""

    id: str
    sequence: int
    type: str
    at: datetime
    by: str
    data: dict[str, Any]


class EventsAnswer(Answer):
    """A part of the list, the newest first."""

    model_config = SHEET

    items: list[EventAnswer]
    next: str | None


class KeyAnswer(Answer):
    """A key; `key` is the secret, shown in the answer that made it and never again."""

    id: str
    hint: str
    label: str
    most_nodes: int | None
    ends_at: datetime | None
    created_at: datetime
    key: str | None


class FileAnswer(Answer):
    """A signed file; fetch it by its id."""

    id: str
    kid: str
    fingerprints: list[str]
    issued_at: datetime
    expires_at: datetime
    returned_at: datetime | None
    revoked_at: datetime | None


class FilesAnswer(Answer):
    """A part of the list, the newest first."""

    model_config = SHEET

    items: list[FileAnswer]
    next: str | None


class EndQuery(Query):
    """When a key ends; without it, at once."""

    at: AwareDatetime | None = None


class LicencePatch(Body):
    """A name of your own, and the lease within the policy's range."""

    name: Annotated[str, Clean, Field(max_length=80)] | None = None
    lease_seconds: Annotated[int, Field(ge=300, le=604_800), WHOLE] | None = None


class NewKey(Body):
    """A label for people, how many nodes at most, until when."""

    label: Annotated[str, Field(min_length=1, max_length=80, pattern=VISIBLE), Clean]
    most_nodes: Annotated[int, Field(ge=1, le=100_000), WHOLE] | None = None


class Move(Body):
    """The fingerprint that takes the seat."""

    fingerprint: Print


class Reason(Body):
    """Why."""

    reason: Sentence


class Kept(Body):
    """Whether the node is among the last to lose its seat."""

    kept: bool


class NewFile(Body):
    """Nodes that run without a network, and for how many days."""

    fingerprints: Annotated[list[Print], Field(min_length=1, max_length=1000)]
    days: Annotated[int, Field(ge=1, le=400), WHOLE]


class HoldAnswer(Answer):
    """A reason for which the licence is suspended."""

    id: str
    reason: HoldReason
    starts_at: datetime
    lifted_at: datetime | None


class ProposalAnswer(Answer):
    """A step that one of staff proposed and another decides."""

    id: str
    step: Verb
    state: ProposedState
    reason: str
    by: str
    created_at: datetime
    decided_at: datetime | None


class Decision(Body):
    """Whether what was proposed shall happen."""

    confirmed: bool


class NewHold(Body):
    """Why a licence is suspended, in both languages, and after how many days of notice."""

    reason: Literal["payment", "membership", "abuse", "request"]
    words_en: Sentence
    words_zh: Sentence
    notice_days: Annotated[int, Field(ge=0, le=90), WHOLE] | None = None


def licence(row: Licence) -> LicenceAnswer:
    """Return a licence as programs read it."""
    verdict = judge(facts_of(row), Ask(), clock.now())
    code = Code.VALID if verdict.code is Code.NODE_REQUIRED else verdict.code
    return LicenceAnswer(
        id=row.uid, organisation=row.org.uid, plan=row.plan, name=row.name, policy=row.policy, state=row.state,
        stage=verdict.stage, code=code, ends_at=verdict.ends_at, limit=verdict.limit, live=row.live_nodes,
        lease_seconds=row.lease_seconds, tools=[one.tool for one in row.tools],
    )  # fmt: skip


def stand(row: Node, now: datetime) -> NodeStand:
    """Return how a node stands at an instant."""
    if row.released_at is not None:
        return NodeStand.RELEASED
    if row.offline_until is not None and now < row.offline_until:
        return NodeStand.BORROWED
    return NodeStand.LEASED if now < row.lease_until else NodeStand.LAPSED


def node(row: Node) -> NodeAnswer:
    """Return a stay as programs read it."""
    return NodeAnswer(
        id=row.uid, fingerprint=row.fingerprint, name=row.name, platform=row.platform, accelerator=row.accelerator,
        tool_version=row.tool_version, state=stand(row, clock.now()), kept=row.kept, activated_at=row.activated_at,
        seen_at=row.seen_at, lease_until=row.lease_until, offline_until=row.offline_until, released_at=row.released_at,
    )  # fmt: skip


def key(row: LicenceKey, secret: str | None = None) -> KeyAnswer:
    """Return a key as programs read it; its secret only where it was made just now."""
    return KeyAnswer(
        id=row.uid, hint=row.hint, label=row.label, most_nodes=row.most_nodes, ends_at=row.ends_at,
        created_at=row.created_at, key=secret,
    )  # fmt: skip


def file(row: LicenceFile) -> FileAnswer:
    """Return a file as programs read it, without the token."""
    return FileAnswer(
        id=row.jti, kid=row.kid, fingerprints=row.fingerprints, issued_at=row.issued_at, expires_at=row.expires_at,
        returned_at=row.returned_at, revoked_at=row.revoked_at,
    )  # fmt: skip


def happened(row: LicenceEvent) -> EventAnswer:
    """Return an event as programs read it."""
    return EventAnswer(
        id=row.uid, sequence=row.sequence, type=row.kind, at=row.at, by=row.by_name, data=row.detail
    )


def proposal(row: LicenceProposal) -> ProposalAnswer:
    """Return a proposal as programs read it."""
    return ProposalAnswer(
        id=row.uid, step=row.verb, state=row.state, reason=row.reason, by=row.by.name, created_at=row.created_at,
        decided_at=row.decided_at,
    )  # fmt: skip
