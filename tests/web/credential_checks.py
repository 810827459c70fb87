"""Every way into the panel that a text alone opens, to try copied texts on."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory

from freddy_admin.accounts.api_tokens import api_token_verify
from freddy_admin.accounts.auth.first_admin_setup_link import setup_link_is_valid
from freddy_admin.accounts.auth.known_devices import known_device_cookie_name, known_device_id
from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.invitations import invitation_get_by_token

# What cookies, tokens and the secret parts of links consist of. A text with other characters is
# split at them before, so nothing is left out.
SENDABLE_TEXT = re.compile(r"[\w.:~=+-]+", re.ASCII)
_client_ip_numbers = count(1)


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """One way in: the panel's own check of a text, and the requests that a thief would send.

    The check alone lets thousands of texts be tried in seconds.
    """

    name: str
    accepts: Callable[[str], bool]
    accepts_by_request: Callable[[str], bool]
    takes_any_text: bool = False


def accepted_pieces(pieces: Iterable[str]) -> list[tuple[str, str]]:
    """`(check name, piece)` for each piece that a check accepts; a test expects an empty list."""
    all_pieces = list(pieces)
    sendable = [piece for piece in all_pieces if SENDABLE_TEXT.fullmatch(piece)]
    return [
        (check.name, piece)
        for check in credential_checks()
        for piece in (all_pieces if check.takes_any_text else sendable)
        if check.accepts(piece)
    ]


def accepted_pieces_by_request(pieces: Iterable[str]) -> list[tuple[str, str]]:
    """`(check name, piece)` for each piece that opens something when it is sent in a request."""
    sendable = [piece for piece in pieces if SENDABLE_TEXT.fullmatch(piece)]
    return [
        (check.name, piece)
        for check in credential_checks()
        for piece in sendable
        if check.accepts_by_request(piece)
    ]


def credential_checks() -> list[CredentialCheck]:
    """The checks of all ways in, for the people whom the panel has now."""
    return [
        CredentialCheck("session cookie", _is_session_key, _session_key_opens_page),
        CredentialCheck(
            "panel token",
            lambda text: api_token_verify(token=text) is not None,
            _api_token_opens_api,
        ),
        _credential_check_of_any_user(
            "reset link", default_token_generator.check_token, _reset_token_opens_page
        ),
        CredentialCheck(
            "invitation", _is_invitation_token, lambda text: _page_is_open(f"/invitations/{text}/")
        ),
        CredentialCheck(
            "first visit", _is_setup_token, lambda text: _page_is_open(f"/first-visit/{text}/")
        ),
        _credential_check_of_any_user(
            "known device", _is_known_device_cookie, _is_known_device_cookie
        ),
        replace(
            _credential_check_of_any_user("password", User.check_password, _password_signs_in),
            takes_any_text=True,
        ),
    ]


def _credential_check_of_any_user(
    name: str, accepts: Callable[[User, str], bool], accepts_by_request: Callable[[User, str], bool]
) -> CredentialCheck:
    people = list(User.objects.all())
    return CredentialCheck(
        name,
        lambda text: any(accepts(user, text) for user in people),
        lambda text: any(accepts_by_request(user, text) for user in people),
    )


def _is_session_key(text: str) -> bool:
    return bool(import_module(settings.SESSION_ENGINE).SessionStore(text).load())


def _session_key_opens_page(text: str) -> bool:
    # Signed in, half-way through, or before the page that sets a new password.
    resets = [_reset_page_path(user, "set-password") for user in User.objects.all()]
    for path in ("/profile/", "/accounts/2fa/authenticate/", *resets):
        client = _anonymous_client()
        client.cookies[settings.SESSION_COOKIE_NAME] = text
        answer = client.get(path)
        if answer.status_code == 200 and (path not in resets or b"password1" in answer.content):
            return True
    return False


def _api_token_opens_api(text: str) -> bool:
    answer = _anonymous_client().get(
        "/api/v1/statuses", headers={"Authorization": f"Bearer {text}"}
    )
    return answer.status_code == 200


def _reset_token_opens_page(person: User, text: str) -> bool:
    return _anonymous_client().get(_reset_page_path(person, text)).status_code == 302


def _reset_page_path(person: User, text: str) -> str:
    return f"/accounts/password/reset/key/{user_pk_to_url_str(person)}-{text}/"


def _is_invitation_token(text: str) -> bool:
    try:
        return bool(invitation_get_by_token(token=text))
    except NotFound:
        return False


def _is_setup_token(text: str) -> bool:
    try:
        return setup_link_is_valid(token=text)
    except NotFound:
        return False


def _is_known_device_cookie(person: User, text: str) -> bool:
    request = RequestFactory().get("/")
    request.user, request.COOKIES[known_device_cookie_name()] = AnonymousUser(), text
    return known_device_id(request, person.email) is not None


def _password_signs_in(person: User, text: str) -> bool:
    fields = {"login": person.email, "password": text}
    return _anonymous_client().post("/accounts/login/", fields).status_code == 302


def _page_is_open(path: str) -> bool:
    return _anonymous_client().get(path).status_code == 200


def _anonymous_client() -> Client:
    # From another IP each time: no rate limit may hide that something opens.
    number = next(_client_ip_numbers)
    return Client(REMOTE_ADDR=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
