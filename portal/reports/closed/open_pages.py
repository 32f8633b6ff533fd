"""The public pages of the half-yearly account, and its files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, render_template
from flask_babel import gettext as _

from portal.core import export, i18n, pdf
from portal.core.catalogue import brand
from portal.core.db import let_go
from portal.core.errors import Missing
from portal.core.money import Money
from portal.core.paging import asked
from portal.core.web import public as anybody
from portal.reports.closed import half_years
from portal.reports.closed.account_shown import Shown, shown
from portal.reports.closed.doors import open_account
from portal.reports.closed.models import HalfYear

CSS = """
.end { text-align: right; white-space: nowrap; }
th.end { white-space: normal; }
.words { white-space: pre-wrap; }
tfoot { display: table-row-group; }
.digests th { width: 22mm; }
.digests .code { font-size: 7.5pt; overflow-wrap: anywhere; }
"""


@open_account.get("/", endpoint="listed")
@anybody
def listed() -> str:
    """List the half years whose account is released."""
    found = [half_years.released(*one) for one in half_years.halves()]
    return render_template("public/accounts.html", accounts=found)


def _edition(year: int, half: int) -> tuple[HalfYear, list[HalfYear]]:
    found = half_years.released(year, half)
    wanted = asked("edition", most=6)
    row = next((one for one in found if not wanted or str(one.edition) == wanted), None)
    if row is None:
        raise Missing(_("There is no such account."))
    return row, found


@open_account.get("/<int:year>-<int:half>")
@anybody
def account(year: int, half: int) -> str:
    """Show the account of a half year: the newest edition, or an older one that is named."""
    row, found = _edition(year, half)
    return render_template("public/account.html", row=row, editions=found, shown=shown(row))


@open_account.get("/<int:year>-<int:half>/<form>/file")
@anybody
def file(year: int, half: int, form: str) -> Response:
    """Hand an account out as CSV or PDF, the same for everybody."""
    row, _found = _edition(year, half)
    told = shown(row)
    name = f"account-{year}-{half}-edition-{row.edition}"
    if form == "csv":
        response = Response("".join(export.lines_of(_heads(), _lines(told))), mimetype="text/csv")
    elif form == "pdf":
        words: dict[str, Any] = {
            "row": row, "shown": told, "brand": brand(), "language": "zh-Hans" if i18n.language().startswith("zh") else "en",
        }  # fmt: skip
        html = current_app.jinja_env.get_template("papers/half_year.html").render(words)
        let_go()
        response = Response(pdf.render(html, css=CSS, variant=pdf.ACCESSIBLE), mimetype=pdf.MEDIA_TYPE)
    else:
        raise Missing(_("There is no such file."))
    response.headers["Content-Disposition"] = f"attachment; filename={name}.{form}"
    return response


def _heads() -> list[str]:
    return [_("Section"), _("Line"), _("Recognised"), _("Collected"), _("Value")]


def _lines(told: Shown) -> Iterator[tuple[str | Money | int | None, ...]]:
    for name, recognised, collected, _part in told.lines:
        yield _("Income"), name, recognised, collected, None
    yield _("Income"), _("In total"), *told.totals, None
    for basis, top, index, number, breached in told.diversity:
        part = f"{_('Diversity')} ({basis})"
        yield part, _("Share of the largest line"), None, None, top
        yield part, _("HHI"), None, None, index
        yield part, _("Effective number"), None, None, number
        yield part, _("Ceiling reached"), None, None, _("Yes") if breached else _("No")
    yield (
        _("Waived value"),
        _("In total"),
        None,
        None,
        told.waived if told.waived is not None else _("not shown"),
    )
    for name, amount in told.uses:
        yield _("Use of funds"), name, None, None, amount
    yield _("Use of funds"), _("In total"), None, None, told.used
    for name, count in told.members:
        yield _("Members"), name, None, None, count
    yield _("Members"), _("In total"), None, None, told.member_total
    yield _("Certificates"), _("People with a certificate in force"), None, None, told.certified
    for body, year, share, source in told.benchmarks:
        yield _("Benchmarks"), body if year == "–" else f"{body} {year}", None, None, f"{share} ({source})"
    for month, digest in told.hashes:
        yield _("Snapshot"), month, None, None, digest
