"""Parses single settings; refuses an invalid one by its name, with a sentence on what to do."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from freddy_admin.outbound.hosts import is_loopback_host, parse_host_and_port

DEBUG_SECRET_KEY = "insecure-secret-key-for-debugging-only-never-in-production"  # noqa: S105


LOOPBACK_HOSTS = {"localhost", "127.0.0.1", "[::1]", "::1"}

# Of what the client takes: no user name, no query, no fragment, no white space.
_API_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/\[\]%-]+", re.ASCII)
# A path and a query besides, as services for dead man's switches give them out.
_HEARTBEAT_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/\[\]%?&=+,;!-]{1,500}", re.ASCII)
_EMAIL_PATTERN = r"[a-z0-9.!#$'*+/=_{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){1,8}"


# With a leading dot for its subdomains, too; or an address, IPv6 in brackets or not.
_HOST_PATTERN = (
    r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*"
)

# Where the panel is below a path: nothing that an address would have to write in another way.
_SUB_PATH_PATTERN = r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?"


def parse_secret_key(value: str, *, debug: bool) -> str:
    """`SECRET_KEY`: at least 32 characters and not a default one, outside DEBUG."""
    if not value and debug:
        return DEBUG_SECRET_KEY
    is_weak = (
        len(value) < 32 or len(set(value)) < 8 or "insecure" in value or "change" in value.lower()
    )
    if is_weak and not debug:
        state = "is not set" if not value else "is too short, too simple or a default"
        raise ImproperlyConfigured(f"SECRET_KEY {state}: give at least 32 random characters.")
    return value


def parse_secret_key_fallbacks(value: str, *, current: str) -> list[str]:
    """`SECRET_KEY_FALLBACKS`: former ones, separated by commas, the newest of them first."""
    keys = parse_comma_list(value)
    if any(len(key) < 32 for key in keys):
        raise ImproperlyConfigured(
            "SECRET_KEY_FALLBACKS holds a key of fewer than 32 characters: "
            "give former values of SECRET_KEY as they were, separated by commas."
        )
    if current in keys or len(set(keys)) < len(keys):
        raise ImproperlyConfigured(
            "SECRET_KEY_FALLBACKS names SECRET_KEY itself or one key twice: "
            "give former values, each once."
        )
    return keys


def parse_allowed_hosts(value: str, *, debug: bool) -> list[str]:
    """`ALLOWED_HOSTS`: names without scheme and port; none that stands for every name.

    Mails and redirects are addressed with the name that a request asked for: a star would let
    whoever asks for a new password have the link sent with an address of their own.
    """
    hosts = parse_comma_list(value)
    if debug and hosts in ([], ["*"]):
        return hosts
    if not hosts or "*" in hosts:
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS must list the names that the panel answers to: panel.example.org. "
            "Nothing may stand for every name."
        )
    if not all(re.fullmatch(_HOST_PATTERN, host, re.IGNORECASE | re.ASCII) for host in hosts):
        raise ImproperlyConfigured(
            "ALLOWED_HOSTS must hold host names alone, without scheme, port or path: "
            "panel.example.org."
        )
    return hosts


def validate_debug_hosts(*, debug: bool, hosts: list[str]) -> None:
    """Raises ImproperlyConfigured where a server would show strangers how the panel is built.

    Whatever serves calls it at its start; commands that serve nothing run with `DEBUG` anywhere.
    Django answers to loopback alone where `DEBUG` is on and no host is named.
    """
    if debug and not all(host in LOOPBACK_HOSTS or is_loopback_host(host) for host in hosts):
        raise ImproperlyConfigured(
            "DEBUG=true is for this machine alone: set ALLOWED_HOSTS to localhost and 127.0.0.1, "
            "or set DEBUG=false."
        )


def validate_plain_http(value: bool, *, hosts: list[str]) -> bool:
    """`PLAIN_HTTP`: a trial on this machine alone; refused with any host but loopback."""
    if value and not set(hosts) <= LOOPBACK_HOSTS:
        raise ImproperlyConfigured(
            "PLAIN_HTTP is only for a trial on this machine: set ALLOWED_HOSTS to localhost "
            "and 127.0.0.1, or set PLAIN_HTTP=false and serve over https."
        )
    return value


def parse_panel_url(value: str, *, hosts: list[str], is_trial: bool) -> str:
    """`PANEL_URL`: where people reach the panel, with its path if it has one; one of ALLOWED_HOSTS.

    Without it, https and the first of those; in a trial http on this machine. No slash at its end.
    """
    if not value:
        first_host = next((host.lstrip(".") for host in hosts if host != "*"), "localhost")
        return "http://localhost:8000" if is_trial else f"https://{first_host}"
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    is_address = (
        f"{parts.scheme}://{parts.netloc}{parts.path}" == value
        and "@" not in parts.netloc
        and re.fullmatch(_SUB_PATH_PATTERN, parts.path, re.ASCII)
    )
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_host(host))
    url_host = f"[{host}]" if ":" in host else host
    if not (is_address and is_safe and host and validate_host(url_host, hosts or [url_host])):
        raise ImproperlyConfigured(
            "PANEL_URL must be the address of the panel, with one of ALLOWED_HOSTS: "
            "https://panel.example.org, or https://example.org/panel where it is below a path."
        )
    return value.rstrip("/")


def parse_on_off(name: str, value: str) -> bool:
    """A setting that is `on` or `off`."""
    if value not in {"on", "off"}:
        raise ImproperlyConfigured(f"{name} must be on or off.")
    return value == "on"


def build_redirect_exempt_patterns(sub_path: str | None) -> list[str]:
    """`SECURE_REDIRECT_EXEMPT`: what programs ask, below the path of `PANEL_URL` if it has one."""
    start = re.escape(f"{sub_path}/".removeprefix("/")) if sub_path else ""
    return [rf"^{start}(?:healthz|readyz|metrics)$", rf"^{start}api/(?!v1/openapi\.json$)"]


def parse_require_mfa(value: str) -> str:
    """`REQUIRE_MFA`: off, admins or all."""
    if value not in {"off", "admins", "all"}:
        raise ImproperlyConfigured("REQUIRE_MFA must be one of off, admins, all.")
    return value


def parse_api_base_url(
    value: str, *, name: str = "AITRONOS_API_BASE_URL", example: str = "https://api.aitronos.com"
) -> str:
    """An address of an API: https anywhere, http on loopback; nothing but scheme, host, path.

    `name` is the setting that holds it, or an entry of `AITRONOS_ENVIRONMENTS`.
    """
    try:
        parts = urlsplit(value)
        is_malformed: object = not _API_URL_CHARACTERS.fullmatch(value)
        host, _port = parse_host_and_port(parts.netloc)
    except ValueError:
        parts, is_malformed, host = urlsplit(""), True, ""
    if is_malformed or not host or parts.scheme not in {"https", "http"}:
        raise ImproperlyConfigured(f"{name} must look like {example}.")
    if parts.scheme == "http" and not is_loopback_host(host):
        raise ImproperlyConfigured(
            f"{name} must begin with https:// (http is for this machine alone)."
        )
    return value.rstrip("/")


def parse_bool(name: str, env: Any, *, default: bool) -> bool:
    """The setting `name` as true or false; a misspelt value must not switch something off."""
    text = env.str(name, default="").strip().lower()
    if text in {"true", "yes", "on", "1"}:
        return True
    if text in {"false", "no", "off", "0"}:
        return False
    if text:
        raise ImproperlyConfigured(f"{name} must be true or false.")
    return default


def parse_csrf_trusted_origins(value: str, *, panel_url: str) -> list[str]:
    """`CSRF_TRUSTED_ORIGINS`, and the panel's own; `*.` in front of a host means subdomains.

    The own one has its port also where a proxy passes the host on without it.
    """
    origins = parse_comma_list(value)
    host = r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]"
    pattern = re.compile(rf"https?://({host})(:\d{{1,5}})?", re.IGNORECASE | re.ASCII)
    if not all(pattern.fullmatch(origin) for origin in origins):
        raise ImproperlyConfigured(
            "CSRF_TRUSTED_ORIGINS must name origins with their scheme: https://panel.example.org."
        )
    parts = urlsplit(panel_url)
    own_origin = f"{parts.scheme}://{parts.netloc.lower()}"
    return [*origins, *([] if own_origin in origins else [own_origin])]


def parse_support_contact(value: str) -> str:
    """`SUPPORT_CONTACT`: an e-mail address or a web page, as the target of a link; "" without one.

    Nothing but `mailto:`, `https:` and `http:`, for whoever reads a page presses it.
    """
    text = value.strip()
    address = text.removeprefix("mailto:")
    if not text or re.fullmatch(_EMAIL_PATTERN, address, re.IGNORECASE | re.ASCII):
        return f"mailto:{address}" if text else ""
    try:
        parts = urlsplit(text)
        is_page = parts.scheme in {"https", "http"} and bool(parts.hostname) and not parts.username
        _port = parts.port
    except ValueError:
        is_page = False
    if not is_page or re.search(r"[\s\\\x00-\x20\x7f\"<>]", text):
        raise ImproperlyConfigured(
            "SUPPORT_CONTACT must be an e-mail address or the address of a page: "
            "support@aitronos.com or https://help.example.org/aitronos."
        )
    return text


def parse_heartbeat_url(value: str) -> str:
    """`HEARTBEAT_URL`: https anywhere, http on loopback, with path and query; "" without one."""
    text = value.strip()
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, _port = parse_host_and_port(parts.netloc)
    except ValueError:
        parts, host = urlsplit(""), ""
    is_malformed = not _HEARTBEAT_URL_CHARACTERS.fullmatch(text) or not host
    if is_malformed or parts.scheme not in {"https", "http"}:
        raise ImproperlyConfigured(
            "HEARTBEAT_URL must look like https://hc-ping.com/0f3c…: the address that the service "
            "gave you, without a user name."
        )
    if parts.scheme == "http" and not is_loopback_host(host):
        raise ImproperlyConfigured(
            "HEARTBEAT_URL must begin with https:// (http is for this machine alone)."
        )
    return text


def parse_seconds(name: str, env: Any, *, default: float) -> float:
    """The setting `name` as a positive number of seconds, at most a day."""
    text = env.str(name, default="")
    try:
        value = float(text) if text else default
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise ImproperlyConfigured(f"{name} must be a number of seconds between 0 and 86400.")
    return value


def parse_daily_calls(text: str) -> int:
    """`AITRONOS_DAILY_CALLS`: calls that one organisation has a day, from 1 to a billion."""
    if not re.fullmatch(r"\d{1,10}", text.strip(), re.ASCII) or not 1 <= int(text) <= 10**9:
        raise ImproperlyConfigured(
            "AITRONOS_DAILY_CALLS must be a whole number of calls from 1 to 1000000000."
        )
    return int(text)


def parse_days(name: str, env: Any, *, default: int, minimum: int) -> int:
    """The setting `name` as a whole number of days, from `minimum` to ten years."""
    text = env.str(name, default="").strip() or str(default)
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not minimum <= int(text) <= 3_660:
        raise ImproperlyConfigured(f"{name} must be a whole number of days from {minimum} to 3660.")
    return int(text)


def parse_clock_speed(speed: str, since: str, *, is_trial: bool) -> tuple[float, datetime | None]:
    """`CLOCK_SPEED` and `CLOCK_SINCE`: an accelerated clock, for a trial alone."""
    try:
        factor = float(speed) if speed.strip() else 1.0
        start = datetime.fromisoformat(since.strip()) if since.strip() else None
    except ValueError:
        factor, start = 0.0, None
    if not 1 <= factor <= 3_600:
        raise ImproperlyConfigured(
            "CLOCK_SPEED must be a number from 1 to 3600, with a CLOCK_SINCE such as "
            "2026-11-24T12:00:00+00:00."
        )
    if factor == 1:
        return 1.0, None
    if not is_trial:
        raise ImproperlyConfigured(
            "CLOCK_SPEED is for a trial with PLAIN_HTTP alone: leave it out in production."
        )
    if start is None or start.tzinfo is None:
        raise ImproperlyConfigured(
            "CLOCK_SPEED needs CLOCK_SINCE, a moment with its zone: 2026-11-24T12:00:00+00:00."
        )
    return factor, start


def parse_small_integer(name: str, env: Any, *, default: int) -> int:
    """The setting `name` as a whole number from 0 to 16."""
    text = env.str(name, default="").strip() or str(default)
    if not re.fullmatch(r"\d{1,2}", text) or int(text) > 16:
        raise ImproperlyConfigured(f"{name} must be a whole number from 0 to 16.")
    return int(text)


def parse_comma_list(value: str) -> list[str]:
    """The items of a list separated by commas, without white space and empty ones."""
    return [part.strip() for part in value.split(",") if part.strip()]
