"""Reads the settings of single sign-on; half of them is refused, by the name of what is missing."""

import ipaddress
import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LONGEST_ISSUER = 200  # what the table of links holds


def oidc(issuer: str, client_id: str, client_secret: str, name: str) -> tuple[str, str, str, str]:
    """`OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`, `OIDC_NAME`; all empty means off.

    No message holds the secret.
    """
    given = {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": client_id,
        "OIDC_CLIENT_SECRET": client_secret,
    }
    missing = [key for key, value in given.items() if not value]
    if missing and len(missing) < len(given):
        raise ImproperlyConfigured(
            f"{missing[0]} is not set: single sign-on needs OIDC_ISSUER, OIDC_CLIENT_ID and "
            "OIDC_CLIENT_SECRET together, or none of them."
        )
    if issuer:
        _issuer(issuer)
        _credentials(client_id, client_secret)
    return issuer, client_id, client_secret, _name(name)


def is_loopback(host: str) -> bool:
    """Whether this host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_is_good(url: object, *, plain: bool) -> bool:
    """Whether this is an https address without credentials; `plain` allows http on loopback."""
    if not isinstance(url, str) or not re.fullmatch(r"[!-~]{1,2000}", url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (plain and parts.scheme == "http" and is_loopback(host))


def _issuer(value: str) -> None:
    if len(value) > LONGEST_ISSUER or not address_is_good(value, plain=True) or "?" in value:
        raise ImproperlyConfigured(
            "OIDC_ISSUER must be the provider's address as its documentation names it, at most "
            f"{LONGEST_ISSUER} characters: https://login.example.org (http is for this machine "
            "alone)."
        )


def _credentials(client_id: str, client_secret: str) -> None:
    for name, value in (("OIDC_CLIENT_ID", client_id), ("OIDC_CLIENT_SECRET", client_secret)):
        if not re.fullmatch(r"[ -~]{1,2000}", value):
            raise ImproperlyConfigured(f"{name} has a character that none has: paste it again.")


def _name(value: str) -> str:
    text = value.strip()
    if not text or len(text) > 60 or not text.isprintable():
        raise ImproperlyConfigured(
            "OIDC_NAME must be a short name for the button on the sign-in page: Example Login."
        )
    return text
