"""What happens when: every chore with its time, in the office's zone. This is the one table."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.accounts import hook_sending, throttle
from portal.billing import (
    bank_chasing,
    charging,
    dunning,
    online,
    quoting,
    recognising,
    reconciling,
    revaluing,
    sending,
    splitting,
    subscribing,
)
from portal.certs import award_chores, grade_chores, seat_chores, sitting_chores
from portal.core import audit, chores, file_checks, idempotency, outbox, retaining
from portal.core.chores import Chore
from portal.core.db import transaction
from portal.jobs import chores as job_chores
from portal.jobs import people_chores, saving
from portal.members import benefit_chores, contact_care, editions, tier_quotes
from portal.members import chores as members
from portal.members import renewal_chores as renewals
from portal.reports.closed import mailing, snapshots
from portal.reports.stored import building
from portal.services.engagements import chores as engagements
from portal.services.licences import announcing
from portal.services.licences import deal_chores as licences
from portal.services.quotes import renewing
from portal.services.quotes import sending as quotes
from portal.services.slots import chores as slots
from portal.services.sponsors import chores as sponsors
from portal.services.statements import chores as statements
from portal.services.support import chores as support
from portal.services.support import monthly


def purge_outbox() -> int:
    """Delete work that was done a month ago; return how many rows went."""
    with transaction():
        return outbox.purge()


def publish_wall() -> int:
    """Publish what changed on the wall since the last edition; return 1 if an edition came out."""
    with transaction():
        return int(editions.publish() is not None)


def expire_quotes() -> int:
    """Close the quotes of both kinds whose last day is over; return how many."""
    return quoting.sweep() + quotes.expire_quotes()


def check_audit() -> int:
    """Walk the audit chain and note on it what was found; return how many entries were read."""
    return audit.check(by="chore")


SAID = {
    "purge_outbox": _l("Deletes work that was done a month ago"),
    "forget_sign_in_tries": _l("Forgets old tries to sign in"),
    "settle_payments": _l("Asks the payment page about payments still open"),
    "check_audit": _l("Walks the audit chain and notes what it found"),
    "forget_idempotency_keys": _l("Forgets the keys of requests that programs made a day ago"),
    "charge_cards": _l("Goes on with charges of cards on file that were interrupted"),
    "reconcile": _l("Compares three days of payments, refunds, disputes and payouts with the provider"),
    "remind_debtors": _l("Reminds payers of what is due, one step at a time"),
    "chase_unidentified": _l("Asks finance about money whose payer is not found for days"),
    "send_refunds": _l("Sends approved refunds and asks about those under way"),
    "mail_reports": _l("Sends the reports that people ordered by mail"),
    "keep_totals": _l("Adds closed months up for the reports where no totals of them are kept"),
    "check_snapshots": _l("Walks the chain of snapshots and works the last closed months out again"),
    "recognise": _l("Books what was earned in the months that are over"),
    "revalue": _l("Revalues receivables in other currencies at the month's end"),
    "announce_standings": _l("Brings standings up to date as days pass, and tells of each change"),
    "expire_applications": _l("Reminds applicants of open questions, and closes what stays unanswered"),
    "close_unfulfilled": _l("Closes approved applications that were never signed or paid"),
    "renew_subscriptions": _l(
        "Orders and invoices the next period of subscriptions, and ends those that end"
    ),
    "invoice_instalments": _l("Invoices the instalments that are due, those of one payer together"),
    "expire_quotes": _l("Closes quotes whose last day is over"),
    "offer_renewals": _l("Offers the next term to members whose term ends soon"),
    "issue_renewal_invoices": _l("Issues the invoices of renewals, and closes those nobody paid in time"),
    "charge_renewals": _l("Has cards on file charged for renewals, on the days of the catalogue"),
    "send_reminders": _l("Reminds members of their renewal, one step of the ladder at a time"),
    "expire_tier_quotes": _l("Lays aside previews of changes of tier that nobody confirmed in time"),
    "void_envelopes": _l("Voids agreements that nobody signed in time"),
    "announce_benefit_expiry": _l("Tells members what is left of benefits that end soon, and on the day"),
    "ask_contact_confirmation": _l(
        "Asks owners each quarter to confirm their people, and follows up vacant roles"
    ),
    "serve_benefit_queues": _l("Gives free places to waiting claims, and frees what is no longer honoured"),
    "publish_wall": _l("Publishes an edition of the member wall if anything changed"),
    "expire_holds": _l("Lets held and offered exam seats lapse whose time is over"),
    "promote_waitlist": _l("Offers free exam seats to whoever waits for one"),
    "remind_candidates": _l("Reminds candidates of their exam, one step at a time"),
    "mark_no_shows": _l("Notes who did not come to an exam, half an hour after its start"),
    "close_sessions": _l("Closes exam sessions that are over"),
    "close_sittings": _l(
        "Hands in exams whose time is up, closes what was never started, and asks proctors for their reports"
    ),
    "end_eligibilities": _l("Ends exams whose time is over, and drops those never paid"),
    "retain": _l("Finds data kept beyond their time, and deletes them where the catalogue says so"),
    "lapse_holds": _l("Lets urgent holds of awards fall away that nobody confirmed in time"),
    "remind_renewals": _l("Reminds holders before their award ends, and tells once that it has ended"),
    "chase_graders": _l("Reminds graders, gives late work to others, and draws graders that are missing"),
    "close_reviews": _l("Closes reviews of the community whose time is over"),
    "release_results": _l("Releases results of exam sessions whose hour has come"),
    "escalate_tickets": _l("Tells of support promises near their end or broken, one step at a time"),
    "wake_held": _l("Goes on with tickets whose hold is over"),
    "remind_customers": _l("Reminds customers of tickets that wait for their answer"),
    "close_silent": _l(
        "Counts tickets as solved after long silence, and closes what was solved for two weeks"
    ),
    "ask_satisfaction": _l("Asks once how a closed ticket was"),
    "report_support": _l("Makes the monthly reports of paid support, once a company and month"),
    "announce_licences": _l("Tells, once each, of licences that end soon, have ended or have expired"),
    "forget_webhooks": _l("Deletes messages to programs that were done with three months ago"),
    "offer_licence_renewals": _l("Invoices the next year of licences that end soon"),
    "cancel_pending_licences": _l("Gives up orders of licences that nobody paid in time"),
    "close_licence_changes": _l("Reverses more nodes that nobody paid, and closes those collected in vain"),
    "deem_acceptance": _l(
        "Reminds of work that waits for acceptance, deems it accepted, and closes projects after their warranty"
    ),
    "offer_service_renewals": _l("Quotes the next period of services, reminds of it, and renews by tick"),
    "ask_statements": _l(
        "Asks sellers for last month's compute sales, reminds them, and confirms statements by silence"
    ),
    "release_holds": _l("Lets sponsors' places go whose hold is over, and lets signed ones begin"),
    "offer_slots": _l("Lets offers of slots pass, and offers what is free by the fair rule"),
    "nudge_employers": _l("Reminds employers of applications that have waited for two weeks"),
    "drop_silent_referrals": _l("Erases the addresses of referrals that nobody answered in time"),
    "erase_job_data": _l("Erases applications and résumés after their time, and profiles nobody uses"),
    "expire_posts": _l(
        "Closes posts whose days are over, and lets posts follow the memberships of their employers"
    ),
    "remind_employers": _l("Reminds employers of the end of posts, and asks whether they are still open"),
    "check_job_links": _l(
        "Looks whether the pages to apply are there, and pauses posts whose page has been gone"
    ),
    "escalate_moderation": _l("Tells of posts that wait for review longer than promised"),
    "mail_saved_searches": _l("Mails new posts to whoever keeps a search"),
    "check_files": _l("Reads every stored file anew and compares it with its checksum"),
}


def install() -> None:
    """Put every chore on the table, with what each does in words."""
    chores.say(SAID)
    chores.register(
        Chore("purge_outbox", "30 4 * * *", purge_outbox),
        Chore("forget_sign_in_tries", "40 4 * * *", throttle.forget_old),
        Chore("forget_idempotency_keys", "50 4 * * *", idempotency.purge),
        Chore("settle_payments", "*/10 * * * *", online.sweep),
        Chore("check_audit", "50 4 * * *", check_audit),
        Chore("charge_cards", "7-59/10 * * * *", charging.sweep),
        Chore("reconcile", "20 3 * * *", reconciling.reconcile),
        Chore("remind_debtors", "30 8 * * *", dunning.sweep),
        Chore("send_refunds", "5-59/10 * * * *", sending.sweep),
        Chore("recognise", "20 0 * * *", recognising.recognise),
        Chore("revalue", "40 0 * * *", revaluing.sweep),
        Chore("chase_unidentified", "0 9 * * 1-5", bank_chasing.chase),
        Chore("announce_standings", "5 0 * * *", members.announce_standings),
        Chore("expire_applications", "0 9 * * *", members.expire_applications),
        Chore("close_unfulfilled", "10 9 * * *", members.close_unfulfilled),
        Chore("renew_subscriptions", "30 6 * * *", subscribing.sweep),
        Chore("invoice_instalments", "40 6 * * *", splitting.sweep),
        Chore("expire_quotes", "15 0 * * *", expire_quotes),
        Chore("offer_renewals", "10 6 * * *", renewals.offer_renewals),
        Chore("issue_renewal_invoices", "20 6 * * *", renewals.issue_renewal_invoices),
        Chore("charge_renewals", "0 7 * * *", renewals.charge_renewals),
        Chore("send_reminders", "0 9 * * *", renewals.send_reminders),
        Chore("expire_tier_quotes", "17 0 * * *", tier_quotes.sweep),
        Chore("void_envelopes", "20 9 * * *", members.void_envelopes),
        Chore("announce_benefit_expiry", "30 9 * * *", benefit_chores.announce_benefit_expiry),
        Chore("ask_contact_confirmation", "40 9 * * *", contact_care.ask_contact_confirmation),
        Chore("serve_benefit_queues", "25 0 * * *", benefit_chores.serve_benefit_queues),
        Chore("publish_wall", "30 0 * * *", publish_wall),
        Chore("expire_holds", "*/2 * * * *", seat_chores.expire_holds),
        Chore("promote_waitlist", "4-59/10 * * * *", seat_chores.promote_waitlist),
        Chore("remind_candidates", "*/15 * * * *", seat_chores.remind_candidates),
        Chore("mark_no_shows", "*/5 * * * *", seat_chores.mark_no_shows),
        Chore("close_sessions", "3-59/20 * * * *", seat_chores.close_sessions),
        Chore("close_sittings", "* * * * *", sitting_chores.close_sittings),
        Chore("end_eligibilities", "35 0 * * *", seat_chores.end_eligibilities),
        Chore("retain", "10 5 * * *", retaining.retain),
        Chore("lapse_holds", "3-59/10 * * * *", award_chores.lapse_holds),
        Chore("remind_renewals", "50 9 * * *", award_chores.remind_renewals),
        Chore("check_files", "30 5 1 * *", file_checks.check_files),
    )
    chores.register(*_results(), *_support(), *_licences(), *_places(), *_reports(), *_jobs(), *_candidates())


def _reports() -> tuple[Chore, ...]:
    return (
        Chore("keep_totals", "5 4 * * *", building.mend),
        Chore("check_snapshots", "10 4 * * *", snapshots.check),
        Chore("mail_reports", "20 7 * * *", mailing.send),
    )


def _results() -> tuple[Chore, ...]:
    return (
        Chore("chase_graders", "15 8 * * *", grade_chores.chase_graders),
        Chore("close_reviews", "25 * * * *", grade_chores.close_reviews),
        Chore("release_results", "0 10 * * 1-5", grade_chores.release_results),
    )


def _support() -> tuple[Chore, ...]:
    return (
        Chore("escalate_tickets", "*/5 * * * *", support.escalate_tickets),
        Chore("wake_held", "2-59/10 * * * *", support.wake_held),
        Chore("remind_customers", "15 9 * * 1-5", support.remind_customers),
        Chore("close_silent", "25 9 * * *", support.close_silent),
        Chore("ask_satisfaction", "30 10 * * *", support.ask_satisfaction),
        Chore("report_support", "40 7 * * *", monthly.report_support),
        Chore("deem_acceptance", "35 8 * * *", engagements.deem_acceptance),
        Chore("offer_service_renewals", "50 6 * * *", renewing.offer_service_renewals),
    )


def _licences() -> tuple[Chore, ...]:
    return (
        Chore("announce_licences", "35 * * * *", announcing.announce_licences),
        Chore("forget_webhooks", "55 4 * * *", hook_sending.forget),
        Chore("offer_licence_renewals", "35 6 * * *", licences.offer_licence_renewals),
        Chore("cancel_pending_licences", "45 0 * * *", licences.cancel_pending_licences),
        Chore("close_licence_changes", "50 0 * * *", licences.close_licence_changes),
    )


def _places() -> tuple[Chore, ...]:
    return (
        Chore("ask_statements", "45 8 * * *", statements.ask_statements),
        Chore("release_holds", "8-59/10 * * * *", sponsors.release_holds),
        Chore("offer_slots", "35 8 * * 1-5", slots.offer_slots),
    )


def _candidates() -> tuple[Chore, ...]:
    return (
        Chore("nudge_employers", "55 8 * * 1-5", people_chores.nudge_employers),
        Chore("drop_silent_referrals", "55 0 * * *", people_chores.drop_silent_referrals),
        Chore("erase_job_data", "20 5 * * *", people_chores.erase_job_data),
    )


def _jobs() -> tuple[Chore, ...]:
    return (
        Chore("expire_posts", "12 0 * * *", job_chores.expire_posts),
        Chore("remind_employers", "55 8 * * *", job_chores.remind_employers),
        Chore("check_job_links", "15 6 * * *", job_chores.check_job_links),
        Chore("escalate_moderation", "5 9 * * 1-5", job_chores.escalate_moderation),
        Chore("mail_saved_searches", "20 7 * * *", saving.mail_saved_searches),
    )
