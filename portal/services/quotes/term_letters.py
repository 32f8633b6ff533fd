"""The mails about the end of a service's period."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _

from portal.core import mail, web
from portal.core.mail import Letter
from portal.core.words import last_day, money
from portal.services.offers import rows
from portal.services.quotes.letters import deciders
from portal.services.quotes.models import ServiceQuote
from portal.services.quotes.term_models import ServiceTerm


def ahead(term: ServiceTerm, end: date, step: int, quote: ServiceQuote | None) -> None:
    """Tell who decides that a period ends or has ended, and what the next one costs."""
    for person in deciders(term.subscription.party):

        def letter() -> Letter:
            name, until = rows.title_of(term.offer), last_day(end)
            title = (
                _("%(what)s ends on %(day)s", what=name, day=until)
                if step < 0
                else _("%(what)s ended on %(day)s", what=name, day=until)
            )
            lines = [_("For %(who)s.", who=term.subscription.party.title or term.subscription.party.name)]
            if quote is not None:
                lines.insert(
                    0, _("The next year costs %(sum)s: please accept the quote.", sum=money(quote.gross))
                )
            elif step < 0:
                lines.insert(0, _("You need not do anything yet: the quote for the next year follows."))
            if term.by_itself:
                lines.append(_("You ticked that it renews by itself."))
            page = (
                web.absolute("quotes.quote", uid=quote.uid)
                if quote is not None
                else web.absolute("quotes.services")
            )
            return Letter(title, tuple(lines), button=(_("See what comes next"), page))

        mail.send(
            f"service_term:{term.uid}:{end}:{step}:{person.uid}", person.email, person.name, person.language, letter,
            topic=term.subject,
        )  # fmt: skip
