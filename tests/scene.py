"""The demo foundation as pictures and accessibility tests walk it: who looks at which page, found from the routes themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from playwright.sync_api import APIResponse, BrowserContext
from sqlalchemy import select
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from portal.accounts.may import CONTACT, STAFF, ContactRole, StaffRole
from portal.accounts.people import Level, Person, UserSession
from portal.core import vault, web
from portal.core.db import db, reading, transaction
from tests.browser import Served, Visitor, cookie, installed
from tests.conftest import KEY
from tests.people import session_for

ROOT = Path(__file__).resolve().parents[1]
PUBLIC, HALF = "public", "halfway"
# Who looks, in the order in which a page is given to the first who may see it.
PEOPLE: dict[str, str] = {
    "member": "owner@galaxy-chips.example",
    "licensee": "owner@alder-cloud.example",
    "applicant": "owner@longwind.example",
    "returned": "owner@wildfire.example",
    "rejected": "owner@inkstone.example",
    "newcomer": "newcomer@nowhere.example",
    "changer": "owner@spruce-software.example",
    "job_moderator": "moderator2@flagos.example",
    "reviewer": "rui@flagos.example",
    "director": "director@flagos.example",
    "legal": "legal@flagos.example",
    "finance": "finance2@flagos.example",
    "secretary": "secretary@flagos.example",
    "counter_signer": "signer@flagos.example",
    "executive": "executive@flagos.example",
    "certification": "certs@flagos.example",
    "author": "author@flagos.example",
    "item_reviewer": "itemcheck@flagos.example",
    "chief_examiner": "chief@flagos.example",
    "proctor": "proctor@flagos.example",
    "grader": "grader@flagos.example",
    "community_reviewer": "community@flagos.example",
    "decider": "decider@flagos.example",
    "appeal_panel": "panel@flagos.example",
    "support_lead": "supportlead@flagos.example",
    "support_agent": "agent@flagos.example",
    "service_manager": "servicemanager@flagos.example",
    "service_lead": "servicelead@flagos.example",
    "seller": "owner@polaris-compute.example",
    "candidate": "lin@exams.example",
    "sitting": "bai@exams.example",
    "passed": "qin@exams.example",
    "failed": "denis@exams.example",
    "appealing": "tao@exams.example",
    "certified": "holder@certs.example",
    "board": "board@flagos.example",
    "auditor": "auditor@flagos.example",
    "administrator": "admin@flagos.example",
}
STAFF_ROLES = {role.value for role in StaffRole}
CANDIDATES = ("candidate", "sitting", "passed", "failed", "appealing", "certified")
# Pages that differ by who looks: everybody of that kind sees his own.
HOMES = {"member.home", "office.home"}
# Pages whose sentence is that a link has run out, and the page of an address that is not there.
GONE = {"/confirm": 410, "/reset/new": 410, "/invitation": 410, "/nothing-here": 404}
# Addresses from which cases in each state are reached, beside what the pages link to by themselves.
ALSO = {
    PUBLIC: ["/nothing-here", "/members?q=zzz", "/register?next=/apply", "/apply?tier=gold"],
    "applicant": ["/apply?mine=1"],
    # Others of the staff may read these pages; moderators alone see their forms.
    "job_moderator": ["/office/jobs/", "/office/jobs/partners"],
    "reviewer": [
        f"/office/applications/?state={one}"
        for one in ("submitted", "in_review", "info_requested", "approved", "rejected", "completed")
    ]
    + [f"/office/figures/rows?from=2026-01&to=2026-12&figure={one}" for one in ("closing", "paying")],
    "director": ["/office/applications/?state=in_review"],
    "legal": ["/office/applications/?state=approved"],
    "auditor": ["/office/applications/?state=completed"],
    "finance": [
        "/office/money/invoices?state=open",
        "/office/money/invoices?q=zzz",
        "/office/reports/rows?figure=recognised&by_stream=support",
    ],
    "licensee": ["/licences/", "/licences/new?plan=triton-node&nodes=120"],
    HALF: ["/sign-in/code"],
    **{
        one: ["/exams/mine", "/exams/results"]
        for one in ("candidate", "sitting", "passed", "failed", "appealing")
    },
    "certified": ["/certificates", "/certificates/education/"],
}
# Kinds of pages that read differently to each of the staff; all others are looked at once for all of them.
OWN_VIEW = ("cases.", "exam_cases.", "exam_appeals.", "exam_office.")
EACH = {"apply.page": ("page",), "public.help_page": ("name",)}
SKIP = {"candidates.resume_file", "static", "bootstrap.static", "accounts.arrive", "pay.back", "chain.about"}


BLANK_DEMO = """
from portal.cli import cli
from portal.core import pdf
with pdf.not_laid_out():
    cli(["demo"])
