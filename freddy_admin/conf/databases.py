"""Builds Django's settings of the database from `DATABASE_URL`."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def build_database_settings(env: Any, *, default: str) -> dict[str, Any]:
    """The database of `DATABASE_URL` (SQLite, PostgreSQL), safe for several processes at once."""
    config = _parse_database_url(env, default)
    if config["ENGINE"].endswith("sqlite3"):
        _create_database_folder(str(config["NAME"]))
        # IMMEDIATE + WAL: no "database is locked" under contended read-then-write transactions.
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # secure_delete: what is wiped is overwritten, not left lying in a free page.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
            ),
        }
        return {**config, "OPTIONS": {**config.get("OPTIONS", {}), **options}}
    # A server that drops packets would hold a command for minutes.
    options = {"connect_timeout": 10, **config.get("OPTIONS", {})}
    return {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, **config, "OPTIONS": options}


def _parse_database_url(env: Any, default: str) -> dict[str, Any]:
    scheme = env.str("DATABASE_URL", default=default).partition(":")[0]
    is_known_scheme = scheme in {"sqlite", "postgres", "postgresql"}
    config: dict[str, Any] | None = None
    with suppress(ValueError):
        config = env.db_url("DATABASE_URL", default=default) if is_known_scheme else None
    if config is None:
        raise ImproperlyConfigured(
            "DATABASE_URL must look like sqlite:////path/to/freddy.sqlite3 "
            "or postgres://user:password@host:5432/name."
        )
    if scheme != "sqlite" and "@" in str(config["NAME"]):
        # What is taken for host and name is a part of the password: no message may name it.
        raise ImproperlyConfigured(
            "DATABASE_URL: / ? # and @ in a user's name or password must be written %2F %3F %23 "
            "and %40."
        )
    return config


def _create_database_folder(name: str) -> None:
    # A new checkout has no `var`; where it cannot be created, opening the database says so.
    if name and ":memory:" not in name and not name.startswith("file:"):
        with suppress(OSError):
            Path(name).parent.mkdir(mode=0o700, exist_ok=True)
