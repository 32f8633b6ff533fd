"""Every verb of application, agreement and membership as tables: from, to, who, through which door. Docs and tests read them."""

from __future__ import annotations

from dataclasses import dataclass

from portal.accounts.may import May
from portal.members.belonging import AgreementState
from portal.members.models import ApplicationState

A, G = ApplicationState, AgreementState
CHORE, LISTENER = "chore", "listener"


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: the states it starts from (none: the row is made), where it leads (none: it stays), who may take it.

    `doors` are the endpoints that take it, `may` what their readers hold; `by` names what is no person.
    """

    name: str
    starts: tuple[ApplicationState | AgreementState, ...]
    to: ApplicationState | AgreementState | None
    may: tuple[May, ...] = ()
    by: str = ""
    doors: tuple[str, ...] = ()


APPLICATION = (
    Verb("start", (), A.DRAFT, (May.REVIEW,), doors=("cases.begin_for",)),
    Verb("submit", (A.DRAFT,), A.SUBMITTED, (May.SUBMIT,), doors=("apply.submit",)),
    Verb("take", (A.SUBMITTED,), A.IN_REVIEW, (May.REVIEW,), doors=("cases.take",)),
    Verb("ask", (A.IN_REVIEW,), A.INFO_REQUESTED, (May.REVIEW,), doors=("cases.ask",)),
    Verb("resubmit", (A.INFO_REQUESTED,), A.IN_REVIEW, (May.SUBMIT,), doors=("apply.submit",)),
    Verb("expire", (A.INFO_REQUESTED,), A.EXPIRED, by=CHORE),
    Verb("reopen", (A.EXPIRED,), A.INFO_REQUESTED, (May.REVIEW,), doors=("cases.reopen",)),
    Verb("recommend", (A.IN_REVIEW,), None, (May.RECOMMEND,), doors=("cases.recommend",)),
    Verb("attach_minute", (A.IN_REVIEW,), None, (May.REVIEW, May.DECIDE_APPEALS), doors=("cases.minute",)),
    Verb("check_papers", (A.IN_REVIEW,), None, (May.REVIEW,), doors=("cases.check_papers",)),
    Verb(
        "approve", (A.IN_REVIEW,), A.APPROVED, (May.DECIDE, May.REVIEW), by=LISTENER, doors=("cases.approve",)
    ),
    Verb("reject", (A.IN_REVIEW,), A.REJECTED, (May.DECIDE, May.REVIEW), doors=("cases.reject",)),
    Verb("appeal", (A.REJECTED,), None, (May.SIGN, May.SUBMIT), doors=("apply.appeal",)),
    Verb("hear_appeal", (A.REJECTED,), A.IN_REVIEW, (May.DECIDE_APPEALS,), doors=("cases.hear",)),
    Verb(
        "withdraw", (A.DRAFT, A.SUBMITTED, A.IN_REVIEW, A.INFO_REQUESTED), A.WITHDRAWN, (May.APPLY,),
        doors=("apply.withdraw",),
    ),
    Verb("change_tier", (A.APPROVED,), None, (May.CHANGE_TIER,), doors=("tiers.confirm",)),
    Verb("fulfil", (A.APPROVED,), A.COMPLETED, by=LISTENER),
    Verb("propose_close", (A.APPROVED,), None, (May.REVIEW,), doors=("cases.propose_close",)),
    Verb("keep_open", (A.APPROVED,), None, (May.DECIDE,), doors=("cases.keep_open",)),
    Verb("confirm_close", (A.APPROVED,), A.CLOSED, (May.DECIDE,), doors=("cases.confirm_close",)),
    Verb("close_own", (A.APPROVED,), A.CLOSED, (May.SIGN,), doors=("apply.close",)),
    Verb("close", (A.APPROVED,), A.CLOSED, by=CHORE),
)  # fmt: skip
UNSIGNED = (G.DRAFTED, G.SENT, G.MEMBER_SIGNED)
AGREEMENT = (
    Verb("draft", (), G.DRAFTED, by=LISTENER),
    Verb("draft_again", (), G.DRAFTED, (May.PREPARE_AGREEMENTS,), doors=("cases.draft_again",)),
    Verb("send", (G.DRAFTED,), G.SENT, (May.PREPARE_AGREEMENTS,), by=LISTENER),
    Verb("readdress", (G.SENT,), None, (May.MANAGE_PEOPLE,), doors=("apply.readdress",)),
    Verb("readdress", (G.SENT,), None, (May.PREPARE_AGREEMENTS,), doors=("cases.readdress",)),
    Verb("sign_by_click", (G.SENT,), G.MEMBER_SIGNED, (May.SIGN,), doors=("apply.sign",)),
    Verb("sign_by_chop", (G.SENT,), G.MEMBER_SIGNED, (May.SIGN,), doors=("apply.chop",)),
    Verb("bring_scan", (G.SENT,), G.MEMBER_SIGNED, (May.PREPARE_AGREEMENTS,), doors=("cases.bring_scan",)),
    Verb("check_scan", (G.MEMBER_SIGNED,), None, (May.PREPARE_AGREEMENTS,)),
    Verb("return_scan", (G.MEMBER_SIGNED,), G.SENT, (May.PREPARE_AGREEMENTS,)),
    Verb("countersign", (G.MEMBER_SIGNED,), G.EXECUTED, (May.COUNTERSIGN,), by=LISTENER),
    Verb("decline", (G.SENT,), G.VOIDED, (May.SIGN,), doors=("apply.decline",)),
    Verb("void", UNSIGNED, G.VOIDED, (May.PREPARE_AGREEMENTS,), by=CHORE),
    Verb("supersede", (G.EXECUTED,), G.SUPERSEDED, by=LISTENER),
    Verb("close", (G.EXECUTED,), G.TERMINATED, by=LISTENER),
    Verb("on_standing_changed", (G.TERMINATED,), G.EXECUTED, by=LISTENER),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One verb of a membership: it writes `fact`; `may` does it alone, or proposes it where `second` confirms.

    Two different humans, always. `paper` says that a document must be attached; `doors` are the endpoints.
    """

    name: str
    fact: str
    may: tuple[May, ...] = ()
    second: tuple[May, ...] = ()
    by: str = ""
    doors: tuple[str, ...] = ()
    paper: bool = False


