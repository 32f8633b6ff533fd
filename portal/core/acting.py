"""Who did something, in words: people by their names, and the portal itself under whatever name a part of it acts."""

from __future__ import annotations

from flask_babel import gettext as _

# What verbs are told as `by` where no person acts; a test reads the source and finds no other.
MACHINES = frozenset(
    {
        "announce_benefit_expiry", "announce_standings", "approval", "ask_statements", "candidate", "drop_silent_referrals", "erase_job_data", "post closed", "attempts", "appeal", "bank statement", "chase_graders", "check_files",
        "check_snapshots", "erasure", "mail_reports",
        "chore", "close_reviews", "close_sessions", "close_silent", "close_sittings", "close_unfulfilled", "command line", "credit note", "credit terms", "demo",
        "disputes", "end_eligibilities", "escalate_tickets", "exam paid", "expire_applications", "expire_holds", "expiry", "fulfilment",
        "hold over", "offer_slots", "release_holds",
        "import", "instalments", "issue_renewal_invoices", "lapse_holds", "late money", "licences", "mark_no_shows", "marking",
        "membership", "node", "offer_renewals", "payment", "payment page", "payouts", "portal retain", "promote_waitlist",
        "purchase", "queue", "quote", "refunds", "release_results", "remind_debtors", "remind_renewals", "renewal", "report_support", "retain",
        "reversal", "rule", "saved cards", "send_reminders", "session called off", "silence", "standing",
        "deem_acceptance", "offer_service_renewals", "services", "value date", "void_envelopes", "voiding", "post reports", "expire_posts", "remind_employers", "check_job_links", "escalate_moderation", "mail_saved_searches", "waitlist", "wake_held", "webhooks",
    }
)  # fmt: skip


def actor(name: str) -> str:
    """Return a name as the reader is shown it."""
    return _("the portal") if name in MACHINES else name
