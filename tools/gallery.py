"""Takes a picture of every page: each role, both languages, light and dark, desktop and phone, with the demo's data.

usage: python tools/gallery.py [FOLDER] – writes PNG files and index.html; fails if a page scrolls sideways.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROLES: dict[str, list[str]] = {
    "public": [
        "/",
        "/tiers",
        "/members",
        "/apply",
        "/sign-in",
        "/register",
        "/reset",
        "/mailbox",
        "/mailbox/1",
        "/privacy",
        "/terms",
        "/help",
        "/help/applicant",
        "/nothing-here",
    ],
    "member": ["/home", "/membership", "/apply", "/invoices", "INVOICE", "/people", "/account"],
    "applicant": ["/home", "APPLICATION", "/invoices", "INVOICE"],
    "reviewer": ["/office/", "/office/applications/", "CASE", "/office/members/", "MEMBER"],
    "director": ["/office/", "DECIDE"],
    "finance": [
        "/office/money/",
        "/office/money/invoices",
        "OFFICE_INVOICE",
        "/office/money/receipts",
        "/office/money/receipts/new",
    ],
    "administrator": ["/office/staff/"],
}
LINKS = {
    "INVOICE": ("/invoices", r"/invoices/[0-9a-f]{32}"),
    "APPLICATION": ("/apply", r"/applications/[0-9a-f]{32}"),
    "CASE": ("/office/applications/", r"/office/applications/[0-9a-f]{32}"),
    "DECIDE": ("/office/", r"/office/applications/[0-9a-f]{32}"),
    "MEMBER": ("/office/members/", r"/office/members/[0-9a-f]{32}"),
    "OFFICE_INVOICE": ("/office/money/invoices", r"/office/money/invoices/[0-9a-f]{32}"),
}
LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
SIZES = {"desktop": (1360, 900), "phone": (390, 844)}


def start(home: str, port: int) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """Load the demo, serve it, and return the process and a way in for each role."""
    env = {**os.environ, "PORTAL_HOME": home, "PORTAL_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    said = subprocess.run(
        [sys.executable, "-m", "portal.cli", "demo"], env=env, check=True, capture_output=True, text=True
    )
    ways = {
        line.split()[0]: "/" + line.split()[2].split("/", 3)[3]
        for line in said.stdout.splitlines()
        if "/demo/" in line
    }
    served = subprocess.Popen([sys.executable, "-m", "portal.cli", "serve", "--port", str(port)], env=env)
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            return served, ways
        except OSError:
            time.sleep(0.5)
    raise SystemExit("the portal did not start")


def visit(page: Page, base: str, name: str) -> str:
    """Open a page by path, or by the first link of its kind on a list."""
    path = name
    if name in LINKS:
        listed, pattern = LINKS[name]
        page.goto(base + listed)
        found = re.search(pattern, page.content())
        if found is None:
            return ""
        path = found.group()
    page.goto(base + path, wait_until="networkidle")
    return path


def shoot(browser: Browser, base: str, ways: dict[str, str], folder: Path) -> list[str]:
    """Take the pictures; return the pages that scroll sideways."""
    wide: list[str] = []
    for role, pages in ROLES.items():
        for tongue, code in LANGUAGES.items():
            for size, (width, height) in SIZES.items():
                scheme = "dark" if (tongue == "en") == (size == "phone") else "light"
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    locale=tongue,
                    color_scheme=scheme,
                    base_url=base,
                )
                page = context.new_page()
                if role in ways:
                    page.goto(base + ways[role])
                    page.locator("main form button").first.click()
                page.goto(base + "/terms")
                if page.locator("html").get_attribute("lang") != ("zh-Hans-CN" if tongue == "zh" else "en"):
                    token = page.locator("input[name=csrf_token]").first.get_attribute("value")
                    page.request.post(
                        base + "/language", form={"csrf_token": token or "", "language": code, "next": "/"}
                    )
                for n, name in enumerate(pages):
                    if not visit(page, base, name):
                        continue
                    label = f"{role}-{n:02d}-{tongue}-{size}-{scheme}"
                    page.screenshot(path=folder / f"{label}.png", full_page=True)
                    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
                        wide.append(f"{label} {name}")
                context.close()
    return wide


def main() -> None:
    """Make the gallery."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "gallery")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        served, ways = start(home, 8123)
        try:
            with sync_playwright() as play:
                browser = play.chromium.launch(
                    executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                    args=["--no-sandbox", "--disable-gpu"],
                )
                wide = shoot(browser, "http://127.0.0.1:8123", ways, folder)
        finally:
            served.terminate()
            served.wait()
    shots = sorted(file.name for file in folder.glob("*.png"))
    rows = "".join(
        f'<figure><img src="{name}" width="420" alt="{name}"><figcaption>{name}</figcaption></figure>'
        for name in shots
    )
    (folder / "index.html").write_text(
        f"<!doctype html><meta charset=utf-8><title>Gallery</title>{rows}", "utf-8"
    )
    print(f"{len(shots)} pictures in {folder}")
    if wide:
        raise SystemExit("These pages scroll sideways:\n" + "\n".join(wide))


if __name__ == "__main__":
    main()
