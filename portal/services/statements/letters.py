"""The mails of compute statements: what is asked of the seller, what finance sent, what waits for whom."""

from __future__ import annotations

from flask_babel import gettext as _

from portal.accounts import grants
from portal.accounts.may import May
from portal.core import web
from portal.core.mail import Letter
from portal.core.money import Money
from portal.core.words import day, money, month
from portal.services.people import who_may, write
from portal.services.statements.models import ComputeDispute, ComputeStatement


def _mine(row: ComputeStatement) -> tuple[str, str]:
    return _("Open the statement"), web.absolute("compute.statement", uid=row.uid)


def _theirs(row: ComputeStatement) -> tuple[str, str]:
    return _("Open the statement"), web.absolute("compute_office.statement", uid=row.uid)


def asked(row: ComputeStatement, step: int) -> None:
    """Ask for a month's sales: at its end, then as reminders."""

    def letter() -> Letter:
        title = (
            _("Please report your compute sales of %(month)s", month=month(row.month))
            if not step
            else _("Your compute sales of %(month)s are missing", month=month(row.month))
        )
        return Letter(
            title,
            (
                _("Please send the lines by the 10th, by page, file or program, or say that nothing was sold."),
                _("What comes later goes as a correction into a later statement."),
            ),
            button=(_("Report the month"), web.absolute("compute.report", uid=row.uid)),
        )  # fmt: skip

    write(
        f"compute-asked:{row.uid}:{step}",
        who_may(row.seller.org, May.REPORT_SALES),
        letter,
        topic=row.subject,
    )


def missing(row: ComputeStatement) -> None:
    """Tell the managers that a seller stays silent; the contract gives the right to look at its books."""

    def letter() -> Letter:
        return Letter(
            _("No compute sales from %(org)s for %(month)s", org=row.seller.org.name, month=month(row.month)),
            (
                _("The reminders stayed without an answer."),
                _("The contract (%(contract)s) gives the right to look at the seller's books.", contract=row.seller.contract),
            ),
            button=_theirs(row),
        )  # fmt: skip

    write(f"compute-missing:{row.uid}", grants.holders(May.MANAGE_PLACES), letter, topic=row.subject)


def reported(row: ComputeStatement, total: Money) -> None:
    """Tell finance that a month was reported."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s reported %(month)s", org=row.seller.org.name, month=month(row.month)),
            (_("Turnover in all: %(sum)s. Please check it and send the statement.", sum=money(total)),),
            button=_theirs(row),
        )

    write(f"compute-reported:{row.uid}:{row.report}", grants.holders(May.SELL), letter, topic=row.subject)


def sent(row: ComputeStatement, answer: str) -> None:
    """Send the seller the figures, and say until when silence leaves them open."""

    def letter() -> Letter:
        lines = [
            _(
                "Turnover %(base)s, commission %(net)s, tax %(tax)s, in all %(gross)s.",
                base=money(row.base), net=money(row.net), tax=money(row.tax), gross=money(row.gross),
            ),
            _(
                "Please confirm it or say what is wrong. Without a word it counts as confirmed when %(day)s ends.",
                day=day(row.deemed_after) if row.deemed_after else "",
            ),
        ]  # fmt: skip
        if answer:
            lines.insert(0, _("Our answer: %(answer)s", answer=answer))
        return Letter(
            _("Statement %(number)s for %(month)s", number=row.number, month=month(row.month)),
            tuple(lines),
            button=_mine(row),
        )

    write(
        f"compute-sent:{row.uid}:{row.sending}", who_may(row.seller.org, May.REPORT_SALES), letter,
        topic=row.subject,
    )  # fmt: skip


def disputed(row: ComputeStatement, said: ComputeDispute) -> None:
    """Tell finance what a seller says against a statement."""

    def letter() -> Letter:
        return Letter(
            _("%(org)s disputes %(number)s", org=row.seller.org.name, number=row.number),
            (said.words[:2000], _("Nothing is deemed confirmed until you have answered.")),
            button=_theirs(row),
        )

    write(f"compute-disputed:{row.uid}:{row.sending}", grants.holders(May.SELL), letter, topic=row.subject)


def deemed(row: ComputeStatement) -> None:
    """Tell the seller that silence has confirmed a statement, and how to correct it all the same."""

    def letter() -> Letter:
        return Letter(
            _("%(number)s counts as confirmed", number=row.number),
            (
                _("We did not hear from you within the days of the contract."),
                _("What is wrong in it goes as a correction into your next statement."),
            ),
            button=_mine(row),
        )

    write(
        f"compute-deemed:{row.uid}:{row.sending}", who_may(row.seller.org, May.REPORT_SALES), letter,
        topic=row.subject,
    )  # fmt: skip


def to_invoice(row: ComputeStatement) -> None:
    """Tell finance that a statement can be invoiced."""
    if row.net <= Money(0):
        return

    def letter() -> Letter:
        return Letter(
            _("%(number)s is confirmed", number=row.number),
            (_("%(sum)s can be invoiced to %(org)s.", sum=money(row.gross), org=row.seller.org.name),),
            button=_theirs(row),
        )

    write(f"compute-confirmed:{row.uid}:{row.sending}", grants.holders(May.SELL), letter, topic=row.subject)
