"""Operations that change the number of nodes: exact figures written down, then accepted as they are."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from pydantic import Field

from portal.accounts.access import me
from portal.accounts.bearer import needs
from portal.accounts.scopes import Scope
from portal.core import i18n
from portal.core.api import WHOLE, WRITE_PROBLEMS, Amount, Answer, Body, told
from portal.core.idempotency import WriteHeaders, once
from portal.services.licences import access, changing
from portal.services.licences.door import answers
from portal.services.licences.licences_api import ONE, TOKEN, licences_api
from portal.services.licences.models.deal import DealKind, DealState, LicenceQuote
from portal.services.licences.parts import found
from portal.services.licences.shapes import OneLicence, OneOfLicence


class NewChange(Body):
    """How many nodes in all, and from which day at the earliest."""

    nodes: Annotated[int, Field(ge=1, le=100_000), WHOLE]
    effective: Annotated[date | None, Field(strict=False)] = None


class LicenceChangeAnswer(Answer):
    """The figures of a change, binding until and including `expires_on`."""

    id: str
    kind: DealKind
    state: DealState
    nodes: int
    gross: Amount
    net: Amount
    tax: Amount
    expires_on: date
    pay_by: date | None
    starts_on: date | None
    ends_on: date | None
    invoice: str | None
    created_at: datetime


def _told(row: LicenceQuote) -> LicenceChangeAnswer:
    return LicenceChangeAnswer(
        id=row.uid, kind=row.kind, state=row.state, nodes=row.nodes, gross=Amount.of(row.gross), net=Amount.of(row.net),
        tax=Amount.of(row.tax), expires_on=row.expires_on, pay_by=row.pay_by, starts_on=row.starts_on, ends_on=row.ends_on,
        invoice=row.invoice.uid if row.invoice else None, created_at=row.created_at,
    )  # fmt: skip


@licences_api.post(
    f"{ONE}/changes", operation_id="quote_licence_change", summary=str(_l("Write down what another number of nodes costs")),
    responses=answers(*WRITE_PROBLEMS, created=LicenceChangeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def quote_change(path: OneLicence, body: NewChange, header: WriteHeaders) -> Any:
    """For more nodes; fewer begin with the next year and are chosen on the page. A newer quote replaces an open one."""
    row = access.bought_for(path.uid)
    made = changing.quote(row, body.nodes, by=me().person, on=body.effective, language=i18n.language())
    return told(_told(made), 201, Location=url_for("api_licences.get_licence", uid=row.uid))


@licences_api.post(
    f"{ONE}/changes/<row>/acceptance", operation_id="accept_licence_change", summary=str(_l("Accept the figures of a change")),
    responses=answers(*WRITE_PROBLEMS, ok=LicenceChangeAnswer), security=TOKEN,
)  # fmt: skip
@needs(Scope.LICENCES_WRITE)
@once
def accept_change(path: OneOfLicence, header: WriteHeaders) -> Any:
    """Exactly these figures are invoiced; 409 QUOTE_STALE, before anything is written, if they moved."""
    quote = found(access.bought_for(path.uid), LicenceQuote, path.row)
    access.refuse_accept(quote)
    return told(_told(changing.accept(quote, by=me().person)))