MEMBERSHIP = (
    Fact("open_by_hand", "Term", (May.REVIEW,), doors=("deeds.propose_open_term",)),
    Fact("open_term", "Term", (May.REVIEW,), (May.DECIDE,), LISTENER, doors=("deeds.propose_open_term",)),
    Fact("suspend", "Hold", (May.REVIEW,), (May.DECIDE,), doors=("deeds.propose_suspend",)),
    Fact("lift", "Reversal", (May.REVIEW,), (May.DECIDE,), doors=("deeds.propose_lift",)),
    Fact("resign", "Ending(resigned)", (May.SIGN,), doors=("member.resign",)),
    Fact("undo_resignation", "Reversal", (May.SIGN,), doors=("member.undo_resignation",)),
    Fact("undo_resignation", "Reversal", (May.REVIEW,), doors=("deeds.undo_resignation",)),
    Fact("cancel_term", "Ending(cancelled)", (May.CREDIT,), (May.REVIEW,), doors=("deeds.propose_cancel_term",)),
    Fact("expel", "Ending(expelled)", (May.DECIDE_APPEALS,), (May.DECIDE,), doors=("deeds.propose_expel",), paper=True),
    Fact("set_founding", "badge", (May.REVIEW,), (May.DECIDE,), doors=("deeds.propose_set_founding",)),
    Fact("absorb", "Ending(absorbed)", (May.REVIEW,), (May.REVIEW, May.DECIDE), doors=("deeds.propose_absorb",), paper=True),
    Fact("merge", "ledger", (May.REVIEW,), (May.REVIEW, May.DECIDE), doors=("deeds.propose_merge",)),
    Fact("unmerge", "ledger", (May.REVIEW,), (May.REVIEW, May.DECIDE), doors=("deeds.propose_unmerge",)),
)  # fmt: skip


def moves(verbs: tuple[Verb, ...]) -> set[tuple[str, str]]:
    """Return the steps of a life that some verb takes: from and to, where the state changes."""
    return {(str(start), str(verb.to)) for verb in verbs if verb.to is not None for start in verb.starts}
