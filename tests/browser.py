"""Real Chromium against the real portal: a served installation, and people who only click what they see."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, sync_playwright

from portal.accounts.people import Person
from portal.core import i18n
from portal.core.db import db, transaction
from tests.conftest import KEY
from tests.people import session_for
from tests.ports import free_port

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"viewport": {"width": 1360, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# Runs in every page before its own scripts: a page that scrolls sideways, or a panel that something sticks out of,
# says so where the watcher listens. Chromium widens the inner width of a phone to fit, so the width asked for is compared.
SIDEWAYS = """addEventListener("load", () => {
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) console.error(`scrolls sideways: ${root.scrollWidth} of ${root.clientWidth}`);
  for (const panel of document.querySelectorAll(".panel")) {
    const over = panel.scrollWidth - panel.clientWidth;
    if (over > 1) console.error(`something sticks out of a panel by ${over}: ${panel.innerText.slice(0, 40)}`);
  }
})"""
# What Chromium writes into the console for every page that answers 4xx; the status itself is judged elsewhere.
STATUS_LINE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


def chromium_path() -> str:
    """Return where Chromium lies: what the environment names, or Debian's."""
    return os.environ.get("CHROMIUM", "/usr/bin/chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one Chromium."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


def fresh_home(template: Path, folders: pytest.TempPathFactory) -> Path:
    """Return the folder of a new installation with an empty, migrated database."""
    home = folders.mktemp("served")
    shutil.copy(template, home / "portal.sqlite3")
    return home


def keep_last_pages(browser: Browser) -> None:
    """Leave a picture of every page still open in the folder that PORTAL_PICTURES names, to see why a story broke."""
    folder = os.environ.get("PORTAL_PICTURES")
    for n, context in enumerate(browser.contexts if folder else []):
        for page in context.pages:
            page.screenshot(path=Path(str(folder)) / f"last-{n}.png", full_page=True)


@dataclass
class Served:
    """A served installation: where it is reached, and the application on the same database for set-ups."""

    base: str
    app: Flask


@contextmanager
def serve(home: Path, *, host: str = "127.0.0.1", port: int | None = None) -> Iterator[Served]:
    """Serve the installation of a folder with web, worker and clock, as `portal serve` does."""
    port = port or free_port()
    base = f"http://{host}:{port}"
    env = {
        **os.environ,
        "PORTAL_HOME": str(home),
        "PORTAL_PUBLIC_URL": base,
        "PORTAL_SECRET_KEY": KEY,
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }
    env.pop("PORTAL_DATABASE_URL", None)
    said = (home / "serve.log").open("wb")
    command = [sys.executable, "-m", "portal.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=env, stdout=said, stderr=said)
    try:
        _await(f"http://127.0.0.1:{port}/readyz", process)
        yield Served(base, installed(home))
    finally:
        process.terminate()
        process.wait(60)
        said.close()


def installed(home: Path) -> Flask:
    """Return the application on the embedded database of a folder."""
    from tests.conftest import build

    return build(home, f"sqlite:///{home / 'portal.sqlite3'}")


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if process.poll() is not None:
                break
        time.sleep(0.1)
    raise AssertionError(f"{url} did not become ready")


def cookie(served: Served, **state: Any) -> dict[str, str]:
    """Return the session cookie that holds this state, as the portal itself would sign it."""
    interface: Any = served.app.session_interface
    signed = interface.get_signing_serializer(served.app).dumps(state)
    return {"name": "portal", "value": signed, "url": served.base}


@dataclass
class Visitor:
    """Somebody at a browser, who reads one language and clicks what the page shows."""

    served: Served
    context: BrowserContext
    page: Page
    language: str
    troubles: list[str] = field(default_factory=list)

    def t(self, message: str) -> re.Pattern[str]:
        """Return the words of a message as this person's pages say them; what is filled in may be anything."""
        words = message if self.language == "en" else str(i18n.catalogue(self.language).ugettext(message))
        return re.compile("^" + re.sub(r"%\\\(\w+\\\)[sd]", ".+", re.escape(words)) + "$")

    def words(self, message: str) -> re.Pattern[str]:
        """Return the same for a message that stands within more text."""
        return re.compile(self.t(message).pattern.strip("^$"))

    def watch(self) -> None:
        """Listen for everything a page must not do."""

        def console(message: Any) -> None:
            if message.type == "error" and not STATUS_LINE.search(message.text):
                self.troubles.append(f"{self.page.url}: {message.text}")

        def response(answer: Response) -> None:
            document = answer.request.resource_type in {"document", "fetch"}
            if answer.status >= 500 or (answer.status >= 400 and not document):
                self.troubles.append(f"{answer.status} {answer.url}")

        self.context.on("console", console)
        self.context.on("weberror", lambda error: self.troubles.append(str(error.error)))
        self.context.on("response", response)
        self.context.add_init_script(SIDEWAYS)

    # ---- What a person does
    def open(self, path: str) -> None:
        """Type an address of the portal."""
        self.page.goto(self.served.base + path)

    def field(self, label: str) -> Locator:
        """Return the field under a label; a label may go on, as in “(optional)”."""
        named = self.page.get_by_label(re.compile(self.t(label).pattern.rstrip("$")))
        return named.and_(self.page.locator("input, select, textarea")).first

    def fill(self, label: str, words: str) -> None:
        """Type into the field under a label."""
        self.field(label).fill(words)

    def button(self, words: str, *, within: Locator | None = None) -> Locator:
        """Return a button by its words."""
        return (within or self.page).get_by_role("button", name=self.t(words)).first

    def press(self, words: str, *, within: Locator | None = None) -> None:
        """Press a button, and say yes where the page asks whether it is meant."""
        button = self.button(words, within=within)
        asks = button.locator("xpath=ancestor::form[@data-confirm]").count()
        button.click()
        if asks:
            self.page.get_by_role("dialog").locator("[value=yes]").click()
        self.page.wait_for_load_state()

    def follow(self, words: str, *, within: Locator | None = None) -> None:
        """Click a link by its words; what only screen readers hear may follow them."""
        pattern = re.compile(self.t(words).pattern.rstrip("$"))
        (within or self.page).get_by_role("link", name=pattern).first.click()
        self.page.wait_for_load_state()

    def sees(self, words: str) -> None:
        """Wait until a sentence can be read on the page."""
        self.page.get_by_text(self.words(words)).locator("visible=true").first.wait_for()

    def titled(self, words: str) -> None:
        """Wait until the page with this heading stands; a badge may follow the words."""
        pattern = re.compile(self.t(words).pattern.rstrip("$"))
        self.page.get_by_role("heading", level=1, name=pattern).wait_for()

    def reads(self, text: str) -> None:
        """Wait until a text that is the same in every language can be read on the page."""
        self.page.get_by_text(text).locator("visible=true").first.wait_for()

    def until(self, words: str) -> None:
        """Look at the page again and again, until the link to what the worker makes is there; the frame has its own links."""
        for _ in range(200):
            if self.page.get_by_role("main").get_by_role("link", name=self.t(words)).count():
                return
            self.page.wait_for_timeout(300)
            self.page.reload()
        raise AssertionError(f"waited in vain for {words}")

    def mail(self, to: str, subject: str) -> str:
        """Open the newest mail to an address with these words in its subject; return its text."""
        self.open(f"/mailbox?q={to}")
        self.page.get_by_role("link", name=self.t(subject)).first.click()
        return self.page.get_by_role("article").inner_text()

    def link_of_mail(self) -> None:
        """Click the link of the mail that is open."""
        self.page.get_by_role("article").get_by_role("link", name=self.served.base).first.click()
        self.page.wait_for_load_state()

    def well(self) -> None:
        """Say that nothing went wrong on any page, and close the browser."""
        assert self.troubles == []
        self.context.close()


def visit(
    browser: Browser, served: Served, *, language: str = "en", phone: bool = False, scheme: str = "light"
) -> Visitor:
    """Let somebody sit down at a fresh browser."""
    shape: dict[str, Any] = PHONE if phone else DESKTOP
    locale = "zh-CN" if language.startswith("zh") else "en-GB"
    context = browser.new_context(**shape, locale=locale, color_scheme=scheme, base_url=served.base)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    visitor = Visitor(served, context, context.new_page(), language)
    visitor.watch()
    return visitor


def as_person(browser: Browser, served: Served, email: str, *, language: str = "en", **more: Any) -> Visitor:
    """Let somebody who is known here sit down, signed in with both factors."""
    with served.app.app_context(), transaction():
        person = db.session.query(Person).filter_by(email=email).one()
        key = session_for(person)
    visitor = visit(browser, served, language=language, **more)
    found: Any = cookie(served, key=key, language=language)
    visitor.context.add_cookies([found])
    return visitor
