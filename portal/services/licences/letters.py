"""The mails of licences: what comes to its end, what is full, suspended or revoked, and each key that was made or ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.may import ContactRole
from portal.core import clock, i18n, labels, mail, web
from portal.core.mail import Letter
from portal.core.words import day, moment, money
from portal.services.licences import life, plans
from portal.services.licences.events import instant
from portal.services.licences.kinds import HoldReason
from portal.services.licences.models.deal import LicenceQuote
from portal.services.licences.models.licence import Licence
from portal.services.licences.models.record import LicenceEvent

R = ContactRole
PAYING, RUNNING = (R.OWNER, R.BILLING), (R.OWNER, R.BILLING, R.TECHNICAL)
OLD_NEWS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class About:
    """What a mail is about: the licence as people call it, what its event says, and a quote that is ready."""

    row: Licence
    said: dict[str, Any]
    quote: LicenceQuote | None = None

    @property
    def name(self) -> str:
        """Return the customer's name for it, else the plan's."""
        return self.row.name or plans.read(self.row.sold).words

    def at(self, name: str) -> datetime | None:
        """Return an instant the event names."""
        return instant(self.said.get(name))


def tell(event: LicenceEvent, quote: LicenceQuote | None = None) -> None:
    """Send the mails an event calls for, with a quote that is ready; asked again it sends none twice."""
    if event.kind not in WRITTEN:
        return
    roles, write, how_often = WRITTEN[event.kind]
    about = About(event.licence, event.detail, quote)
    key = how_often(event)
    if key is None:
        return
    for person in contacts.holders(event.licence.org, *roles):
        mail.send(
            f"licence:{key}:{person.uid}", person.email, person.name, person.language, lambda: write(about), topic=event.licence.subject
        )  # fmt: skip


def _each(event: LicenceEvent) -> str | None:
    return event.uid


def _monthly(event: LicenceEvent) -> str | None:
    """At most one mail a month says of one limit that it is near or reached: a cluster meets it every day."""
    return f"{event.licence.uid}:{event.kind.removeprefix('licence.')}:{event.detail.get('limit')}:{clock.today():%Y%m}"


def _while_new(event: LicenceEvent) -> str | None:
    """What was caught up long after it happened is on record, and no news to anybody."""
    at, now = instant(event.detail.get("at")), clock.now()
    over = instant(event.detail.get("until"))
    if (at is not None and at < now - OLD_NEWS) or (over is not None and over <= now):
        return None
    return event.uid


def _open(row: Licence) -> tuple[str, str]:
    return _("Open the licence"), web.absolute("licences.licence", uid=row.uid)


def _number(row: Licence) -> tuple[str, str]:
    return _("Add nodes"), web.absolute("licences.number_page", uid=row.uid)


def _expiring(about: About) -> Letter:
    end = about.at("ends_at")
    return Letter(
        _("%(name)s ends in %(days)s days", name=about.name, days=about.said.get("days", "")),
        (
            _("It ends on %(moment)s. Renew it before, and nothing changes for your nodes.", moment=moment(end) if end else ""),
            _("Without a renewal nodes with a seat go on through the days of grace, and nobody new comes in."),
        ),
        button=_open(about.row),
    )  # fmt: skip


def _grace(about: About) -> Letter:
    over = about.at("until")
    return Letter(
        _("%(name)s has ended: days of grace", name=about.name),
        (
            _("Renew it now. Nodes with a seat go on until %(moment)s; nobody new comes in.", moment=moment(over) if over else ""),
        ),
        button=_open(about.row),
    )  # fmt: skip


def _expired(about: About) -> Letter:
    return Letter(
        _("%(name)s has expired", name=about.name),
        (_("No node may run any more. Bought again, it wakes with the same keys and nodes."),),
        button=_open(about.row),
    )


def _near(about: About) -> Letter:
    said = {"live": about.said.get("live", ""), "limit": about.said.get("limit", "")}
    return Letter(
        _("%(name)s is nearly full", name=about.name),
        (
            _("%(live)s of %(limit)s nodes are live.", **said),
            _("When all are, the next machine is refused. You can add nodes or release those that are no longer used."),
        ),
        button=_open(about.row),
    )  # fmt: skip


def _full(about: About) -> Letter:
    return Letter(
        _("%(name)s is full", name=about.name),
        (
            _("All %(limit)s nodes are live: the next machine is refused. Those that run go on.", limit=about.said.get("limit", "")),
            _("You can add nodes or release those that are no longer used."),
        ),
        button=_open(about.row),
    )  # fmt: skip


def _overage(about: About) -> Letter:
    until, quote = about.at("until"), about.quote
    ready = () if quote is None else (
        _(
            "A quote is ready: %(count)s nodes in all for %(sum)s with tax, to be accepted until the end of %(day)s.",
            count=quote.nodes, sum=money(quote.gross), day=day(quote.expires_on),
        ),
    )  # fmt: skip
    return Letter(
        _("%(name)s runs above what you bought", name=about.name),
        (
            _("%(nodes)s more nodes may run until %(moment)s, once in a contract year.", nodes=about.said.get("nodes", ""), moment=moment(until) if until else ""),
            _("Please add nodes before that day: afterwards those beyond the limit are told to stop."),
            *ready,
        ),
        button=_number(about.row),
    )  # fmt: skip


def _suspended(about: About) -> Letter:
    begins = about.at("from_at")
    holds = [one for one in life.open_holds(about.row.id) if one.reason.value == about.said.get("reason")]
    chinese = i18n.language().startswith("zh")
    words = tuple(one.words_zh if chinese else one.words_en for one in holds[-1:])
    later = begins is not None and begins > clock.now()
    return Letter(
        _("%(name)s will be suspended", name=about.name) if later else _("%(name)s is suspended", name=about.name),
        (
            _("From %(moment)s no node may start work.", moment=moment(begins)) if later and begins else _("No node may start work for now."),
            labels.label(HoldReason(about.said["reason"])),
            *words,
            _("Nodes keep their seats and go on by themselves once it is settled."),
        ),
        button=_open(about.row),
    )  # fmt: skip


def _reinstated(about: About) -> Letter:
    return Letter(
        _("%(name)s is in force again", name=about.name),
        (_("The suspension is lifted: your nodes go on by themselves."),),
        button=_open(about.row),
    )


def _revoked(about: About) -> Letter:
    return Letter(
        _("%(name)s was revoked", name=about.name),
        (_("No node may run under it any more. If you think that this is wrong, please write to us."),),
        button=_open(about.row),
    )


def _key_made(about: About) -> Letter:
    return Letter(
        _("A key was made for %(name)s", name=about.name),
        (
            _("Key “%(label)s”, which begins with %(hint)s.", label=about.said.get("label", ""), hint=about.said.get("hint", "")),
            _("If nobody of yours did this, end the key and change your passwords."),
        ),
        button=(_("See the keys"), web.absolute("licences.keys", uid=about.row.uid)),
    )  # fmt: skip


def _key_ended(about: About) -> Letter:
    at = about.at("at")
    return Letter(
        _("A key of %(name)s ends", name=about.name),
        (_("It opens nothing from %(moment)s on.", moment=moment(at) if at else ""),),
        button=(_("See the keys"), web.absolute("licences.keys", uid=about.row.uid)),
    )


Writing = tuple[tuple[ContactRole, ...], Callable[[About], Letter], Callable[[LicenceEvent], str | None]]
WRITTEN: dict[str, Writing] = {
    "licence.expiring": (PAYING, _expiring, _each),
    "licence.grace_started": (RUNNING, _grace, _while_new),
    "licence.expired": (RUNNING, _expired, _while_new),
    "licence.limit_near": (RUNNING, _near, _monthly),
    "licence.limit_reached": (RUNNING, _full, _monthly),
    "licence.overage_started": (PAYING, _overage, _each),
    "licence.suspended": (RUNNING, _suspended, _each),
    "licence.reinstated": (RUNNING, _reinstated, _each),
    "licence.revoked": (RUNNING, _revoked, _each),
    "key.created": ((R.OWNER,), _key_made, _each),
    "key.ended": ((R.OWNER,), _key_ended, _each),
}
