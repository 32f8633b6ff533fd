"""What people call the browser they sign in with, read from what it says about itself."""

from __future__ import annotations

from flask_babel import gettext as _

# The first mark that is found names it: most browsers also claim to be the ones below them.
BROWSERS = [
    ("Edg", "Edge"), ("OPR/", "Opera"), ("MicroMessenger", "WeChat"), ("QQBrowser", "QQ Browser"), ("Firefox/", "Firefox"),
    ("HeadlessChrome", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
]  # fmt: skip
SYSTEMS = [
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
]  # fmt: skip


def _named(agent: str, table: list[tuple[str, str]]) -> str:
    return next((name for mark, name in table if mark in agent), "")


def device(agent: str) -> str:
    """Return words such as “Chrome on Windows”."""
    browser, system = _named(agent, BROWSERS), _named(agent, SYSTEMS)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("Unknown browser")
