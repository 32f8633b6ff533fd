"""The mails of support: each in its receiver's language, with the ticket's number, so that an answer finds its thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.accounts.people import Person
from portal.core import clock, labels, mail, web
from portal.core.mail import Letter
from portal.core.words import moment
from portal.services.support import coverage, duty, pager
from portal.services.support.clocks import ClockKind, Severity
from portal.services.support.models import Satisfaction, SupportTicket, TicketMessage

LONGEST = 2000


def _send(
    key: str, people: Iterable[Person | None], letter: Callable[[], Letter], ticket: SupportTicket
) -> None:
    for person in people:
        if person is not None and person.erased_at is None:
            mail.send(
                f"{key}:{person.uid}",
                person.email,
                person.name,
                person.language,
                letter,
                topic=ticket.subject,
            )


def head(ticket: SupportTicket) -> str:
    """Return the title of a mail about a ticket: its number in brackets is what an answer is known by."""
    return f"[{ticket.number}] {ticket.title}"


def _mine(ticket: SupportTicket) -> tuple[str, str]:
    return _("Open your ticket"), web.absolute("support.ticket", uid=ticket.uid)


def _theirs(ticket: SupportTicket) -> tuple[str, str]:
    return _("Open the ticket"), web.absolute("support_office.ticket", uid=ticket.uid)


def received(ticket: SupportTicket) -> None:
    """Tell who asked that the ticket is there; tell who is on duty of one that stopped work, else nobody: they see the queue."""

    def letter() -> Letter:
        return Letter(
            head(ticket),
            (
                _("We have your ticket and answer by the promise of %(level)s.", level=coverage.name_of(ticket.level)),
                _("You can follow it on its page, or answer this mail."),
            ),
            button=_mine(ticket),
        )  # fmt: skip

    _send(f"ticket-received:{ticket.uid}", [ticket.asker], letter, ticket)
    if ticket.severity is Severity.S1:
        called(ticket)


def called(ticket: SupportTicket, *, again: int = 0) -> None:
    """Call who is on duty to a ticket that stopped somebody's work; `again` counts the calls until it is taken."""

    def letter() -> Letter:
        return Letter(
            _("Work has stopped: %(ticket)s", ticket=head(ticket)),
            (
                _(
                    "Please take it now. %(org)s waits.",
                    org=ticket.org.name if ticket.org else ticket.asker.name,
                ),
            ),
            button=_theirs(ticket),
        )

    today = clock.today()
    people = duty.people_on(today) or grants.holders(May.LEAD_SUPPORT)
    _send(f"ticket-called:{ticket.uid}:{today}:{again}", people, letter, ticket)
    pager.page(ticket, people, again=again)


def answered(ticket: SupportTicket, message: TicketMessage) -> None:
    """Send the customer what staff said to him."""

    def letter() -> Letter:
        return Letter(
            head(ticket),
            (
                message.body[:LONGEST],
                _("State of the ticket: %(state)s", state=labels.label(ticket.state)),
            ),
            button=_mine(ticket),
        )

    _send(f"ticket-answer:{message.uid}", [ticket.asker], letter, ticket)


def asked(ticket: SupportTicket, message: TicketMessage) -> None:
    """Tell the agent of a ticket that the customer wrote; without an agent the queue shows it."""

    def letter() -> Letter:
        return Letter(
            head(ticket), (_("The customer wrote:"), message.body[:LONGEST]), button=_theirs(ticket)
        )

    _send(f"ticket-asked:{message.uid}", [ticket.agent], letter, ticket)


def merged(ticket: SupportTicket, into: SupportTicket) -> None:
    """Tell who asked in which ticket his goes on."""

    def letter() -> Letter:
        return Letter(
            head(ticket),
            (_("This ticket goes on in %(other)s, which is about the same.", other=head(into)),),
            button=_mine(into),
        )

    _send(f"ticket-merged:{ticket.uid}", [ticket.asker], letter, ticket)


def given(ticket: SupportTicket) -> None:
    """Tell an agent that a ticket is his."""

    def letter() -> Letter:
        return Letter(head(ticket), (_("This ticket is yours now."),), button=_theirs(ticket))

    _send(f"ticket-given:{ticket.uid}:{ticket.edition}", [ticket.agent], letter, ticket)


