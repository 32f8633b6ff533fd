"""Takes a picture of every page with the demo's living data: each role, both languages, light and dark, desktop and phone.

usage: python -m tools.gallery [FOLDER] [--full] – PNG files and index.html; four looks at each page, all eight with --full.
       python -m tools.gallery FOLDER --en-desktop-light … – these looks alone; --as-grader … – these roles alone.
       python -m tools.gallery --readme – the two pictures of the README, into docs/images.
It fails if a page is refused to a role that should see it, scrolls sideways or complains in the browser's console.
"""

from __future__ import annotations

import html
import io
import itertools
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Error

from tests.browser import Served, Visitor, chromium, installed, serve, visit
from tests.scene import ROOT, Shown, Walk, demo_home, enter, look


class Look(NamedTuple):
    """One way to look at a page."""

    language: str
    phone: bool
    scheme: str

    def name(self) -> str:
        """Return the look's part of a file name."""
        tongue = "zh" if self.language.startswith("zh") else "en"
        return f"{tongue}-{'phone' if self.phone else 'desktop'}-{self.scheme}"


EVERY = [Look(*one) for one in itertools.product(("zh_Hans_CN", "en"), (False, True), ("light", "dark"))]
FOUR = [one for one in EVERY if (one.scheme == "dark") == ((one.language == "en") != one.phone)]


def sit_down(browser: Browser, walk: Walk, role: str, one: Look) -> Visitor:
    """Open a browser for a role."""
    visitor = visit(browser, walk.served, language=one.language, phone=one.phone, scheme=one.scheme)
    enter(visitor.context, walk.served, walk.states[role], one.language)
    return visitor


def shoot(base: str, home: Path, pages: list[Shown], looks: list[Look], folder: Path) -> list[str]:
    """Take the pictures of some looks; return what was wrong with the pages."""
    troubles: list[str] = []
    walk = Walk(Served(base, installed(home)))
    with chromium() as browser:
        for one in looks:
            for role, shown in itertools.groupby(pages, key=lambda page: page.role):
                visitor = sit_down(browser, walk, role, one)
                for page in shown:
                    try:
                        look(visitor, page)
                        file = folder / f"{page.name()}--{one.name()}.png"
                        visitor.page.screenshot(path=file, full_page=True)
                    except Error as error:
                        troubles.append(f"{page.role} {page.path} {page.press} {one.name()}: {error.message}")
                troubles += visitor.troubles
                visitor.context.close()
    return troubles


def write_index(folder: Path, pages: list[Shown], looks: list[Look]) -> int:
    """Write index.html, the pictures of a page side by side; return how many there are."""
    parts = ["<!doctype html><meta charset=utf-8><title>Gallery</title><h1>Gallery</h1>"]
    count = 0
    for page in pages:
        title = html.escape(f"{page.role}: {page.path} {page.press}")
        parts.append(f"<h2 id='{page.name()}'>{title}</h2>")
        for one in looks:
            name = f"{page.name()}--{one.name()}.png"
            if (folder / name).exists():
                count += 1
                width = 180 if one.phone else 480
                parts.append(
                    f"<a href='{name}'><img loading=lazy src='{name}' width={width} alt='{one.name()}'></a>"
                )
    (folder / "index.html").write_text("\n".join(parts), "utf-8")
    return count


def gallery(folder: Path, looks: list[Look], roles: list[str]) -> None:
    """Make the gallery, of some roles alone if any are named."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as rooms:
        home = demo_home(Path(rooms) / "here")
        with serve(home) as served:
            walk = Walk(served)
            with chromium() as browser:
                pages = sorted(walk.pages(browser), key=lambda page: page.role)
                pages = [page for page in pages if not roles or page.role in roles]
            with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
                work = [pool.submit(shoot, served.base, home, pages, [one], folder) for one in looks]
                troubles = [words for done in work for words in done.result()]
    print(f"{write_index(folder, pages, looks)} pictures of {len(pages)} pages in {folder}")
    if walk.refused or troubles:
        raise SystemExit("\n".join(["These pages are not well:", *walk.refused, *troubles]))


def compressed(picture: bytes) -> bytes:
    """Return a picture with 256 colours, which is enough for a page and a fraction of the bytes."""
    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(out, "PNG", optimize=True)
    return out.getvalue()


def readme() -> None:
    """Take the two pictures of the README: the public home page, and a case as the director sees it."""
    images = ROOT / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as rooms, serve(demo_home(Path(rooms) / "here")) as served:
        walk = Walk(served)
        with chromium() as browser:
            for name, role, path in (
                ("home", "public", "/"),
                ("case", "director", "/office/applications/?state=in_review"),
            ):
                visitor = sit_down(browser, walk, role, Look("en", phone=False, scheme="light"))
                visitor.open(path)
                if name == "case":
                    visitor.page.get_by_role("table").get_by_role("link").last.click()
                visitor.page.wait_for_load_state("networkidle")
                (images / f"{name}.png").write_bytes(compressed(visitor.page.screenshot()))
                visitor.well()


def main(words: list[str]) -> None:
    """Do what the command line asks for."""
    if "--readme" in words:
        return readme()
    folders = [word for word in words if not word.startswith("--")]
    named = [one for one in EVERY if f"--{one.name()}" in words]
    looks = named or (EVERY if "--full" in words else FOUR)
    roles = [word.removeprefix("--as-") for word in words if word.startswith("--as-")]
    return gallery(Path(folders[0] if folders else "gallery"), looks, roles)


if __name__ == "__main__":
    main(sys.argv[1:])
