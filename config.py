"""Settings: read once from the environment (and `.env` in development), checked before anything starts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

DEVELOPMENT = "development"
PRODUCTION = "production"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
KINDS = frozenset(
    {
        "sign-in",
        "register",
        "reset",
        "search",
        "paper",
        "export",
        "feed",
        "verify",
        "verify-all",
        "verify-name",
        "licence-unknown",
        "licence-validate",
        "licence-claim",
        "licence-token",
    }
)
PLACEHOLDERS = ("change", "default", "secret", "example", "tests only", "password", "insecure")


class Misconfigured(RuntimeError):
    """The settings do not allow a safe start; the text says what to set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force for one process. Addresses are URLs, `home` is a folder."""

    home: Path
    mode: str
    database_url: str
    files_url: str
    secret_key: str = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    public_url: str
    mail_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    hosts: tuple[str, ...]
    proxies: int
    metrics_from: tuple[str, ...]
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api_base: str
    gateway: str = ""
    stripe_account: str = ""
    leaked_passwords: Path | None = None
    pager_url: str = field(default="", repr=False)
    pager_secret: str = field(default="", repr=False)
    limits: Mapping[str, str] = field(default_factory=dict)
    bind: str = "127.0.0.1"
    shield_off: bool = False
    testing: bool = False

    @property
    def production(self) -> bool:
        """Whether real people and real money are at stake."""
        return self.mode == PRODUCTION

    @property
    def sqlite(self) -> bool:
        """Whether the embedded database serves."""
        return self.database_url.startswith("sqlite")

    @property
    def https(self) -> bool:
        """Whether browsers reach the portal over TLS."""
        return self.public_url.startswith("https://")


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names the portal answers to: the ones given, else that of its public address and loopback."""
    if given := _words(env.get("PORTAL_HOSTS", "")):
        return tuple(name.lower() for name in given)
    named = urlsplit(env.get("PORTAL_PUBLIC_URL", "")).hostname
    own = (named,) if named else ()
    return own if env.get("PORTAL_MODE") == PRODUCTION else tuple(dict.fromkeys((*own, *LOOPBACK)))


def _limits(text: str) -> dict[str, str]:
    """Return other outer limits than the built-in ones, written `sign-in=120/minute, search=600/minute`."""
    pairs = [part.split("=", 1) for part in _words(text)]
    unknown = [pair[0] for pair in pairs if len(pair) != 2 or pair[0] not in KINDS or "/" not in pair[1]]
    if unknown:
        raise Misconfigured(f"PORTAL_LIMITS: {unknown[0]!r} is not understood; write KIND=NUMBER/minute")
    return {pair[0]: pair[1] for pair in pairs}


def _dotenv(folder: Path) -> dict[str, str]:
    """Return the assignments of `.env`; the environment itself goes before them."""
    file = folder / ".env"
    if not file.is_file():
        return {}
    pairs = (line.split("=", 1) for line in file.read_text("utf-8").splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("'\"") for name, value in pairs if not name.startswith("#")}


def _kept_secret(home: Path) -> str:
    """Return the key of an embedded installation, made at its first start and readable by its owner alone."""
    file = home / "secret.key"
    home.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_text("ascii").strip()
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_urlsafe(48))
    return file.read_text("ascii").strip()


