"""Settings: read once from the environment (and `.env` in development), checked before anything starts."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEVELOPMENT = "development"
PRODUCTION = "production"


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
        hosts=_words(env.get("PORTAL_HOSTS", "")),
        proxies=int(env.get("PORTAL_PROXIES", "0")),
        metrics_from=_words(env.get("PORTAL_METRICS_FROM", "127.0.0.1,::1")),
        stripe_secret_key=env.get("STRIPE_SECRET_KEY", ""),
        stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET", ""),
        stripe_api_base=env.get("STRIPE_API_BASE", ""),
        gateway=env.get("PORTAL_GATEWAY", ""),
        testing=testing,
    )
    check(settings, env)
    return settings


def check(settings: Settings, env: Mapping[str, str]) -> None:
    """Refuse an unsafe start: every complaint names the setting to change."""
    if settings.database_url.startswith(("postgres://", "postgresql://")):
        raise Misconfigured("PORTAL_DATABASE_URL must begin with postgresql+psycopg://")
    _check_gateway(settings)
    if not settings.production:
        return
    complaints = []
    if len(settings.secret_key) < 32:
        complaints.append("PORTAL_SECRET_KEY must be at least 32 characters")
    if not settings.https:
        complaints.append("PORTAL_PUBLIC_URL must begin with https://")
    if not settings.mail_url:
        complaints.append("PORTAL_MAIL_URL must name a mail server")
    if settings.stripe_secret_key and not settings.stripe_webhook_secret:
        complaints.append("STRIPE_WEBHOOK_SECRET must be set beside STRIPE_SECRET_KEY")
    if settings.testing or env.get("FLASK_DEBUG", "0") not in {"", "0"}:
        complaints.append("testing mode and FLASK_DEBUG must be off")
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
