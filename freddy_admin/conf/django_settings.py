"""Builds Django's settings of database, caches, mail and logs from ours."""

import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# An @ behind a / or ? that belongs to a password, which would end there.
_UNQUOTED_PASSWORD: Final = re.compile(r"[^:]*://(?:[^/?@]*[/?].*@|[^/?]*/[^?]*@)", re.DOTALL)

_SENDING_SERVICE: Final = re.compile(r"anymail\+([a-z_]{1,40}):///?\?([^#]*)")
_SENDING_SERVICE_SECONDS: Final = 10


def sqlite_url(path: Path) -> str:
    """The value of `DATABASE_URL` for this file, whatever signs its path holds."""
    return f"sqlite:///{quote(str(path))}"


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
        # A thread keeps its connection: to open one and read the schema was a fifth of a page.
        defaults = {"CONN_MAX_AGE": 60}
        return {**defaults, **config, "OPTIONS": {**config.get("OPTIONS", {}), **options}}
    options = {
        # A server that drops packets would hold a command for minutes.
        "connect_timeout": 10,
        # Behind a pooler the next transaction may be another connection's: nothing is prepared
        # for later, and no cursor outlives its transaction.
        "prepare_threshold": None,
        **config.get("OPTIONS", {}),
    }
    defaults = {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
    return {**defaults, **config, "OPTIONS": options}


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
    is_server = scheme != "sqlite"
    if is_server and _UNQUOTED_PASSWORD.match(env.str("DATABASE_URL", default="")):
        # What is taken for host and name is a part of the password: no message may name it.
        raise ImproperlyConfigured(
            "DATABASE_URL: / ? # and @ in a user's name or password must be written %2F %3F %23 "
            "and %40."
        )
    return config


def parse_worker_database_url(value: str, *, is_postgresql: bool) -> str:
    """`WORKER_DATABASE_URL`, validated; empty for the database of `DATABASE_URL`."""
    if value and not is_postgresql:
        raise ImproperlyConfigured(
            "WORKER_DATABASE_URL is for PostgreSQL alone: take it out where DATABASE_URL is SQLite."
        )
    is_valid = not value or bool(
        re.match("postgres(ql)?://", value) and not _UNQUOTED_PASSWORD.match(value)
    )
    if value and is_valid:
        # Imported here: a panel on SQLite needs no driver.
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict

        try:
            is_valid = bool(conninfo_to_dict(value).get("dbname"))
        except ProgrammingError:
            is_valid = False
    if not is_valid:
        raise ImproperlyConfigured(
            "WORKER_DATABASE_URL must look like postgres://user:password@host:5432/name, the "
            "database of DATABASE_URL without a pooler; / ? # and @ in a user's name or password "
            "must be written %2F %3F %23 and %40."
        )
    return value


def _create_database_folder(name: str) -> None:
    # A new checkout has no `var`; where it cannot be created, opening the database says so.
    if name and ":memory:" not in name and not name.startswith("file:"):
        with suppress(OSError):
            Path(name).parent.mkdir(mode=0o700, exist_ok=True)


def parse_redis_url(value: str) -> str:
    """`REDIS_URL`, validated; empty for none."""
    if re.search(r"[,;#]", value) or _UNQUOTED_PASSWORD.match(value):
        # At the first two Django would take it for several servers, at the others it would end.
        raise ImproperlyConfigured(
            "REDIS_URL names one server; , ; # / and ? in a user's name or password must be "
            "written %2C %3B %23 %2F and %3F."
        )
    try:
        is_valid = not value or _is_redis_url(value)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ImproperlyConfigured("REDIS_URL must look like redis://host:6379/0.")
    return value


def _is_redis_url(value: str) -> bool:
    if not re.fullmatch(r"(redis|rediss|unix)://\S+", value):
        return False
    parts = urlsplit(value)
    if parts.scheme == "unix":
        return bool(parts.path)
    return bool(parts.hostname and parts.port != 0 and re.fullmatch(r"(/\d*)?", parts.path))


def build_cache_settings(redis: str) -> dict[str, Any]:
    """`default`, a table of the one database, and `fast`, which is Redis where `REDIS_URL` is set.

    Sign-in throttling counts in `default`: it must work, and stay exact, while Redis is away.
    """
    table = {
        "BACKEND": "freddy_admin.core.cache.JsonDatabaseCache",
        "LOCATION": "core_cache",
        # Since 0.4.0 values hold when they were written; those of former versions, which may still
        # run beside this one, have other keys.
        "VERSION": 2,
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
    if not redis:
        return {"default": table, "fast": table}
    fast = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis,
        "KEY_PREFIX": "freddy",
        "OPTIONS": {
            "serializer": "freddy_admin.core.cache.JsonSerializer",
            # A hung Redis may cost a page a quarter of a second, once, not five.
            "socket_timeout": 0.25,
            "socket_connect_timeout": 0.25,
        },
    }
    return {"default": table, "fast": fast}


def build_email_settings(env: Any) -> dict[str, Any]:
    """Django's `EMAIL_…` settings from `EMAIL_URL`; without one, messages are printed.

    `smtp+tls` begins in clear and goes on by STARTTLS; `smtps` and `smtp+ssl` speak TLS from the
    first byte (RFC 8314).
    """
    value = env.str("EMAIL_URL", default="")
    if value.startswith("anymail+"):
        return _build_sending_service_settings(value)
    config = _parse_email_url(env)
    if config is None:
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp+tls://user:password@host:587, "
            "smtps://user:password@host:465, consolemail:// or "
            "anymail+postmark://?server_token=…; / ? # and @ in a user's name or password must be "
            "written %2F %3F %23 and %40."
        )
    if value.startswith("smtps:"):
        return {**config, "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": True}
    return config


