"""The staff's pages of sponsorship: editions with packages and places, holding, and one place with all that is done on it."""

from __future__ import annotations

from typing import Any

from flask import Response, g, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse

from portal.accounts.access import allow, me
from portal.accounts.may import May
from portal.billing.price_models import Product
from portal.core import audit, catalogue, clock
from portal.core import files as core_files
from portal.core.db import db, transaction
from portal.core.errors import Refused
from portal.core.forms import options
from portal.core.web import go
from portal.services import finding
from portal.services.sponsors import access, editions, fulfilling, leaving, letters, taking, views
from portal.services.sponsors import forms as f
from portal.services.sponsors.doors import sponsors_office
from portal.services.sponsors.kinds import PlaceState, PromiseKind, Scope
from portal.services.sponsors.models import SponsorEdition, SponsorPlace
from portal.services.support.forms import apart

EDITION, PLACE = "sponsors_office.edition", "sponsors_office.place"


def _list(form: f.NewEdition, status: int = 200) -> Any:
    g.nav = "sponsors_office.listed"
    rows = list(
        db.session.scalars(
            select(SponsorEdition).order_by(SponsorEdition.first_day.desc(), SponsorEdition.id)
        )
    )
    counts = {row.id: _counts(row) for row in rows}
    return render_template(
        "office/sponsors/list.html",
        rows=rows,
        counts=counts,
        form=form,
        may_sell=me().staff_may(May.SELL_PLACES),
    ), status


def _counts(edition: SponsorEdition) -> dict[str, int]:
    states = [one.state for one in editions.places(edition)]
    return {
        "free": states.count(PlaceState.OPEN), "held": states.count(PlaceState.HELD),
        "sold": sum(one in (PlaceState.SIGNED, PlaceState.RUNNING, PlaceState.FULFILLED) for one in states),
    }  # fmt: skip


@sponsors_office.get("/")
@allow(May.READ_PLACES)
def listed() -> Any:
    """List the editions."""
    return _list(f.NewEdition(formdata=None))


@sponsors_office.post("/")
@allow(May.SELL_PLACES)
def announce() -> Any:
    """Write down an edition."""
    form = f.NewEdition()
    made: list[SponsorEdition] = []

    def deed() -> None:
        made.append(
            editions.announce(
                event=str(form.event.data), year=int(form.year.data or 0), names=form.names(), city=str(form.city.data),
                first_day=form.first_day.data, last_day=form.last_day.data, refusal_until=form.refusal_until.data,
                by=me().person,
            )
        )  # fmt: skip

    status = form.carry_out(deed)
    if not status:
        return go(EDITION, _("Written down. Now say which packages there are."), uid=made[0].uid)
    return _list(form, status)


def _products() -> dict[str, str]:
    rows = db.session.scalars(select(Product).where(Product.code.in_(editions.PRODUCTS)))
    return {row.code: catalogue.in_words(row.words) for row in rows}


def _edition(row: SponsorEdition, status: int = 200, **given: Any) -> Any:
    g.nav = "sponsors_office.listed"
    package = given.get("package") or f.NewPackage(formdata=None)
    package.offer(_products())
    item = given.get("item") or f.NewItem(formdata=None)
    item.offer()
    hold = given.get("hold") or f.Hold(formdata=None)
    offers = views.offers(row)
    hold.package.choices = options(
        (one["package"].uid, catalogue.in_words(one["package"].names)) for one in offers
    )
    return render_template(
        "office/sponsors/edition.html", row=row, offers=offers, places=editions.places(row),
        before=editions.last_title_sponsors(row), may_sell=me().staff_may(May.SELL_PLACES),
        left=fulfilling.unfulfilled, today=clock.today(), on_package=given.get("on_package"),
        **apart(package=package, item=item, hold=hold),
    ), status  # fmt: skip


@sponsors_office.get("/editions/<uid>")
@allow(May.READ_PLACES)
def edition(uid: str) -> Any:
    """Show an edition: packages, places, who took first refusal."""
    return _edition(access.any_edition(uid))


@sponsors_office.post("/editions/<uid>/packages")
@allow(May.SELL_PLACES)
def offer(uid: str) -> Any:
    """Offer a package."""
    row, form = access.any_edition(uid), f.NewPackage()
    form.offer(_products())
    status = form.carry_out(
        lambda: editions.offer(
            row, names=form.names(), product=str(form.product.data), price=form.sum(), title=bool(form.title.data),
            quantity=int(form.quantity.data or 0), scope=Scope(form.scope.data), by=me().person,
        )
    )  # fmt: skip
    if not status:
        return go(EDITION, _("The package is for sale. Say next what it promises."), uid=uid)
    return _edition(access.any_edition(uid), status, package=form)


@sponsors_office.post("/packages/<uid>/items")
@allow(May.SELL_PLACES)
def promise(uid: str) -> Any:
    """Say what a package promises."""
    row, form = access.any_package(uid), f.NewItem()
    form.offer()
    status = form.carry_out(
        lambda: editions.promise(
            row, kind=PromiseKind(form.kind.data), words={"zh": str(form.words_zh.data), "en": str(form.words_en.data)},
            days=int(form.days.data or 0), by=me().person,
        )
    )  # fmt: skip
    if not status:
        return go(EDITION, _("Added to the package."), uid=row.edition.uid)
    return _edition(access.any_edition(row.edition.uid), status, item=form, on_package=uid)