def read_settings(environ: Mapping[str, str] | None = None, *, testing: bool = False) -> Settings:
    """Return the settings in force.

    Raises `Misconfigured` in production when a secret, address or database is missing or unsafe.
    """
    given: Mapping[str, str] = os.environ if environ is None else environ
    env = {**(_dotenv(Path.cwd()) if environ is None else {}), **given}
    mode = env.get("PORTAL_MODE", DEVELOPMENT)
    if mode not in {DEVELOPMENT, PRODUCTION}:
        raise Misconfigured(f"PORTAL_MODE is {mode!r}; it must be {DEVELOPMENT} or {PRODUCTION}")
    home = Path(env.get("PORTAL_HOME", "var")).resolve()
    secret = env.get("PORTAL_SECRET_KEY", "")
    if not secret and mode == DEVELOPMENT:
        secret = _kept_secret(home)
    settings = Settings(
        home=home,
        mode=mode,
        database_url=env.get("PORTAL_DATABASE_URL") or f"sqlite:///{home / 'portal.sqlite3'}",
        files_url=env.get("PORTAL_FILES_URL") or (home / "files").as_uri(),
        secret_key=secret,
        secret_key_fallbacks=_words(env.get("PORTAL_SECRET_KEY_FALLBACKS", "")),
        public_url=env.get("PORTAL_PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/"),
        mail_url=env.get("PORTAL_MAIL_URL", ""),
        redis_url=env.get("PORTAL_REDIS_URL", ""),
        broker_url=env.get("PORTAL_BROKER_URL", ""),
        hosts=_hosts(env),
        proxies=int(env.get("PORTAL_PROXIES", "0")),
        metrics_from=_words(env.get("PORTAL_METRICS_FROM", "127.0.0.1,::1")),
        stripe_secret_key=env.get("STRIPE_SECRET_KEY", ""),
        stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET", ""),
        stripe_api_base=env.get("STRIPE_API_BASE", ""),
        gateway=env.get("PORTAL_GATEWAY", ""),
        stripe_account=env.get("STRIPE_ACCOUNT", ""),
        leaked_passwords=Path(leaked) if (leaked := env.get("PORTAL_LEAKED_PASSWORDS", "")) else None,
        pager_url=env.get("PORTAL_PAGER_URL", ""),
        pager_secret=env.get("PORTAL_PAGER_SECRET", ""),
        limits=_limits(env.get("PORTAL_LIMITS", "")),
        bind=env.get("PORTAL_BIND", "127.0.0.1"),
        shield_off=env.get("PORTAL_SHIELD", "on") == "off",
        testing=testing or env.get("PORTAL_TESTING") == "1",
    )
    check(settings, env)
    return settings


def check(settings: Settings, env: Mapping[str, str]) -> None:
    """Refuse an unsafe start: every complaint names the setting to change."""
    if settings.database_url.startswith(("postgres://", "postgresql://")):
        raise Misconfigured("PORTAL_DATABASE_URL must begin with postgresql+psycopg://")
    _check_gateway(settings)
    _refuse_bare(settings)
    if not settings.production:
        return
    complaints = [*_weak_keys(settings), *_unsafe(settings, env)]
    if complaints:
        raise Misconfigured("; ".join(complaints))


def _check_gateway(settings: Settings) -> None:
    """Refuse the test gateway where money is real, and keys that are none."""
    key = settings.stripe_secret_key
    if key and not key.startswith(("sk_live_", "sk_test_", "rk_live_", "rk_test_")):
        raise Misconfigured("STRIPE_SECRET_KEY must begin with sk_live_, sk_test_, rk_live_ or rk_test_")
    if settings.gateway not in {"", "test"}:
        raise Misconfigured(f"PORTAL_GATEWAY is {settings.gateway!r}; it is empty or test")
    if settings.gateway and (settings.production or "_live_" in key):
        raise Misconfigured("PORTAL_GATEWAY=test is not possible where real money moves")


def _refuse_bare(settings: Settings) -> None:
    """The switch for scanners opens CSRF and limits: for tests on this machine alone."""
    if not settings.shield_off:
        return
    here = settings.bind in LOOPBACK and urlsplit(settings.public_url).hostname in LOOPBACK
    if not settings.testing or not here or settings.production:
        raise Misconfigured("PORTAL_SHIELD=off is for tests on loopback alone: it turns CSRF and limits off")


def _weak_keys(settings: Settings) -> list[str]:
    found = []
    for name, key in (
        ("PORTAL_SECRET_KEY", settings.secret_key),
        *(("PORTAL_SECRET_KEY_FALLBACKS", key) for key in settings.secret_key_fallbacks),
    ):
        if len(key) < 32:
            found.append(f"{name} must be at least 32 characters")
        elif len(set(key)) < 12 or any(word in key.lower() for word in PLACEHOLDERS):
            found.append(f"{name} looks like a placeholder; use random characters")
    return found


def _unsafe(settings: Settings, env: Mapping[str, str]) -> list[str]:
    test_key = settings.stripe_secret_key.startswith(("sk_test_", "rk_test_"))
    asked = {
        "PORTAL_PUBLIC_URL must begin with https://": not settings.https,
        "PORTAL_MAIL_URL must name a mail server": not settings.mail_url,
        "STRIPE_WEBHOOK_SECRET must be set beside STRIPE_SECRET_KEY": bool(settings.stripe_secret_key)
        and not settings.stripe_webhook_secret,
        "the test gateway and test keys take no real money: set STRIPE_SECRET_KEY to a live key or leave it out":
        test_key or env.get("PORTAL_TEST_GATEWAY", "0") not in {"", "0"},
        "testing mode and FLASK_DEBUG must be off": settings.testing
        or env.get("FLASK_DEBUG", "0") not in {"", "0"},
    }  # fmt: skip
    return [words for words, wrong in asked.items() if wrong]