def _build_sending_service_settings(value: str) -> dict[str, Any]:
    """Of a service that takes mails over HTTP, by django-anymail, which is no part of the panel.

    What stands behind the question mark are its settings of that service, without its name.
    """
    match = _SENDING_SERVICE.fullmatch(value)
    options = parse_qsl(match[2], keep_blank_values=True) if match else []
    if match is None or not options or not all(text for option in options for text in option):
        raise ImproperlyConfigured(
            "EMAIL_URL of a sending service must look like anymail+postmark://?server_token=…, "
            "with & between several settings; signs such as & # and % in them are written %26 %23 "
            "and %25."
        )
    service = match[1]
    if find_spec("anymail") is None:
        raise ImproperlyConfigured(
            "EMAIL_URL names a sending service: install the libraries of requirements/anymail.txt."
        )
    if find_spec(f"anymail.backends.{service}") is None:
        raise ImproperlyConfigured(
            f"EMAIL_URL names the sending service {service}, which django-anymail does not know."
        )
    return {
        "EMAIL_BACKEND": f"anymail.backends.{service}.EmailBackend",
        "ANYMAIL": {
            "REQUESTS_TIMEOUT": _SENDING_SERVICE_SECONDS,
            **{f"{service}_{name}".upper(): text for name, text in options},
        },
    }


def _parse_email_url(env: Any) -> dict[str, Any] | None:
    value = env.str("EMAIL_URL", default="")
    if _UNQUOTED_PASSWORD.match(value) or "#" in value:
        return None
    config: dict[str, Any] | None = None
    with suppress(ImproperlyConfigured, ValueError, KeyError):
        config = env.email_url("EMAIL_URL", default="consolemail://")
    needs_host = value.startswith("smtp")
    return None if config and needs_host and not config["EMAIL_HOST"] else config


def build_logging_settings(*, level: str) -> dict[str, Any]:
    """`LOGGING`: one line an event on stderr; debugging of the HTTP libraries is always off."""
    if level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
        raise ImproperlyConfigured("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": "freddy_admin.core.request_ids.RequestIdFilter"}},
        "formatters": {"line": {"()": "freddy_admin.core.log_formatting.OneLineFormatter"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["request"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django": {"level": "INFO", "handlers": [], "propagate": True},
            "django.server": {"level": "INFO", "handlers": [], "propagate": True},
            "django.db.backends": {"level": "INFO"},
            "urllib3": {"level": "WARNING"},
            "requests": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            # A line for each job; what breaks, the engine says in a line of its own.
            "procrastinate": {"level": "CRITICAL"},
            "psycopg.pool": {"level": "ERROR"},
        },
    }
