"""Browsers from which somebody signed in before: guesses made elsewhere do not hold them up.

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

from freddy_admin.accounts.models import User
from freddy_admin.accounts.selectors import address_typed
from freddy_admin.accounts.session_store import session_key_hash
from freddy_admin.core import clock

LASTS_SECONDS: Final = 180 * 86_400
ACCOUNTS_AT_MOST: Final = 5
SALT: Final = "freddy-admin: known devices"
LONGEST: Final = 1_500
ADDRESS_LIMIT: Final = 320  # no address is longer, stray white space around it included
_NOTED: Final = "known_device_of"


def device_known(request: HttpRequest, email: str) -> str | None:
    """What this browser is called for this account; None where nobody signed in to it there.

    The address need not be anybody's: nothing is looked up. A session of the person counts, too.
    """
    if isinstance(request.user, User) and request.user.email == address_typed(email):
        return f"session:{session_key_hash(request.session.session_key)}"
    return device_of_cookie(request.COOKIES.get(cookie_name(), ""), email)


def device_of_cookie(cookie: str, email: str) -> str | None:
    """The same, of a browser without a session that sent this cookie; costs no query."""
    if not cookie or len(email) > ADDRESS_LIMIT:
        return None
    account = _account(email)
    for signed in _entries(cookie):
        known, _dot, device = _opened(signed).partition(".")
        if constant_time_compare(known, account):
            return device
    return None


def device_remember(request: HttpRequest, email: str) -> None:
    """Have the answer to this request make the browser known for this account."""
    setattr(request, _NOTED, email)


def device_remembered(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """The answer, with the cookie where this request earned one."""
    email = getattr(request, _NOTED, None)
    if email is None:
        return answer
    account = _account(email)
    sent = _entries(request.COOKIES.get(cookie_name(), ""))
    others = [signed for signed in sent if _of_another(account, _opened(signed))]
    new = _signer().sign(f"{account}.{secrets.token_urlsafe(12)}")
    answer.set_cookie(
        cookie_name(),
        "~".join([new, *others][:ACCOUNTS_AT_MOST]),
        max_age=LASTS_SECONDS,
        secure=settings.SECURE_COOKIES,
        httponly=True,
        samesite="Lax",
    )
    return answer


def cookie_name() -> str:
    """As the browser knows it; bound to this very host where cookies are secure."""
    return "__Host-known-device" if settings.SECURE_COOKIES else "known-device"


def _entries(cookie: str) -> list[str]:
    # No more than are ever given out: each costs a signature to look at.
    return cookie[:LONGEST].split("~")[:ACCOUNTS_AT_MOST]


def _opened(signed: str) -> str:
    try:
        entry = _signer().unsign(signed, max_age=LASTS_SECONDS)
        made_at = signing.b62_decode(signed.rsplit(":", 2)[1])
    except (signing.BadSignature, ValueError, IndexError):  # made up, changed, or too old
        return ""
    # Made while the clock was ahead, it would last until then.
    return entry if made_at <= time.time() + clock.AHEAD.total_seconds() else ""


def _of_another(account: str, entry: str) -> bool:
    return bool(entry) and not entry.startswith(f"{account}.")


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=SALT)


def _account(email: str) -> str:
    # Keyed, so that the cookie of a shared machine does not tell whose addresses were here.
    return salted_hmac(SALT, address_typed(email), algorithm="sha256").hexdigest()[:32]
