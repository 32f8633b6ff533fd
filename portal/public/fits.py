"""Which section of the guides fits the pages of recruitment, by the longest beginning of the endpoint."""

from __future__ import annotations

JOBS = {
    "jobs.": "public#jobs",
    "jobs_employer.": "recruiting#while-a-post-is-out",
    "jobs_employer.listed": "recruiting#be-confirmed-as-an-employer",
    "jobs_employer.confirmation": "recruiting#be-confirmed-as-an-employer",
    "jobs_employer.new": "recruiting#write-a-post",
    "jobs_employer.text": "recruiting#write-a-post",
    "jobs_employer.check": "recruiting#write-a-post",
    "jobs_office.": "moderator#read-what-waits",
    "jobs_office.employer": "moderator#confirm-employers",
    "jobs_office.partner_list": "moderator#partners-and-figures",
    "jobs_office.figures": "moderator#partners-and-figures",
}