def severity_lowered(ticket: SupportTicket, reason: str) -> None:
    """Tell who asked that staff lowered the severity, why, and that he can object."""

    def letter() -> Letter:
        return Letter(
            head(ticket),
            (
                _("The severity is now: %(severity)s", severity=labels.label(ticket.severity)),
                _("Reason: %(reason)s", reason=reason),
                _("If you see it otherwise, object on the ticket's page: the lead of support decides."),
            ),
            button=_mine(ticket),
        )

    _send(
        f"ticket-severity:{ticket.uid}:{ticket.edition}:{clock.now():%Y%m%d%H%M%S}",
        [ticket.asker],
        letter,
        ticket,
    )


def objected(ticket: SupportTicket, words: str) -> None:
    """Tell the leads that a customer objects to a lowered severity."""

    def letter() -> Letter:
        return Letter(
            _("Objection to a severity: %(ticket)s", ticket=head(ticket)), (words,), button=_theirs(ticket)
        )

    _send(
        f"ticket-objected:{ticket.uid}:{clock.now():%Y%m%d%H%M%S}",
        grants.holders(May.LEAD_SUPPORT),
        letter,
        ticket,
    )


def silent(ticket: SupportTicket, step: int, run: int) -> None:
    """Remind who asked that a ticket waits for him."""

    def letter() -> Letter:
        return Letter(
            head(ticket),
            (
                _("We asked you something and wait for your answer."),
                _("Without one the ticket counts as solved soon; you can reopen it for some days then."),
            ),
            button=_mine(ticket),
        )

    _send(f"ticket-silent:{ticket.uid}:{run}:{step}", [ticket.asker], letter, ticket)


def solved_by_silence(ticket: SupportTicket) -> None:
    """Tell who asked that his ticket counts as solved."""

    def letter() -> Letter:
        return Letter(
            head(ticket),
            (_("We did not hear from you, so the ticket counts as solved. Reopen it if it is not."),),
            button=_mine(ticket),
        )

    _send(f"ticket-quiet:{ticket.uid}:{clock.today()}", [ticket.asker], letter, ticket)


def escalated(ticket: SupportTicket, kind: ClockKind, step: int, run: int, people: Iterable[Person]) -> None:
    """Tell staff that a promise is near its end, or broken."""

    def letter() -> Letter:
        level, severity = coverage.name_of(ticket.level), labels.label(ticket.severity)
        return Letter(
            _("%(step)s %% of the time used: %(ticket)s", step=step, ticket=head(ticket)),
            (
                _(
                    "%(clock)s of %(level)s, %(severity)s",
                    clock=labels.label(kind),
                    level=level,
                    severity=severity,
                ),
            ),
            button=_theirs(ticket),
        )

    _send(f"ticket-step:{ticket.uid}:{kind}:{run}:{step}", people, letter, ticket)


def late(ticket: SupportTicket, kind: ClockKind, due: datetime, run: int) -> None:
    """Tell the customer himself that a promise to him is broken, and that the leads know."""

    def letter() -> Letter:
        said = (
            _(
                "We promised you a workaround by %(moment)s and have not kept it. We are sorry.",
                moment=moment(due),
            )
            if kind is ClockKind.WORKAROUND
            else _(
                "We promised you an answer by %(moment)s and have not kept it. We are sorry.",
                moment=moment(due),
            )
        )
        return Letter(
            head(ticket),
            (said, _("The lead of support has been told and looks after it.")),
            button=_mine(ticket),
        )

    _send(f"ticket-late:{ticket.uid}:{kind}:{run}", [ticket.asker], letter, ticket)


def how_was_it(row: Satisfaction, token: str) -> None:
    """Ask who asked how it was: one link, five steps and a sentence."""
    ticket = row.ticket

    def letter() -> Letter:
        return Letter(
            _("How was our help? %(ticket)s", ticket=head(ticket)),
            (_("Five steps and a sentence, if you like. The link works until %(moment)s.", moment=moment(row.until)),),
            button=(_("Say how it was"), web.absolute("support.satisfaction", token=token)),
            secret=True,
        )  # fmt: skip

    _send(f"ticket-how:{ticket.uid}", [ticket.asker], letter, ticket)
