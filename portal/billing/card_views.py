"""The payer's own page about his card on file: what is kept, and the button that forgets it."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import or_, select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import me, signed_in
from portal.accounts.may import May
from portal.billing import saved_cards
from portal.billing.models import Party
from portal.billing.provider_models import SavedCard
from portal.billing.views import billing
from portal.core.db import db, transaction
from portal.core.errors import Missing
from portal.core.web import go


@billing.post("/billing-details/cards/<uid>/removal")
@signed_in
def forget_card(uid: str) -> BaseResponse:
    """Forget a card; one of another payer looks missing."""
    reader = me()
    mine = or_(Party.person_id == reader.person.id, Party.org_id.in_(reader.orgs(May.PAY)))
    row = db.session.scalars(select(SavedCard).join(Party).where(SavedCard.uid == uid, mine)).first()
    if row is None:
        raise Missing(_("There is no such card."))
    with transaction():
        saved_cards.remove(row, by=reader.person)
    return go("billing.profile", _("The card is forgotten."))
