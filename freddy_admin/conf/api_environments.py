"""Where the Aitronos API is: one environment, or several of which each key belongs to one.

A setting that cannot be used stops the start with its name and the number of the entry, never
with what it holds.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from freddy_admin.conf.setting_parsers import parse_api_base_url, parse_comma_list

DEFAULT_ENVIRONMENT: Final = "default"
ENVIRONMENT_MAX_LENGTH: Final = 32
ENVIRONMENT_PATTERN: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
# Every request has these for what they are: with a key in one of them it would be another request.
_TAKEN_HEADERS: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length"),
        *("content-type", "cookie", "expect", "host", "te", "trailer", "transfer-encoding"),
        *("upgrade", "user-agent"),
    }
)


@dataclass(frozen=True, slots=True)
class ApiEnvironment:
    """One address of the API, and the headers in which its keys are sent: each key in all."""

    name: str
    base_url: str
    key_headers: tuple[str, ...]

    @property
    def host(self) -> str:
        """The address as people know it: the host, with its port and path where it has them."""
        return self.base_url.partition("://")[2]

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Where a connection leads, the usual port of the scheme included."""
        parts = urlsplit(self.base_url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def api_environments() -> dict[str, ApiEnvironment]:
    """The environments in force by their names; `default`, of the settings alone, comes first."""
    default = ApiEnvironment(
        DEFAULT_ENVIRONMENT, settings.AITRONOS_API_BASE_URL, settings.AITRONOS_API_KEY_HEADER
    )
    return {
        environment.name: environment for environment in (default, *settings.AITRONOS_ENVIRONMENTS)
    }


def parse_key_headers(
    value: str, *, name: str = "AITRONOS_API_KEY_HEADER", separator: str = ","
) -> tuple[str, ...]:
    """`AITRONOS_API_KEY_HEADER`: the header, or the headers, that carry the key."""
    headers = tuple(part.strip() for part in value.split(separator))
    if not all(_HEADER_NAME.fullmatch(header) for header in headers):
        raise ImproperlyConfigured(
            f"{name} must be a header's name, or several separated by “{separator}”: X-API-Key."
        )
    names = {header.lower() for header in headers}
    if len(names) < len(headers):
        raise ImproperlyConfigured(f"{name} names one header twice: give each once.")
    if names & _TAKEN_HEADERS:
        raise ImproperlyConfigured(
            f"{name} names a header that every request has for something else, such as Host or "
            "User-Agent: give the one that Aitronos reads the key from, X-API-Key."
        )
    return headers


def parse_environments(value: str, *, key_headers: tuple[str, ...]) -> tuple[ApiEnvironment, ...]:
    """`AITRONOS_ENVIRONMENTS`: those beside `default`, in the order of the setting.

    `staging=https://staging-api.aitronos.com`, separated by commas; with
    `staging.header=x-api-key+api-key` its keys are sent in other headers than `key_headers`.
    """
    addresses, headers = dict[str, str](), dict[str, tuple[str, ...]]()
    header_entries = dict[str, str]()
    for number, entry in enumerate(parse_comma_list(value), start=1):
        entry_name = f"AITRONOS_ENVIRONMENTS, entry {number},"
        name, part, text = _parse_entry(entry, entry_name)
        if name in (headers if part else addresses):
            raise ImproperlyConfigured(f"{entry_name} says again what an entry before it said.")
        if part:
            headers[name] = parse_key_headers(text, name=entry_name, separator="+")
            header_entries[name] = entry_name
        else:
            addresses[name] = parse_api_base_url(text, name=entry_name)
    for name, entry_name in header_entries.items():
        if name not in addresses:
            raise ImproperlyConfigured(
                f"{entry_name} names headers of an environment without an address: add one, such "
                "as staging=https://staging-api.aitronos.com."
            )
    return tuple(
        ApiEnvironment(name, address, headers.get(name, key_headers))
        for name, address in addresses.items()
    )


def _parse_entry(entry: str, entry_name: str) -> tuple[str, str, str]:
    """The environment's name, "header" or "", and what is set."""
    left, equals, text = (part.strip() for part in entry.partition("="))
    if not equals or not text:
        raise ImproperlyConfigured(
            f"{entry_name} must be a name and an address, such as "
            "staging=https://staging-api.aitronos.com."
        )
    name, dot, part = left.lower().partition(".")
    if not ENVIRONMENT_PATTERN.fullmatch(name):
        raise ImproperlyConfigured(
            f"{entry_name} must begin with a name: a letter, then letters a to z, digits, - and _, "
            "32 in all at most."
        )
    if name == DEFAULT_ENVIRONMENT:
        raise ImproperlyConfigured(
            f"{entry_name} is called default, which AITRONOS_API_BASE_URL and "
            "AITRONOS_API_KEY_HEADER are: set those, or give it another name."
        )
    if dot and part != "header":
        raise ImproperlyConfigured(
            f"{entry_name} has something else than header behind the dot: "
            "staging.header=x-api-key+api-key."
        )
    return name, part, text
