"""What search engines read of a visible post: one JobPosting, of nothing that the page does not show."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from portal.core import catalogue, clock, web
from portal.core.money import Money
from portal.jobs import naming
from portal.jobs.kinds import Employment, Need, Remote
from portal.jobs.models import Post, PostVersion
from portal.jobs.showing import Seen, valid_through

TYPES = {
    Employment.FULL_TIME: "FULL_TIME", Employment.PART_TIME: "PART_TIME", Employment.CONTRACT: "CONTRACTOR",
    Employment.INTERN: "INTERN",
}  # fmt: skip


def posting(post: Post, version: PostVersion, seen: Seen) -> dict[str, Any]:
    """Return the JobPosting of a post as it is shown."""
    assert post.posted_at is not None
    assert post.ends_on is not None
    brand = catalogue.brand()
    body: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "JobPosting",
        "title": seen.title,
        "description": description(seen),
        "datePosted": clock.day_of(post.posted_at).isoformat(),
        "validThrough": valid_through(post.ends_on),
        "employmentType": TYPES[version.employment],
        "hiringOrganization": {
            "@type": "Organization", "name": seen.employer, **({"sameAs": seen.homepage} if seen.homepage else {}),
        },
        **_where(version),
        "baseSalary": _pay(version),
        "directApply": seen.in_portal,
        "identifier": {"@type": "PropertyValue", "name": brand.name, "value": post.uid},
    }  # fmt: skip
    if version.need is Need.REQUIRED:
        body["qualifications"] = {
            "@type": "EducationalOccupationalCredential", "name": seen.level, "credentialCategory": "certificate",
            "recognizedBy": {"@type": "Organization", "name": brand.name, "url": web.absolute("public.home")},
            "url": web.absolute("exams.path", code=version.level),
        }  # fmt: skip
    return body


def description(seen: Seen) -> str:
    """Return the whole text as HTML, with its headings."""
    return "".join(
        f"<h3>{section.heading}</h3>{section.html}" if section.part != "text" else str(section.html)
        for section in seen.sections
    )


def _where(version: PostVersion) -> dict[str, Any]:
    if version.remote is Remote.REMOTE:
        countries = [{"@type": "Country", "name": naming.country(code)} for code in version.remote_from]
        return {"jobLocationType": "TELECOMMUTE", "applicantLocationRequirements": countries}
    row = catalogue.entries("job_city").get(version.city, {})
    return {
        "jobLocation": {
            "@type": "Place",
            "address": {
                "@type": "PostalAddress", "addressLocality": naming.city(version.city),
                "addressCountry": row.get("country", "CN"),
            },
        }
    }  # fmt: skip


def _pay(version: PostVersion) -> dict[str, Any]:
    low, high = (_number(Money(amount, version.currency)) for amount in (version.pay_low, version.pay_high))
    return {
        "@type": "MonetaryAmount",
        "currency": version.currency,
        "value": {
            "@type": "QuantitativeValue", "minValue": low, "maxValue": high,
            "unitText": version.pay_per.value.upper(),
        },
    }  # fmt: skip


def _number(money: Money) -> int | float:
    whole, rest = divmod(money.minor, 100)
    return whole if not rest else float(money.decimal)  # a figure to be read: nothing is counted with it


def block(body: dict[str, Any]) -> Markup:
    """Return data as the text of a data block: no character in it can end the block or begin a comment."""
    text = json.dumps(body, ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - every character that markup knows is escaped
