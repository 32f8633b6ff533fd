"""An organisation's own profile: the names on the wall, its site, what it says of itself, and whether it is shown."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from portal.accounts import merging
from portal.accounts.organisations import Organisation
from portal.accounts.people import Person
from portal.accounts.privacy_models import Channel
from portal.core import audit
from portal.core.db import db
from portal.core.errors import Refused
from portal.members import checklist, names, terms
from portal.members.standing import Answer, Right

OWN = ("display_name_zh", "display_name_en", "homepage", "address", "about")


def change(
    org: Organisation, given: dict[str, Any], *, by: Person, channel: Channel = Channel.PROFILE
) -> None:
    """Change what an organisation may change itself; `given` holds only the fields that are to change."""
    membership = terms.membership_of(org)
    if membership is not None and terms.may(membership, Right.EDIT_PROFILE) is not Answer.YES:
        raise Refused(_l("While the membership stands as it does, the profile cannot be changed."))
    changed = {
        name: [getattr(org, name), given[name]]
        for name in OWN
        if name in given and getattr(org, name) != given[name]
    }
    for name, (_old, new) in changed.items():
        setattr(org, name, new)
    if changed:
        names.index(org)
        audit.record("organisation.profile_changed", org, by=by, org_id=org.id, **changed)
    if given.get("listing", org.listing_consent) != org.listing_consent:
        checklist.set_listing(org, given["listing"], by=by, channel=channel)
    db.session.flush()


def change_seen(org: Organisation, typed: dict[str, Any], *, seen: str, by: Person) -> None:
    """Change the profile if it is still the version that was seen; else refuse, and nothing typed is lost."""
    row = merging.locked(org)
    if str(row.version) != seen:
        raise Refused(
            _l(
                "Somebody else changed this while you were typing. Your words are kept below; the present ones stand beside them. Save again to replace them."
            )
        )
    change(row, {name: typed[name] or "" for name in OWN if name in typed}, by=by)
