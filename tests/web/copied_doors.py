"""Every way into the panel that a text alone can open, to try copied texts at."""

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

from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.first_visit import first_link_works
from freddy_admin.accounts.signing_in.known_devices import cookie_name, device_known
from freddy_admin.accounts.tokens.panel_tokens import api_token_find
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.invitations import invitation_find

# What cookies, tokens and the secret parts of links are made of. A text with other signs in it is
# taken to pieces by them before, so nothing is left out by this.
SENDABLE = re.compile(r"[\w.:~=+-]+", re.ASCII)
_addresses = count(1)


@dataclass(frozen=True, slots=True)
class Door:
    """A way in: the question that the panel asks itself, and the requests that a thief would send.

    The question alone lets thousands of texts be tried in seconds.
    """

    name: str
    answers: Callable[[str], bool]
    opens: Callable[[str], bool]
    takes_any_text: bool = False


def hits(pieces: Iterable[str]) -> list[tuple[str, str]]:
    """Which door says yes to which of these; an empty list is what a test wants to see."""
    tried = list(pieces)
    sendable = [piece for piece in tried if SENDABLE.fullmatch(piece)]
    return [
        (door.name, piece)
        for door in doors()
        for piece in (tried if door.takes_any_text else sendable)
        if door.answers(piece)
    ]


def hits_by_request(pieces: Iterable[str]) -> list[tuple[str, str]]:
    """The same, found out by requests."""
    sendable = [piece for piece in pieces if SENDABLE.fullmatch(piece)]
    return [(door.name, piece) for door in doors() for piece in sendable if door.opens(piece)]


def doors() -> list[Door]:
    """All of them, for the people whom the panel has now."""
    return [
        Door("session cookie", _is_session, _session_opens),
        Door("panel token", lambda text: api_token_find(token=text) is not None, _token_opens),
        _of_anybody("reset link", default_token_generator.check_token, _reset_opens),
        Door("invitation", _is_invitation, lambda text: _page_opens(f"/invitations/{text}/")),
        Door("first visit", _is_first, lambda text: _page_opens(f"/first-visit/{text}/")),
        _of_anybody("known device", _is_known, _is_known),
        replace(_of_anybody("password", User.check_password, _password_opens), takes_any_text=True),
    ]


def _of_anybody(
    name: str, answers: Callable[[User, str], bool], opens: Callable[[User, str], bool]
) -> Door:
    people = list(User.objects.all())
    return Door(
        name,
        lambda text: any(answers(one, text) for one in people),
        lambda text: any(opens(one, text) for one in people),
    )


def _is_session(text: str) -> bool:
    return bool(import_module(settings.SESSION_ENGINE).SessionStore(text).load())


def _session_opens(text: str) -> bool:
    # Signed in, half-way through, or before the page that sets a new password.
    resets = [_reset_page(one, "set-password") for one in User.objects.all()]
    for path in ("/profile/", "/accounts/2fa/authenticate/", *resets):
        client = _stranger()
        client.cookies[settings.SESSION_COOKIE_NAME] = text
        answer = client.get(path)
        if answer.status_code == 200 and (path not in resets or b"password1" in answer.content):
            return True
    return False


def _token_opens(text: str) -> bool:
    answer = _stranger().get("/api/v1/statuses", headers={"Authorization": f"Bearer {text}"})
    return answer.status_code == 200


def _reset_opens(person: User, text: str) -> bool:
    return _stranger().get(_reset_page(person, text)).status_code == 302


def _reset_page(person: User, text: str) -> str:
    return f"/accounts/password/reset/key/{user_pk_to_url_str(person)}-{text}/"


def _is_invitation(text: str) -> bool:
    try:
        return bool(invitation_find(token=text))
    except NotFound:
        return False


def _is_first(text: str) -> bool:
    try:
        return first_link_works(token=text)
    except NotFound:
        return False


def _is_known(person: User, text: str) -> bool:
    request = RequestFactory().get("/")
    request.user, request.COOKIES[cookie_name()] = AnonymousUser(), text
    return device_known(request, person.email) is not None


def _password_opens(person: User, text: str) -> bool:
    fields = {"login": person.email, "password": text}
    return _stranger().post("/accounts/login/", fields).status_code == 302


def _page_opens(path: str) -> bool:
    return _stranger().get(path).status_code == 200


def _stranger() -> Client:
    # From elsewhere each time: no limit of one address may hide that something opens.
    number = next(_addresses)
    return Client(REMOTE_ADDR=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