"""

# Pages that come only after a button was pressed: who presses what where.
PRESSED = [
    (PUBLIC, "/register", "Register"),
    (PUBLIC, "/sign-in", "Sign in"),
    ("changer", "/account", "Make new ones"),
    ("member", "/people", "Send the invitation"),
    ("finance", "/office/money/receipts/new", "Write it down"),
]


@dataclass(frozen=True)
class Shown:
    """A page as one role sees it, perhaps after a button was pressed on it."""

    role: str
    path: str
    endpoint: str
    press: str = ""

    def name(self) -> str:
        """Return a file name for pictures of the page."""
        words = re.sub(r"(cs_test_)?([0-9a-f]{4})[0-9a-f]{28}", r"\2", self.path)
        return re.sub(r"\W+", "-", f"{self.role} {words} {self.press}").strip("-").lower()


def demo_home(folder: Path) -> Path:
    """Build the demo once per test run and copy it into a folder of its own."""
    shared, ready = folder.parent / "scene", folder.parent / "scene-ready"
    try:
        shared.mkdir(parents=True)
    except FileExistsError:
        while not ready.exists():  # another worker builds it
            time.sleep(0.2)
    else:
        env = {**os.environ, "PORTAL_HOME": str(shared), "PORTAL_SECRET_KEY": KEY, "PYTHONPATH": str(ROOT)}
        env.pop("PORTAL_DATABASE_URL", None)
        command = [sys.executable, "-c", BLANK_DEMO]  # nobody opens its papers
        subprocess.run(command, env=env, check=True, capture_output=True, cwd=ROOT)
        prepare(installed(shared))
        ready.touch()
    return Path(shutil.copytree(shared, folder / "home"))


def prepare(app: Flask) -> None:
    """Bring the demo to where each kind of page can be seen: an agreement to sign, a draft, a newcomer, an open payment."""
    from portal.billing import online
    from portal.billing.models import Invoice, InvoiceState
    from portal.core import outbox
    from portal.members import agreements, drafting
    from portal.members.belonging import Agreement, AgreementState
    from tests.people import make_person

    with app.app_context():
        outbox.drain("scene")
    with app.test_request_context("/", method="POST"):
        with transaction():
            make_person(PEOPLE["newcomer"], "林木", language="zh_Hans_CN")
            legal = db.session.query(Person).filter_by(email=PEOPLE["legal"]).one()
            drafted = select(Agreement).where(Agreement.state == AgreementState.DRAFTED)
            waiting = db.session.scalars(drafted).first()
            assert waiting is not None
            agreements.send(waiting, by=legal)
            owner = waiting.application.applicant
            drafting.start(None, by=owner, name="长风二期", tier="gold", language="zh_Hans_CN")
            unpaid = db.session.scalars(select(Invoice).where(Invoice.state == InvoiceState.OPEN)).all()
        online.begin(next(invoice for invoice in unpaid if online.offer(invoice)))


def ways_in(served: Served) -> dict[str, dict[str, Any]]:
    """Return the state of the session cookie of each role."""
    found: dict[str, dict[str, Any]] = {PUBLIC: {}}
    with served.app.app_context(), transaction():
        for role, email in PEOPLE.items():
            person = db.session.query(Person).filter_by(email=email).one()
            found[role] = {"key": session_for(person)}
        half = session_for(person)
        found[HALF] = {"key": half}
        row = db.session.query(UserSession).filter_by(token_hash=vault.digest(half)).one()
        row.level = Level.FIRST
    return found


def enter(context: BrowserContext, served: Served, state: dict[str, Any], language: str) -> None:
    """Put the cookie of a role into a browser."""
    given: Any = cookie(served, **state, language=language)
    context.add_cookies([given])


def look(visitor: Visitor, page: Shown) -> None:
    """Open a page, and press the button that leads to what is to be seen."""
    if page.press:
        enter(visitor.context, visitor.served, fresh(visitor.served, page.role), visitor.language)
    visitor.open(page.path)
    if page.press:
        visitor.press(page.press, within=visitor.page.get_by_role("main"))
        visitor.page.wait_for_load_state("networkidle")


def fresh(served: Served, role: str) -> dict[str, Any]:
    """Return the cookie's state of a new session: to change a factor ends the other sessions of that person."""
    if role not in PEOPLE:
        return {}
    with served.app.app_context(), transaction():
        return {"key": session_for(db.session.query(Person).filter_by(email=PEOPLE[role]).one())}


