"""The mails of sponsorship: a place held, let go, signed; what was handed in and sent back; what leaving costs."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import catalogue, web
from portal.core.mail import Letter
from portal.core.words import day, moment, money
from portal.services.people import who_may, write
from portal.services.sponsors.models import PlaceItem, SponsorPlace


def name_of(place: SponsorPlace) -> str:
    """Return what a place is called in the reader's language."""
    package = place.package
    return f"{catalogue.in_words(package.edition.names)} · {catalogue.in_words(package.names)}"


def _mine(place: SponsorPlace) -> tuple[str, str]:
    return _("Open your place"), web.absolute("sponsors.place", uid=place.uid)


def _theirs(place: SponsorPlace) -> tuple[str, str]:
    return _("Open the place"), web.absolute("sponsors_office.place", uid=place.uid)


def _to_sponsor(place: SponsorPlace, key: str, letter: Callable[[], Letter]) -> None:
    if place.org is not None:
        write(
            f"place-{key}:{place.uid}:{place.edition}", who_may(place.org, May.FILL_PLACES), letter,
            topic=place.subject,
        )  # fmt: skip


def held(place: SponsorPlace) -> None:
    """Tell the sponsor until when a place is held for him."""

    def letter() -> Letter:
        until = moment(place.held_until) if place.held_until else ""
        return Letter(
            _("Held for you: %(place)s", place=name_of(place)),
            (
                _("The place is yours until %(moment)s; please sign the contract by then.", moment=until),
                _("Price: %(sum)s, tax included.", sum=money(place.package.price)),
            ),
            button=_mine(place),
        )

    _to_sponsor(place, "held", letter)


def let_go(place: SponsorPlace) -> None:
    """Tell the sponsor that a place is not held any more."""

    def letter() -> Letter:
        return Letter(
            _("No longer held: %(place)s", place=name_of(place)),
            (_("The place is for sale again. Tell us if you still want it: it may be free."),),
            button=(_("See what is free"), web.absolute("sponsors.listed")),
        )

    _to_sponsor(place, "let-go", letter)


def signed(place: SponsorPlace) -> None:
    """Tell the sponsor what he hands in, and that the invoice comes."""

    def letter() -> Letter:
        return Letter(
            _("Welcome as a sponsor: %(place)s", place=name_of(place)),
            (
                _("Your place shows what we give and what you hand in, each with its day."),
                _("The invoice comes by a mail of its own."),
            ),
            button=_mine(place),
        )

    _to_sponsor(place, "signed", letter)


def handed_in(item: PlaceItem) -> None:
    """Tell whoever looks after sponsors that something was handed in."""

    def letter() -> Letter:
        return Letter(
            _("Handed in: %(what)s", what=catalogue.in_words(item.words)),
            (_("%(place)s. Please look at it.", place=name_of(item.place)),),
            button=_theirs(item.place),
        )

    write(
        f"place-handed:{item.uid}:{item.edition}", grants.holders(May.SELL_PLACES), letter,
        topic=item.place.subject,
    )  # fmt: skip


def sent_back(item: PlaceItem) -> None:
    """Tell the sponsor why something cannot be used."""

    def letter() -> Letter:
        return Letter(
            _("Please hand in again: %(what)s", what=catalogue.in_words(item.words)),
            (item.back, _("It is due on %(day)s.", day=day(item.due_on))),
            button=_mine(item.place),
        )

    if item.place.org is not None:
        write(
            f"place-back:{item.uid}:{item.edition}", who_may(item.place.org, May.FILL_PLACES), letter,
            topic=item.place.subject,
        )  # fmt: skip


def fulfilled(place: SponsorPlace) -> None:
    """Tell the sponsor that every promise is kept, with the proof."""

    def letter() -> Letter:
        return Letter(
            _("All done: %(place)s", place=name_of(place)),
            (_("Everything that was promised is done and proved on the page. Thank you."),),
            button=_mine(place),
        )

    _to_sponsor(place, "fulfilled", letter)


def leaving(place: SponsorPlace) -> None:
    """Tell finance that a place is proposed to be cancelled."""

    def letter() -> Letter:
        org = place.org.name if place.org is not None else ""
        return Letter(
            _("To be cancelled: %(place)s", place=name_of(place)),
            (
                _("%(org)s: %(percent)s %% of the price stay due.", org=org, percent=place.leaving_percent),
                place.leaving_reason,
            ),
            button=_theirs(place),
        )

    write(
        f"place-leaving:{place.uid}:{place.edition}", grants.holders(May.CREDIT), letter, topic=place.subject
    )


def cancelled(place: SponsorPlace) -> None:
    """Tell the sponsor that a place is cancelled, and what stays due."""

    def letter() -> Letter:
        return Letter(
            _("Cancelled: %(place)s", place=name_of(place)),
            (
                _("%(percent)s %% of the price stay due by the scale of the contract.", percent=place.leaving_percent),
                _("A credit note over the rest comes by a mail of its own."),
            ),
            button=_mine(place),
        )  # fmt: skip

    _to_sponsor(place, "cancelled", letter)
