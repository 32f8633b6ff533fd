"""Which section of the guides fits the pages of recruitment, by the longest beginning of the endpoint."""

from __future__ import annotations

JOBS = {
    "jobs.": "public#jobs",
    "candidates.": "applying#apply",
    "candidates.mine": "applying#write-a-profile",
    "candidates.profile": "applying#write-a-profile",
    "candidates.save": "applying#write-a-profile",
    "candidates.shut_out": "applying#be-found-in-the-talent-pool",
    "candidates.request": "applying#be-found-in-the-talent-pool",
    "candidates.privacy": "applying#who-has-seen-what",
    "candidates.refer": "applying#refer-somebody",
    "referred.": "applying#refer-somebody",
    "hiring.": "hiring#read-applications",
    "hiring.application": "hiring#take-the-next-step",
    "hiring.pool": "hiring#search-the-talent-pool",
    "hiring.search": "hiring#search-the-talent-pool",
    "hiring.found": "hiring#search-the-talent-pool",
    "hiring.ask": "hiring#search-the-talent-pool",
    "hiring.request": "hiring#search-the-talent-pool",
    "hires_office.": "moderator#partners-and-figures",
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
