"""What every page's frame shows: the rail, the switcher, the banner of the demo."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from portal.accounts import engine
from portal.accounts.access import Reader, who
from portal.accounts.mailbox import demo_people
from portal.accounts.may import May
from portal.accounts.people_views import acting_for, own_orgs
from portal.core import flags, nav
from portal.core.nav import Entry
from portal.core.settings import settings


def _demo_people() -> list[dict[str, str]]:
    return demo_people() if request.endpoint == "accounts.sign_in" else []


def acts(reader: Reader) -> bool:
    """Whether the reader acts for an organisation."""
    return bool(reader.contacts)


def staff_who_may(*what: May) -> Any:
    """Return the test whether a member of staff may do one of these."""
    return lambda reader: reader.works_here() and any(reader.may(verb) for verb in what)


def _banner() -> str:
    """Return what every page says above all: a demo, or a payment provider in test mode."""
    if flags.demo():
        return _("Demo: everything here is invented, nothing leaves this machine.")
    if "_test_" in settings().stripe_secret_key[:8]:
        return "Test mode 测试模式 – " + _("payments online move no money.")
    return ""


def words() -> dict[str, Any]:
    """Return the frame's part of every template's words."""
    banner = _banner()
    reader = who()
    if reader is None:
        return {
            "mode_banner": banner,
            "nav": (),
            "switcher": [],
            "current_staff": False,
            "reader": None,
            "demo_people": _demo_people(),
        }
    in_office = request.path.startswith("/office") or (reader.works_here() and not reader.contacts)
    found: dict[str, Any] = {
        "mode_banner": banner,
        "nav": nav.rail("office" if in_office else "member", reader),
        "current_staff": in_office,
        "reader": reader,
        "switcher": [],
        "switch_href": "/switch",
    }
    if in_office and any(reader.staff_may(verb) for verb in (May.READ_MEMBERS, May.READ_MONEY)):
        found["search_href"] = url_for("finder.search")
    if not in_office and reader.contacts:
        here = acting_for(reader)
        found["switcher"] = [
            (org.uid, org.name, here is not None and org.id == here.id) for org in own_orgs(reader)
        ]
    return found


def install() -> None:
    """Put the entries of this domain on the rails."""
    nav.add(
        Entry("member", 80, "accounts.people", _l("People"), "people", lambda r: bool(r.orgs(May.SEE_ORG))),
        Entry("member", 90, "accounts.security", _l("Account"), "gear", lambda _r: True),
        Entry("office", 80, "staff.people", _l("Staff"), "person-badge", staff_who_may(May.MANAGE_STAFF)),
        Entry("office", 70, "letterbox.mails", _l("Mail"), "envelope", staff_who_may(May.READ_MAIL)),
        Entry(
            "office", 75, "rules.kinds", _l("Catalogue"), "journal-text", staff_who_may(May.READ_CATALOGUE)
        ),
        Entry("office", 82, "engine.chore_list", _l("Chores"), "alarm", staff_who_may(May.READ_CHORES)),
        Entry(
            "office",
            84,
            "engine.work",
            _l("Outbox"),
            "send",
            staff_who_may(May.READ_OUTBOX),
            engine.count_dead,
        ),
        Entry("office", 86, "chain.entries", _l("Audit"), "shield-check", staff_who_may(May.READ_AUDIT)),
        Entry(
            "office",
            82,
            "helpdesk.people",
            _l("User accounts"),
            "person-lock",
            staff_who_may(May.HELP_PEOPLE),
        ),
        Entry("office", 95, "accounts.security", _l("Account"), "gear", lambda _r: True),
    )
