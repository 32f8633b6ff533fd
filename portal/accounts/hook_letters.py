"""The mail about webhooks: an address was stopped after three days of failures."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import contacts
from portal.accounts.hook_models import WebhookEndpoint
from portal.accounts.may import ContactRole
from portal.core import mail, web
from portal.core.mail import Letter


def stopped(row: WebhookEndpoint) -> None:
    """Tell owners and technical contacts that nothing is sent to an address any more."""

    def letter() -> Letter:
        return Letter(
            _("Webhook stopped: %(url)s", url=row.url[:120]),
            (
                _("The address did not take our messages, and we stopped sending."),
                _(
                    "Nothing is lost: mend it, then resume it on its page, and everything goes out in its order."
                ),
            ),
            button=(_("Open the address"), web.absolute("accounts.webhook", uid=row.uid)),
        )

    for person in contacts.holders(row.org, ContactRole.OWNER, ContactRole.TECHNICAL):
        mail.send(
            f"webhook-stopped:{row.uid}:{row.edition}:{person.uid}", person.email, person.name, person.language, letter,
            topic=row.subject,
        )  # fmt: skip
