"""How the history of people, staff and the house itself reads."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts.may import ContactRole, StaffRole
from portal.core import labels, story


def role(value: object) -> str:
    """Return what a role of staff or of a contact is called."""
    for kind in (StaffRole, ContactRole):
        if value in {one.value for one in kind}:
            return labels.label(kind(str(value)))
    return str(value)


def install() -> None:
    """Name the verbs of this domain and of the house, their details, and how roles read."""
    story.words(
        {
            "person.registered": (_l("Registered"), "person-plus"),
            "person.confirmed": (_l("Mail address confirmed"), "envelope-check"),
            "person.signed_in": (_l("Signed in"), "door-open"),
            "person.password_changed": (_l("Password changed"), "key"),
            "person.changed": (_l("Account changed"), "pencil"),
            "person.totp_enrolled": (_l("Code app added"), "phone"),
            "person.totp_dropped": (_l("Code app removed"), "phone-vibrate"),
            "person.passkey_added": (_l("Passkey added"), "fingerprint"),
            "person.passkey_dropped": (_l("Passkey removed"), "fingerprint"),
            "person.recovery_codes_made": (_l("Recovery codes made"), "list-ol"),
            "person.recovery_code_used": (_l("Recovery code used"), "life-preserver"),
            "staff.role_given": (_l("Role of staff given"), "person-badge"),
            "staff.role_ended": (_l("Role of staff ended"), "person-x"),
            "audit.checked": (_l("Audit chain checked"), "shield-check"),
            "list.exported": (_l("List taken out as a file"), "download"),
            "outbox.again": (_l("Work taken up again"), "arrow-repeat"),
            "webhook.added": (_l("Webhook added"), "broadcast"),
            "webhook.secret_rotated": (_l("Webhook has a new secret"), "key"),
            "webhook.stopped": (_l("Webhook stopped after failures"), "exclamation-octagon"),
            "webhook.resumed": (_l("Webhook resumed"), "play"),
            "webhook.ended": (_l("Webhook ended"), "x-circle"),
            "webhook.replayed": (_l("Message to a program sent once more"), "arrow-repeat"),
            "webhook.skipped": (_l("Message to a program left out"), "skip-forward"),
            "chore.asked": (_l("Chore started by hand"), "play"),
        },
        {
            "role": _l("Role"), "name": _l("Called"), "through": _l("Checked through entry"), "breaks": _l("Breaks"),
            "list": _l("List"), "filters": _l("Filters"), "kind": _l("Type"), "key": _l("Key"), "tries": _l("Tries"),
            "chore": _l("Chore"), "form": _l("Format"), "login": _l("Login of the machine"),
        },
    )  # fmt: skip
    story.values({"role": role})
