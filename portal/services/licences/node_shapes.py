"""What the operations of nodes take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from portal.core.api import Answer, Body, Query, Words
from portal.services.licences.kinds import Code, HoldReason, Policy, Stage
from portal.services.licences.seats import FINGERPRINT

Short = Annotated[str, Field(max_length=60, pattern=r"^[ -~]*$")]
Name = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
Token = Annotated[str, Field(max_length=64, pattern=r"^[!-~]*$")]
Print = Annotated[str, Field(max_length=128, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{2,127})?$")]


class NodePath(BaseModel):
    """The fingerprint of the node, exactly as it is."""

    # Said in the document and checked by the view, whose refusal has a code.
    fingerprint: Annotated[
        str,
        Field(json_schema_extra={"pattern": f"^{FINGERPRINT.pattern}$", "minLength": 3, "maxLength": 128}),
    ]


class Validation(Body):
    """What is asked: may this node run this tool, feature and version? What is empty is not asked."""

    fingerprint: Print = ""
    tool: Short = ""
    feature: Short = ""
    version: Annotated[str, Field(max_length=40, pattern=r"^[!-~]*$")] = ""
    nonce: Token = ""


class LicenceSeen(Answer):
    """The licence as its nodes see it."""

    id: str
    stage: Stage
    ends_at: str | None
    limit: int
    live: int


class NodeSeen(Answer):
    """The node, and until when its lease runs."""

    fingerprint: str
    lease_until: str


class Judged(Answer):
    """Whether the node may run, and why: `code` never changes, `detail` is in the language of Accept-Language."""

    valid: bool
    code: Code
    detail: str
    checked_at: str
    nonce: str
    reason: HoldReason | None
    licence: LicenceSeen | None
    node: NodeSeen | None


class NodeReport(Body):
    """What a node says of itself. `run` is random, made once per start; name, machine and platform may be left out."""

    run: Token = ""
    name: Name = ""
    machine: Annotated[str, Field(max_length=128, pattern=r"^[!-~]*$")] = ""
    platform: Short = ""
    accelerator: Name = ""
    tool: Short = ""
    tool_version: Annotated[str, Field(max_length=40, pattern=r"^[!-~]*$")] = ""


class Seat(Answer):
    """A seat: until when its lease runs, when to renew, and the signed proof (null where none can be signed)."""

    code: Code
    node: NodeSeen
    lease_until: str
    renew_after_s: int
    proof: str | None


class Goodbye(Query):
    """Which process says goodbye; without it, the whole machine."""

    run: Token = ""


class TermSeen(Answer):
    """A term of the licence."""

    kind: Literal["base", "increase", "benefit", "trial", "grant", "overage", "courtesy"]
    nodes: int
    starts_at: str
    ends_at: str


class Current(Answer):
    """The licence of the key."""

    id: str
    plan: str
    policy: Policy
    tools: list[str]
    code: Code
    stage: Stage
    ends_at: str | None
    limit: int
    live: int
    terms: list[TermSeen]


class JsonKey(Answer):
    """A public key as RFC 8037 writes it."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]
    x: str


class JsonKeys(Answer):
    """The published set; `signed` is the same set, signed for tools without a network."""

    keys: list[JsonKey]


class CodeSaid(Answer):
    """A code: the status of a claim it refuses (200 if none), and what it means."""

    code: str
    status: int
    words: Words


class CodesSaid(Answer):
    """Every code."""

    items: list[CodeSaid]
