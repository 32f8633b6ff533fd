"""What the job board keeps of people: the register of its columns."""

from __future__ import annotations

from portal.core import personal
from portal.core.personal import Keeping, Purpose


def install() -> None:
    """Put the columns into the register: who wrote or decided stands as proof, who told or searches as long as it serves."""
    personal.holds(
        Purpose.JOBS, Keeping.JOBS, "job_report.teller", "job_report.person_id", "job_report.words",
        "job_saved_search.person_id", "job_saved_search.asked",
    )  # fmt: skip
