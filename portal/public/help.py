"""Help: the user guides of `docs/`, in the reader's language, and which of them fits each page."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import abort, has_request_context, render_template, request, url_for
from flask_babel import get_locale
from markupsafe import Markup

from portal.accounts.access import Reader, who
from portal.accounts.may import StaffRole
from portal.core.settings import place
from portal.core.web import public as anybody
from portal.public import help_reports
from portal.public.views import public

FOLDERS = {"en": "docs/guide", "zh_Hans_CN": "docs/zh/guide"}
GUIDES = (
    "account", "applicant", "signatory", "billing", "individual", "public",
    "candidate", "reviewer", "legal", "director", "finance", "administrator", "auditor", "certification", "examiner",
    "holder", "awards", "support", "agent", "licences", "services", "projects", "places", "placing",
    "reports", "executive", "board",
)  # fmt: skip
# The section that fits a page, by the longest beginning of its endpoint; sections are named by the English headings.
# A page of the office that is not here opens the guide of its reader's role.
FITS = {
    "": "public",
    "accounts.": "account",
    "accounts.register": "account#open-an-account",
    "accounts.sign_in": "account#sign-in",
    "accounts.second": "account#sign-in",
    "accounts.ask_reset": "account#forgotten-password-lost-phone",
    "accounts.reset": "account#forgotten-password-lost-phone",
    "accounts.security": "account#keep-your-account-safe",
    "accounts.enrol_app": "account#keep-your-account-safe",
    "accounts.privacy": "account#your-privacy",
    "accounts.ask_erasure": "account#your-privacy",
    "privacy_desk.": "administrator#erase-a-person-delete-what-is-due",
    "walls.": "reviewer#the-member-wall",
    "roll.names": "reviewer#the-member-wall",
    "accounts.people": "applicant#your-colleagues",
    "accounts.invit": "applicant#your-colleagues",
    "apply.": "applicant#apply",
    "apply.case": "applicant#after-sending",
    "apply.agreement": "signatory#sign-online",
    "apply.sign": "signatory#sign-online",
    "apply.chop": "signatory#sign-with-the-company-chop",
    "billing.": "billing#pay-by-bank-transfer",
    "pay.": "billing#pay-online",
    "member.": "applicant#as-a-member",
    "member.renewal": "billing#renew-the-membership",
    "renewals.": "reviewer#renewals",
    "member.resign": "signatory#leave-the-foundation",
    "tiers.": "applicant#change-the-tier",
    "member.benefit": "applicant#benefits",
    "member.claim": "applicant#benefits",
    "accounts.join": "applicant#your-colleagues",
    "perks.": "reviewer#benefits-and-contact-lists",
    "lists.": "reviewer#benefits-and-contact-lists",
    "roll.of_member": "reviewer#benefits-and-contact-lists",
    "money.": "finance",
    "plans.": "billing#subscriptions-and-quotes",
    "shelf.": "finance#prices-discounts-and-quotes",
    "money.record": "finance#record-a-transfer",
    "money.desk": "finance#confirm-a-transfer",
    "fapiao.": "billing#ask-for-a-fapiao",
    "fapiao_desk.": "finance#fapiao",
    "chasing.": "finance#reminders",
    "account.": "billing#order-numbers-and-statements",
    "account.of_payer": "finance#ageing-and-statements",
    "ageing.": "finance#ageing-and-statements",
    "staff.": "administrator#give-and-take-roles",
    "intake.": "reviewer#lists-of-members",
    "figures.": "director#read-the-figures",
    **help_reports.FITS,
    "exams.": "candidate#book-a-session",
    "results.": "candidate#your-result",
    "marking.": "examiner#mark-works",
    "exam_cases.": "certification#release-results",
    "exam_cases.desk": "examiner#decide-about-certificates",
    "exam_cases.keys": "examiner#put-a-wrong-key-right",
    "exam_cases.mend": "examiner#put-a-wrong-key-right",
    "exam_cases.figures": "examiner#look-at-exam-items",
    "exam_reviews.": "examiner#review-a-work-for-the-community",
    "exam_appeals.": "examiner#decide-about-certificates",
    "cut_panels.": "examiner#set-the-cut",
    "exams.levels": "candidate#the-levels",
    "exams.path": "candidate#your-learning-path",
    "exam_office.": "certification#sessions",
    "exam_office.item": "examiner#the-item-bank",
    "exam_office.import_items": "examiner#import-a-file",
    "exam_office.write_item": "examiner#write-an-item",
    "exam_office.new_item": "examiner#write-an-item",
    "exam_office.blueprints": "examiner#blueprints-and-forms",
    "exam_office.steps": "certification#learning-steps",
    "item_figures.": "examiner#look-at-exam-items",
    "exams.buy": "candidate#buy-an-exam",
    "exams.accommodation": "candidate#ask-for-accommodations",
    "exam_office.vouchers": "certification#vouchers-and-seats-of-companies",
    "holder.": "holder#your-certificates",
    "verify.": "holder#check-a-certificate",
    "badges.": "holder#badges",
    "awards.": "awards#find-an-award",
    "batch_desk.": "awards#batches",
    "batch_desk.key_list": "awards#keys",
    "licences.": "licences#nodes",
    "licences.listed": "licences#the-first-node",
    "licences.offers": "licences#buy-a-licence",
    "licences.file": "licences#machines-without-a-network",
    "licences.key": "licences#keys",
    "licences.usage": "licences#use",
    "licences.number": "licences#change-the-number-of-nodes",
    "licences.terms": "licences#change-the-number-of-nodes",
    "accounts.webhook": "licences#programs-that-listen",
    "licence_office.": "agent#licences-of-customers",
    "licence_office.signing_keys": "administrator#keys-that-sign-licences",
    "support.": "support#ask-a-question",
    "support.people": "support#who-may-ask",
    "support.reports": "support#while-it-is-in-work",
    "support.ticket": "support#while-it-is-in-work",
    "support_office.": "agent#the-queue",
    "support_office.ticket": "agent#work-on-a-ticket",
    "support_office.article": "agent#articles-for-everybody",
    "support_office.new_article": "agent#articles-for-everybody",
    "knowledge.": "support#ask-a-question",
    "support_office.all_reports": "agent#promise-and-measure",
    "support_office.roster": "agent#the-duty-roster",
    "support_office.report": "agent#promise-and-measure",
    "compute.": "places#report-compute-sales",
    "compute.statement": "places#confirm-or-dispute-a-statement",
    "compute_office.": "placing#compute-statements",
    "sponsors.": "places#sponsor-an-event",
    "sponsors_office.": "placing#editions-and-places",
    "sponsors_office.place": "placing#from-signature-to-fulfilment",
    "consumed.": "places#what-is-consumed",
    "slots.": "places#wait-for-an-adaptation-slot",
    "slots_office.": "placing#adaptation-slots",
    "offers.": "services#see-offers-and-prices",
    "offers.offer": "services#order-at-a-fixed-price",
    "quotes.": "services#answer-a-quote",
    "quotes.services": "services#renew-or-leave",
    "quotes.orders": "services#purchase-orders",
    "quotes.contract": "services#sign-the-contract",
    "quotes.documents": "services#find-a-document",
    "engagements.": "services#follow-a-project",
    "quote_office.": "projects#write-a-quote",
    "quote_office.quote": "projects#send-it",
    "quote_office.contract": "projects#prepare-the-contract",
    "quote_office.services": "projects#services-by-the-year",
    "engagement_office.": "projects#lead-a-project",
}
BY_ROLE = {
    StaffRole.REVIEWER: "reviewer",
    StaffRole.LEGAL: "legal",
    StaffRole.COMMITTEE: "legal",
    StaffRole.COUNTER_SIGNER: "legal",
    StaffRole.DIRECTOR: "director",
    StaffRole.SECRETARY: "director",
    StaffRole.FINANCE: "finance",
    StaffRole.ADMINISTRATOR: "administrator",
    StaffRole.AUDITOR: "auditor",
    StaffRole.EXECUTIVE: "executive",
    StaffRole.BOARD: "board",
    StaffRole.CERTIFICATION: "certification",
    StaffRole.PROCTOR: "certification",
    StaffRole.AUTHOR: "examiner",
    StaffRole.ITEM_REVIEWER: "examiner",
    StaffRole.CHIEF_EXAMINER: "examiner",
    StaffRole.GRADER: "examiner",
    StaffRole.COMMUNITY_REVIEWER: "examiner",
    StaffRole.DECIDER: "examiner",
    StaffRole.APPEAL_PANEL: "examiner",
    StaffRole.SUPPORT_AGENT: "agent",
    StaffRole.SUPPORT_LEAD: "agent",
    StaffRole.SERVICE_LEAD: "placing",
    StaffRole.SERVICE_MANAGER: "placing",
}
# Markdown wants spaces around bold Chinese words; people do not.
SPACED = re.compile(
    r"(?<=[\u3000-\uffef]) (?=<strong>[\u3000-\uffef])|(?<=[\u3000-\uffef]</strong>) (?=[\u3000-\uffef])"
)


@dataclass(frozen=True, slots=True)
class Guide:
    """A guide as the page shows it: title, first sentence, sections as (anchor, words), and its text."""

    title: str
    lead: str
    sections: tuple[tuple[str, str], ...]
    text: Markup


def fitting(endpoint: str, reader: Reader | None) -> str:
    """Return the guide that fits a page, with its section; in the rest of the office by role."""
    start = max((start for start in FITS if endpoint.startswith(start)), key=len)
    if start == "" and reader is not None and not endpoint.startswith("public."):
        return next((BY_ROLE[role] for role in BY_ROLE if role in reader.staff), FITS[""])
    return FITS[start]


def href() -> str:
    """Return the address of the help for the page in hand; the list of guides on a page that is not there."""
    endpoint = request.endpoint or ""
    if not endpoint or endpoint.startswith("public.help"):
        return url_for("public.helps")
    name, _, section = fitting(endpoint, who()).partition("#")
    return url_for("public.help_page", name=name, _anchor=section or None)


@public.app_context_processor
def _words() -> dict[str, Any]:
    return {"help_href": href() if has_request_context() else ""}


@public.get("/help")
@anybody
def helps() -> str:
    """List the guides, one for each role."""
    return render_template("public/helps.html", guides=_titles())


@public.get("/help/<name>")
@anybody
def help_page(name: str) -> str:
    """Show one guide."""
    if name not in GUIDES:
        abort(404)
    return render_template("public/help.html", guide=read(name, _language()), guides=_titles(), here=name)


def _language() -> str:
    locale = str(get_locale())
    return locale if locale in FOLDERS else "en"


def _titles() -> list[tuple[str, str, str]]:
    found = ((name, read(name, _language())) for name in GUIDES)
    return [(name, guide.title, guide.lead) for name, guide in found]


def slug(words: str) -> str:
    """Return a heading's anchor."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


