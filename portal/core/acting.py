"""Who did something, in words: people by their names, and the portal itself under whatever name a part of it acts."""

from __future__ import annotations

from flask_babel import gettext as _

# What verbs are told as `by` where no person acts; a test reads the source and finds no other.
MACHINES = frozenset(
    {
        "announce_benefit_expiry", "announce_standings", "approval", "bank statement", "check_files", "chore",
        "close_unfulfilled", "command line", "credit note", "credit terms", "demo", "disputes", "expire_applications",
        "expiry", "fulfilment", "import", "instalments", "issue_renewal_invoices", "lapse_holds", "late money", "membership",
        "offer_renewals", "payment", "payment page", "payouts", "portal retain", "purchase", "queue", "quote", "refunds",
        "remind_debtors", "remind_renewals", "renewal", "retain", "reversal", "rule", "saved cards", "send_reminders", "silence", "standing",
        "value date", "void_envelopes", "voiding",
    }
)  # fmt: skip


def actor(name: str) -> str:
    """Return a name as the reader is shown it."""
    return _("the portal") if name in MACHINES else name
