"""How the history of benefits and of an organisation's people reads."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import story
from portal.members import granting

REASONS = {
    "tier": _l("the new tier gives less"),
    "ended": _l("the membership ended"),
    "expelled": _l("the membership ended for good"),
    "closed": _l("the application was closed"),
    "over": _l("its time is over"),
    "not used in time": _l("not used in time"),
}


def install() -> None:
    """Name the verbs of the audit chain, and how their values read."""
    story.words(
        {
            "benefit.claimed": (_l("Benefit claimed"), "gift"),
            "benefit.confirmed": (_l("Claim confirmed"), "check-circle"),
            "benefit.declined": (_l("Claim declined"), "x-circle"),
            "benefit.withdrawn": (_l("Claim withdrawn"), "arrow-return-left"),
            "benefit.released": (_l("Confirmed claim released"), "arrow-return-left"),
            "benefit.used": (_l("Benefit used"), "check2-all"),
            "benefit.place_given": (_l("Place given from the waiting list"), "arrow-up-circle"),
            "benefit.bought": (_l("Benefit bought"), "bag"),
            "benefit.expiring": (_l("End of benefits announced"), "hourglass-split"),
            "benefit.expired": (_l("Benefits ended unused"), "hourglass-bottom"),
            "application.early_claims": (_l("Leave given to claim before the membership"), "unlock"),
            "contact.vacancy_declared": (_l("Role vacant"), "person-dash"),
            "contact.vacancy_filled": (_l("Vacant role filled"), "person-check"),
            "contact.vacancy_closed": (_l("Vacant role no longer required"), "person-check"),
            "contact.domain_opened": (_l("Mail domain opened"), "door-open"),
            "contact.domain_closed": (_l("Mail domain closed"), "door-closed"),
            "contact.asked_to_join": (_l("Asked to act for the organisation"), "person-raised-hand"),
            "contact.join_declined": (_l("Request to act declined"), "x-circle"),
            "contact.join_taken_back": (_l("Request to act taken back"), "arrow-return-left"),
            "contact.list_confirmed": (_l("List of people confirmed"), "clipboard-check"),
            "contact.owner_letter": (_l("Letter about the owner brought"), "envelope-paper"),
            "contact.owner_letter_declined": (_l("Letter about the owner declined"), "x-circle"),
            "contact.owner_appointed": (_l("Owner appointed on a letter"), "person-check"),
        },
        {
            "benefit": _l("Benefit"), "benefits": _l("Benefits"), "quantity": _l("Quantity"), "waiting": _l("On the waiting list"),
            "provisional": _l("Provisional"), "domain": _l("Mail domain"), "people": _l("People"), "second": _l("Brought by"),
            "due": _l("To be filled by"), "sha256": _l("Fingerprint (SHA-256)"),
        },
    )  # fmt: skip
    story.values(
        {
            "benefit": lambda value: granting.benefit_name(str(value)),
            "benefits": lambda value: granting.benefit_name(str(value)),
            **{
                f"benefit.{verb}/reason": lambda value: str(REASONS.get(str(value), value))
                for verb in ("withdrawn", "released")
            },
        }
    )
