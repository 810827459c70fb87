"""Which waiting sign-ins are whose, told from the bytes of a request before a thread takes it."""

from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.http import parse_cookie
from django.urls import reverse

FIELDS_AT_MOST: Final = 20
KNOWN: Final = "known"
STRANGERS: Final = "strangers"


def lane_of(data: bytes) -> str:
    """STRANGERS or KNOWN for a request to sign in, else empty; never raises.

    KNOWN is a browser that was used before by the person who signs in. What is written in
    another way than browsers do counts as nothing here, and waits where passwords are hashed.
    """
    if not data.startswith(b"POST "):
        return ""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    try:
        path = unquote(urlsplit(line.split(" ")[1]).path)
        if path != reverse("account_login"):
            return ""
    except (ValueError, IndexError):
        return ""
    return KNOWN if _is_known(fields, _email(body)) else STRANGERS


def _email(body: bytes) -> str:
    try:
        sent = parse_qs(body.decode("latin-1"), max_num_fields=FIELDS_AT_MOST)
    except ValueError:  # more fields than the form has
        return ""
    return sent.get("login", [""])[-1]


def _is_known(fields: list[str], email: str) -> bool:
    # Only once the panel runs: gunicorn reads this module before it has begun.
    from freddy_admin.accounts.signing_in.known_devices import cookie_name, device_of_cookie

    pairs = (field.partition(":") for field in fields)
    cookies = [value for name, _, value in pairs if name.lower() == "cookie"]
    cookie = parse_cookie("; ".join(cookies)).get(cookie_name(), "")
    return device_of_cookie(cookie, email) is not None
