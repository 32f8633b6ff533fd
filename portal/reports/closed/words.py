"""How the history of snapshots, of the public account and of reports by mail reads."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from portal.core import story


def install() -> None:
    """Name the verbs of the audit chain and their details."""
    story.words(
        {
            "snapshot.made": (_l("Snapshot written"), "archive"),
            "snapshots.checked": (_l("Snapshots checked"), "shield-check"),
            "half_year.drafted": (_l("Public account drafted"), "pencil"),
            "half_year.saved": (_l("Public account changed"), "pencil"),
            "half_year.proposed": (_l("Release proposed"), "send"),
            "half_year.returned": (_l("Given back to be changed"), "arrow-return-left"),
            "half_year.dropped": (_l("Draft dropped"), "x-circle"),
            "half_year.released": (_l("Public account released"), "megaphone"),
            "report_mail.begun": (_l("Report ordered by mail"), "envelope"),
            "report_mail.ended": (_l("Report by mail ended"), "envelope-dash"),
        },
        {
            "sha256": _l("Fingerprint (SHA-256)"), "through": _l("Read up to"), "breaks": _l("Found"),
            "edition": _l("Edition"), "report": _l("Report"), "rhythm": _l("When"),
        },
    )  # fmt: skip