def may_open(role: str, access: object) -> bool:
    """Whether the table of permissions opens a page to a role."""
    if access == web.PUBLIC:
        return True
    if role in {PUBLIC, HALF}:
        return False
    if access == web.SIGNED_IN:
        return True
    if not isinstance(access, frozenset):
        return False
    verbs = STAFF[StaffRole(role)] if role in STAFF_ROLES else CONTACT[ContactRole.OWNER]
    return role != "newcomer" and bool(verbs & access)


def starts(app: Flask) -> Iterator[Shown]:
    """Yield every page without parameters, given to the first role that may open it; homes to everybody."""
    roles = [PUBLIC, *PEOPLE]
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.endpoint in SKIP:
            continue
        access = getattr(app.view_functions[rule.endpoint], web.ACCESS, None)
        able = [
            role
            for role in roles
            if role not in {"changer", "job_moderator", *CANDIDATES} and may_open(role, access)
        ]
        if rule.endpoint == "member.home":
            able = [role for role in able if role not in STAFF_ROLES]
        for role in able if rule.endpoint in HOMES else able[:1]:
            yield Shown(role, rule.rule, rule.endpoint)
    for role, paths in ALSO.items():
        for path in paths:
            yield Shown(role, path, "")


def gateway_pages(app: Flask) -> list[Shown]:
    """Return the payment page that the demo left open."""
    from portal.billing.checkout_models import PracticeSession

    with app.app_context(), reading():
        rows = db.session.scalars(select(PracticeSession.session_id)).all()
    return [Shown(PUBLIC, f"/test-gateway/{one}", "pay.test_page") for one in rows[:1]]


def is_page(answer: APIResponse) -> bool:
    """Whether an answer is a page for people."""
    return answer.headers.get("content-type", "").startswith("text/html")


class Walk:
    """Walks from the pages without parameters along their links, one page of each kind for each list and role."""

    def __init__(self, served: Served) -> None:
        self.served, self.states = served, ways_in(served)
        self.adapter = served.app.url_map.bind("portal")
        self.refused: list[str] = []

    def kind_of(self, path: str) -> str:
        """Return the kind of page behind a path of ours that has parameters; empty for others."""
        try:
            endpoint, values = self.adapter.match(path.split("?")[0], method="GET")
        except (HTTPException, RequestRedirect):
            return ""
        if not values or endpoint in SKIP:
            return ""
        # One row of a kind is looked at, but every page of the form and every guide.
        return " ".join([str(endpoint), *(str(values[word]) for word in EACH.get(str(endpoint), ()))])

    def pages(self, browser: Any, *, once: bool = False) -> list[Shown]:
        """Return every page with who looks at it; what answers 400 or more goes to `refused`.

        `once` follows one link to each kind of page, whoever sees it first.
        """
        found: list[Shown] = []
        seen: set[tuple[str, str]] = set()
        shared: set[str] = set()
        listed = [*starts(self.served.app), *gateway_pages(self.served.app)]
        for role, state in self.states.items():
            context = browser.new_context(base_url=self.served.base)
            enter(context, self.served, state, "en")
            queue = [page for page in listed if page.role == role]
            kinds: set[tuple[str, str]] = set()
            while queue:
                page = queue.pop(0)
                if (role, page.path) in seen:
                    continue
                seen.add((role, page.path))
                answer = context.request.get(self.served.base + page.path)
                self.judge(page, answer)
                if not is_page(answer):
                    continue
                found.append(page)
                text = answer.text()
                for path in re.findall(r'href="(/[^"#]*)"', text):
                    path = path.replace("&amp;", "&")
                    kind = self.kind_of(path)
                    origin = page.path if "?" in page.path else ""
                    # What reads the same for everybody, or for all of the staff, is looked at once.
                    if (
                        once
                        or kind.startswith(("help.", "public."))
                        or (role in STAFF_ROLES and not kind.startswith(OWN_VIEW))
                    ):
                        if kind in shared:
                            continue
                        shared.add(kind)
                    if kind and (kind, origin) not in kinds and (role, path) not in seen:
                        kinds.add((kind, origin))
                        queue.append(Shown(role, path, kind))
            context.close()
        return [*found, *(Shown(role, path, "", press) for role, path, press in PRESSED)]

    def judge(self, page: Shown, answer: APIResponse) -> None:
        """Note a page that does not open to a role that should see it."""
        expected = GONE.get(page.path, 200)
        if answer.status != expected:
            self.refused.append(f"{page.role} {page.path}: {answer.status}")