@sponsors_office.post("/editions/<uid>/holds")
@allow(May.SELL_PLACES)
def hold(uid: str) -> Any:
    """Hold a place for an organisation."""
    row, form = access.any_edition(uid), f.Hold()
    known = {one.uid: one for one in editions.packages(row)}
    form.package.choices = options((code, catalogue.in_words(one.names)) for code, one in known.items())
    made: list[SponsorPlace] = []
    status = form.carry_out(
        lambda: made.append(
            taking.hold(known[str(form.package.data)], finding.org_named(str(form.org.data)), by=me().person)
        )
    )
    if not status:
        return go(PLACE, _("The place is held; the sponsor has mail."), uid=made[0].uid)
    return _edition(access.any_edition(uid), status, hold=form)


def _page(row: SponsorPlace, status: int = 200, **given: Any) -> Any:
    g.nav, reader = "sponsors_office.listed", me()
    proposed = row.leaving_by is not None
    percent = leaving.percent(row) if row.leaving_percent is None else row.leaving_percent
    return render_template(
        "office/sponsors/place.html", row=row, name=letters.name_of(row), items=fulfilling.items(row),
        today=clock.today(), percent=percent, proposed=proposed,
        mine=row.leaving_by_id == reader.person.id, may_sell=reader.staff_may(May.SELL_PLACES),
        may_manage=reader.staff_may(May.MANAGE_PLACES), may_credit=reader.staff_may(May.CREDIT),
        history=list(db.session.scalars(audit.of_subject(row.subject))), open_item=given.get("on_item"),
        due=leaving.stays_due(row.package.price, percent),
        **apart(
            sign=given.get("sign") or f.Sign(formdata=None), prove=given.get("prove") or f.Prove(formdata=None),
            back=given.get("back") or f.Back(formdata=None), leave=given.get("leave") or f.Leave(formdata=None),
        ),
    ), status  # fmt: skip


@sponsors_office.get("/places/<uid>")
@allow(May.READ_PLACES)
def place(uid: str) -> Any:
    """Show a place on one page."""
    return _page(access.any_place(uid))


@sponsors_office.post("/places/<uid>/release")
@allow(May.SELL_PLACES)
def let_go(uid: str) -> BaseResponse:
    """Let a held place be for sale again."""
    row = access.any_place(uid)
    with transaction():
        taking.let_go(row, by=me().person)
    return go(PLACE, _("The place is for sale again."), uid=uid)


@sponsors_office.post("/places/<uid>/signature")
@allow(May.SELL_PLACES)
def sign(uid: str) -> Any:
    """Write down that the contract is executed."""
    row, form = access.any_place(uid), f.Sign()
    status = form.carry_out(lambda: taking.sign(row, contract=str(form.contract.data), by=me().person))
    if not status:
        return go(PLACE, _("Signed. The invoice is issued and the checklist begins."), uid=uid)
    return _page(access.any_place(uid), status, sign=form)


@sponsors_office.post("/places/<uid>/items/<item>/proof")
@allow(May.SELL_PLACES)
def prove(uid: str, item: str) -> Any:
    """Say that something is done, with the proof."""
    row, form = access.any_place(uid), f.Prove()
    line = access.item_of(row, item)
    if form.validate_on_submit():
        try:
            file = views.taken(request.files.get("file"))
            with transaction():
                fulfilling.prove(line, by=me().person, proof=str(form.proof.data), file=file)
        except Refused as refusal:
            form.refused(refusal)
        else:
            return go(PLACE, _("Done and proved."), uid=uid)
    return _page(access.any_place(uid), 422, prove=form, on_item=item)


@sponsors_office.post("/places/<uid>/items/<item>/return")
@allow(May.SELL_PLACES)
def send_back(uid: str, item: str) -> Any:
    """Send back what was handed in."""
    row, form = access.any_place(uid), f.Back()
    line = access.item_of(row, item)
    status = form.carry_out(lambda: fulfilling.send_back(line, by=me().person, reason=str(form.reason.data)))
    if not status:
        return go(PLACE, _("Sent back; the sponsor has mail."), uid=uid)
    return _page(access.any_place(uid), status, back=form, on_item=item)


@sponsors_office.get("/places/<uid>/items/<item>/file")
@allow(May.READ_PLACES)
def file(uid: str, item: str) -> Response:
    """Hand out the file of a line of the checklist."""
    return core_files.send(access.file_of(access.any_place(uid), item))


@sponsors_office.post("/places/<uid>/fulfilment")
@allow(May.MANAGE_PLACES)
def fulfil(uid: str) -> BaseResponse:
    """Close a place of which every promise is proved."""
    row = access.any_place(uid)
    with transaction():
        fulfilling.fulfil(row, by=me().person)
    return go(PLACE, _("Fulfilled. The sponsor sees every proof."), uid=uid)


@sponsors_office.post("/places/<uid>/leaving")
@allow(May.MANAGE_PLACES)
def leave(uid: str) -> Any:
    """Propose to cancel a place."""
    row, form = access.any_place(uid), f.Leave()
    status = form.carry_out(lambda: leaving.propose(row, by=me().person, reason=str(form.reason.data)))
    if not status:
        return go(PLACE, _("Proposed. Finance confirms it."), uid=uid)
    return _page(access.any_place(uid), status, leave=form)


@sponsors_office.post("/places/<uid>/<any(cancellation, keeping):deed>")
@allow(May.CREDIT)
def decide(uid: str, deed: str) -> BaseResponse:
    """Cancel a place as proposed, or leave it as it is."""
    row = access.any_place(uid)
    with transaction():
        (leaving.cancel if deed == "cancellation" else leaving.keep)(row, by=me().person)
    said = _("Cancelled; the credit note is issued.") if deed == "cancellation" else _("The place stays.")
    return go(PLACE, said, uid=uid)
