"""Browsers from which somebody signed in before: guesses made elsewhere do not limit them.

After OWASP's "device cookies": the signed cookie opens nothing. It only has the wrong passwords of
this browser counted by themselves, so that whoever guesses at an account from a thousand addresses
uses up the strangers' guesses and never those of the person whose account it is.
"""

import secrets
import time
from typing import Final

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from freddy_admin.accounts.models import EMAIL_INPUT_LIMIT, User, email_normalize
from freddy_admin.accounts.sessions import session_key_hash
from freddy_admin.core import clock

LIFETIME_SECONDS: Final = 180 * 86_400
ACCOUNTS_AT_MOST: Final = 5
SALT: Final = "freddy-admin: known devices"
COOKIE_LENGTH_LIMIT: Final = 1_500
REQUEST_ATTRIBUTE: Final = "known_device_of"  # set where the response is to carry the cookie


def known_device_id(request: HttpRequest, email: str) -> str | None:
    """The id of this browser for the account of `email`; None where it is not known for it.

    The address need not be anybody's: nothing is looked up. A session of the person counts, too.
    """
    if isinstance(request.user, User) and request.user.email == email_normalize(email):
        return f"session:{session_key_hash(request.session.session_key)}"
    return known_device_id_from_cookie(request.COOKIES.get(known_device_cookie_name(), ""), email)


def known_device_id_from_cookie(cookie: str, email: str) -> str | None:
    """The device id that `cookie` holds for the account of `email`, or None; costs no query."""
    if not cookie or len(email) > EMAIL_INPUT_LIMIT:
        return None
    account = _account_digest(email)
    for signed_entry in _cookie_entries(cookie):
        known_account, _dot, device_id = _verified_entry(signed_entry).partition(".")
        if constant_time_compare(known_account, account):
            return device_id
    return None


def known_device_mark_request(request: HttpRequest, email: str) -> None:
    """Have the response to this request make the browser known for the account of `email`."""
    setattr(request, REQUEST_ATTRIBUTE, email)


def known_device_set_cookie(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response, with the cookie for the account that the request was marked with."""
    account = _account_digest(getattr(request, REQUEST_ATTRIBUTE))
    signed_entries = _cookie_entries(request.COOKIES.get(known_device_cookie_name(), ""))
    other_entries = [
        signed_entry
        for signed_entry in signed_entries
        if _is_for_other_account(account, _verified_entry(signed_entry))
    ]
    new_entry = _cookie_signer().sign(f"{account}.{secrets.token_urlsafe(12)}")
    response.set_cookie(
        known_device_cookie_name(),
        "~".join([new_entry, *other_entries][:ACCOUNTS_AT_MOST]),
        max_age=LIFETIME_SECONDS,
        secure=settings.SECURE_COOKIES,
        httponly=True,
        samesite="Lax",
    )
    return response


def known_device_cookie_name() -> str:
    """The cookie's name; it is bound to this very host where cookies are secure."""
    return "__Host-known-device" if settings.SECURE_COOKIES else "known-device"


def _cookie_entries(cookie: str) -> list[str]:
    # No more than are ever issued: each costs the check of a signature.
    return cookie[:COOKIE_LENGTH_LIMIT].split("~")[:ACCOUNTS_AT_MOST]


def _verified_entry(signed_entry: str) -> str:
    try:
        entry = _cookie_signer().unsign(signed_entry, max_age=LIFETIME_SECONDS)
        signed_at = signing.b62_decode(signed_entry.rsplit(":", 2)[1])
    except (signing.BadSignature, ValueError, IndexError):  # made up, changed, or too old
        return ""
    # An entry signed while the clock was ahead would last too long.
    return entry if signed_at <= time.time() + clock.FUTURE_TOLERANCE.total_seconds() else ""


def _is_for_other_account(account: str, entry: str) -> bool:
    return bool(entry) and not entry.startswith(f"{account}.")


def _cookie_signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=SALT)


def _account_digest(email: str) -> str:
    # Keyed, so that the cookie of a shared machine does not tell whose addresses were here.
    return salted_hmac(SALT, email_normalize(email), algorithm="sha256").hexdigest()[:32]
