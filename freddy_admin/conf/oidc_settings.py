"""Reads the settings of single sign-on; refuses an incomplete set and names what is missing."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from freddy_admin.outbound.hosts import is_loopback_host

ISSUER_MAX_LENGTH = 200  # what the table of links holds


def parse_oidc_settings(
    issuer: str, client_id: str, client_secret: str, name: str
) -> tuple[str, str, str, str]:
    """`OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET`, `OIDC_NAME`; all empty means off.

    No message holds the secret.
    """
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    values = (issuer, client_id, client_secret)
    missing = [name for name, value in zip(names, values, strict=True) if not value]
    if missing and any(values):
        raise ImproperlyConfigured(
            f"{missing[0]} is not set: single sign-on needs OIDC_ISSUER, OIDC_CLIENT_ID and "
            "OIDC_CLIENT_SECRET together, or none of them."
        )
    if issuer:
        _validate_issuer(issuer)
        _validate_credentials(client_id, client_secret)
    return issuer, client_id, client_secret, _parse_button_label(name)


def is_valid_provider_url(url: object, *, allow_loopback_http: bool) -> bool:
    """Whether this is an https URL without credentials, or, where allowed, http on loopback."""
    if not isinstance(url, str) or not re.fullmatch(r"[!-~]{1,2000}", url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (
        allow_loopback_http and parts.scheme == "http" and is_loopback_host(host)
    )


def _validate_issuer(value: str) -> None:
    if (
        len(value) > ISSUER_MAX_LENGTH
        or not is_valid_provider_url(value, allow_loopback_http=True)
        or "?" in value
    ):
        raise ImproperlyConfigured(
            "OIDC_ISSUER must be the provider's address as its documentation names it, at most "
            f"{ISSUER_MAX_LENGTH} characters: https://login.example.org (http is for this machine "
            "alone)."
        )


def _validate_credentials(client_id: str, client_secret: str) -> None:
    for name, value in (("OIDC_CLIENT_ID", client_id), ("OIDC_CLIENT_SECRET", client_secret)):
        if not re.fullmatch(r"[ -~]{1,2000}", value):
            raise ImproperlyConfigured(f"{name} has a character that none has: paste it again.")


def _parse_button_label(value: str) -> str:
    text = value.strip()
    if not text or len(text) > 60 or not text.isprintable():
        raise ImproperlyConfigured(
            "OIDC_NAME must be a short name for the button on the sign-in page: Example Login."
        )
    return text