@lru_cache(maxsize=64)
def read(name: str, language: str) -> Guide:
    """Return a guide, rendered once per process; its anchors come from the English headings in both languages."""
    tokens = _parsed((place(FOLDERS[language]) / f"{name}.md").read_text("utf-8"))
    english = _parsed((place(FOLDERS["en"]) / f"{name}.md").read_text("utf-8"))
    anchors = [slug(words) for tag, words in _headings(english) if tag != "h1"]
    title, *heads = [words for _tag, words in _headings(tokens)]
    starts = [one for one in tokens if one.type == "heading_open" and one.tag != "h1"]
    for start, anchor in zip(starts, anchors, strict=True):
        start.attrSet("id", anchor)
    # The page shows the title and the first paragraph in its own header.
    body = tokens[6:]
    html = SPACED.sub("", _reader().renderer.render(body, _reader().options, {}))
    sections = tuple(zip(anchors, heads, strict=True))
    return Guide(title, tokens[4].content, sections, Markup(html))  # noqa: S704 - raw HTML is escaped, links are ours


def _reader() -> Any:
    """Return a Markdown reader that takes no HTML and no pictures."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only where a guide is read

    return MarkdownIt("commonmark", {"html": False}).disable(["html_block", "html_inline", "image"])


def _parsed(text: str) -> list[Any]:
    """Return the tokens of a text, with the addresses of its links as the portal serves them."""
    tokens: list[Any] = _reader().parse(text)
    for token in tokens:
        for inner in token.children or []:
            if inner.type == "link_open":
                inner.attrSet("href", _address(str(inner.attrGet("href") or "")))
    return tokens


def _address(target: str) -> str:
    """Return a link between guides as an address of ours; other places on the web stay, all else goes nowhere."""
    found = re.fullmatch(r"(?:\./)?([a-z]+)\.md(#[a-z0-9-]+)?", target)
    if found and found.group(1) in GUIDES:
        return f"/help/{found.group(1)}{found.group(2) or ''}"
    own = target.startswith("/") and not target.startswith("//")
    return target if own or urlsplit(target).scheme in {"https", "http", "mailto"} else "#"


def _headings(tokens: list[Any]) -> list[tuple[str, str]]:
    pairs = itertools.pairwise(tokens)
    return [(one.tag, str(text.content)) for one, text in pairs if one.type == "heading_open"]
