"""What a membership includes: nodes per plan by tier, and at which share of their price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from portal.accounts.organisations import Organisation
from portal.core import catalogue, clock
from portal.core.db import db
from portal.members import terms
from portal.members.belonging import Term
from portal.members.facts import facts_of
from portal.members.standing import Answer, Right, in_force
from portal.services.licences.kinds import TermKind
from portal.services.licences.models.deal import CONTRACTS, DealState, LicenceQuote
from portal.services.licences.models.licence import Licence, LicenceTerm

KIND = "licence_benefit"


@dataclass(frozen=True, slots=True)
class Included:
    """So many nodes of a plan by a tier; `share_bp` of their price is still paid, `most` plans at once (None: any)."""

    tier: str = ""
    nodes: int = 0
    share_bp: int = 0
    most: int | None = None

    @property
    def free(self) -> int:
        """Return the nodes that come without an order."""
        return 0 if self.share_bp else self.nodes


NOTHING = Included()


def of_tier(tier: str, plan: str, *, on: date | None = None) -> Included:
    """Return what a tier includes of a plan."""
    for body in catalogue.entries(KIND, on=on).values():
        if body["tier"] == tier and plan in body["plans"]:
            return Included(tier, int(body["nodes"]), int(body["share_bp"]), body.get("most"))
    return NOTHING


def check(body: dict[str, object]) -> None:
    """Look at a row before it enters the catalogue; a KeyError or ValueError says what is wrong."""
    row = Included(str(body["tier"]), int(str(body["nodes"])), int(str(body["share_bp"])))
    if row.nodes < 1 or not 0 <= row.share_bp < 10_000:
        raise ValueError(f"{body['code']}: nodes or share out of their range")


def answer_for(org: Organisation, *, on: date | None = None) -> Answer:
    """Return whether an organisation may use benefits: yes, keeps what it has, or no."""
    membership = terms.membership_of(org)
    return Answer.NO if membership is None else terms.may(membership, Right.USE_BENEFITS, on=on)


def included(org: Organisation, plan: str, *, on: date | None = None, but: Licence | None = None) -> Included:
    """Return what the membership of an organisation includes of a plan on a day; one plan only where the tier says so."""
    day = on or clock.today()
    membership = terms.membership_of(org)
    if membership is None or terms.may(membership, Right.USE_BENEFITS, on=day) is not Answer.YES:
        return NOTHING
    term = in_force(facts_of([membership])[membership.id], day)
    found = of_tier(db.session.get_one(Term, term.id).tier, plan, on=day) if term is not None else NOTHING
    if found.most is not None and _others(org, but) >= found.most:
        return NOTHING
    return found


def _others(org: Organisation, but: Licence | None) -> int:
    """Count the other licences of an organisation that are bought at a member's share."""
    rows = (
        select(LicenceQuote.licence_id)
        .join(Licence, Licence.id == LicenceQuote.licence_id)
        .where(
            Licence.org_id == org.id, LicenceQuote.share_bp > 0, LicenceQuote.kind.in_(CONTRACTS),
            LicenceQuote.state.in_([DealState.ORDERED, DealState.DONE]),
            LicenceQuote.ends_on.is_(None) | (LicenceQuote.ends_on > clock.today()),
        )
        .distinct()
    )  # fmt: skip
    return len([one for one in db.session.scalars(rows) if but is None or one != but.id])


def nodes_now(licence: Licence, at: datetime | None = None) -> int:
    """Return the nodes of a licence that come with the membership at an instant."""
    now = at or clock.now()
    rows = benefit_terms(licence.id)
    return sum(one.nodes for one in rows if one.starts_at <= now < (one.closed_at or one.ends_at))


def benefit_terms(licence_id: int, source: str = "") -> list[LicenceTerm]:
    """Return the terms of a licence that came with the membership, those of one source where it is named."""
    found = select(LicenceTerm).where(
        LicenceTerm.licence_id == licence_id, LicenceTerm.kind == TermKind.BENEFIT,
        LicenceTerm.source.startswith(source, autoescape=True),
    )  # fmt: skip
    return list(db.session.scalars(found.order_by(LicenceTerm.id).execution_options(populate_existing=True)))
