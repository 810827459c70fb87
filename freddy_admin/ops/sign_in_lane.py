"""The lane of a sign-in, read from the bytes of a request before a thread takes it."""

from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from django.http import parse_cookie
from django.urls import reverse

MAX_FORM_FIELDS: Final = 20
KNOWN_DEVICE_LANE: Final = "known"
STRANGER_LANE: Final = "strangers"


def sign_in_request_lane(data: bytes) -> str:
    """STRANGER_LANE or KNOWN_DEVICE_LANE for a request to sign in, else empty; never raises.

    A known device is a browser that was used before by the person who signs in. A request that
    is written in another way than browsers do has no lane, and waits where passwords are hashed.
    """
    if not data.startswith(b"POST "):
        return ""
    head, _, body = data.partition(b"\r\n\r\n")
    request_line, *fields = head.decode("latin-1").split("\r\n")
    try:
        path = unquote(urlsplit(request_line.split(" ")[1]).path)
        if path != reverse("account_login"):
            return ""
    except (ValueError, IndexError):
        return ""
    return KNOWN_DEVICE_LANE if _is_known_device(fields, _login_email(body)) else STRANGER_LANE


def _login_email(body: bytes) -> str:
    try:
        form_fields = parse_qs(body.decode("latin-1"), max_num_fields=MAX_FORM_FIELDS)
    except ValueError:  # more fields than the form has
        return ""
    return form_fields.get("login", [""])[-1]


def _is_known_device(fields: list[str], email: str) -> bool:
    # Only once the panel runs: gunicorn reads this module before it has begun.
    from freddy_admin.accounts.auth.known_devices import (
        known_device_cookie_name,
        known_device_id_from_cookie,
    )

    pairs = (field.partition(":") for field in fields)
    cookies = [value for name, _, value in pairs if name.lower() == "cookie"]
    cookie = parse_cookie("; ".join(cookies)).get(known_device_cookie_name(), "")
    return known_device_id_from_cookie(cookie, email) is not None
