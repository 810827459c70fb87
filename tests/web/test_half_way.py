"""Every address there is, asked by somebody who has shown a password and no second factor."""

import re
from collections.abc import Iterator

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import get_resolver
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.organisations.models import Organisation
from tests.accounts.conftest import PASSWORD, code_now, set_up_second_factor
from tests.web.conftest import MakeKey, People
from tests.web.machines import Program
from tests.web.test_access_table import _patterns

GAP = re.compile(r"<(?:(\w+):)?(\w+)>")
GAPS = {"slug": "alder", "int": "1", "number": "1", "uuid": "7c0d2b54-5b6e-4a57-9d0c-0f2f6f2f7a11"}
RESET_LINK = r"^reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$"
STEP = "/accounts/2fa/authenticate/"
# Open to anybody, signed in or not: nothing of the panel's data is there.
FOR_ALL = ("/healthz", "/readyz", "/metrics", "/api/", "/first-visit/", "/invitations/x/")
FOR_ALL_SIGN_IN = ("/accounts/login/", "/accounts/password/reset/", "/accounts/2fa/passkeys/login/")
# What leads to the second factor, or out.
TO_THE_FACTOR = {
    "/accounts/logout/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/passkeys/add/",
    "/accounts/reauthenticate/",
    "/accounts/confirmed/",
    "/accounts/single-sign-on/confirm/",
}


def addresses() -> Iterator[str]:
    for route, _pattern in _patterns(get_resolver()):
        plain = route.replace(RESET_LINK, "reset/key/1-planted/")
        yield "/" + GAP.sub(lambda gap: GAPS.get(gap[1] or "", "x"), plain)


@pytest.fixture
def owed(people: People, make_key: MakeKey) -> User:
    """A platform admin, who could see everything."""
    make_key("Main")
    people.admin.set_password(PASSWORD)
    people.admin.save()
    return people.admin


def typed_password(user: User, **more: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD, **more})
    return client


def looks(answer: HttpResponseBase) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("Location", "")


def test_there_are_many_addresses() -> None:
    found = list(addresses())
    assert len(found) > 90
    assert not [address for address in found if "<" in address or "^" in address]


@pytest.mark.parametrize("method", ["get", "post"])
def test_between_password_and_code_one_is_a_visitor_everywhere(owed: User, method: str) -> None:
    set_up_second_factor(owed)
    client = typed_password(owed)
    other = {
        address
        for address in addresses()
        if looks(getattr(client, method)(address)) != looks(getattr(Client(), method)(address))
    }
    assert other <= {STEP, "/accounts/login/", "/accounts/2fa/passkeys/login/"}
    # Not one of them finished the step, nor opened the panel for the next request.
    assert looks(client.get("/"))[0] == 302
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("has_one", [True, False])
def test_who_owes_a_second_factor_is_led_to_it_from_everywhere(
    owed: User, settings: Settings, method: str, has_one: bool
) -> None:
    client = typed_password(owed)
    if has_one:  # set up elsewhere, by whoever has the other session
        set_up_second_factor(owed)
    settings.REQUIRE_MFA = "all"
    settings.OIDC_ISSUER = "https://login.example"
    opened = set()
    for address in addresses():
        if address.startswith(FOR_ALL + FOR_ALL_SIGN_IN) or address == "/accounts/logout/":
            continue
        status, where = looks(getattr(client, method)(address))
        if status == 405:
            continue
        # The library's own step sends whoever is signed in to the overview, which leads here.
        if not (status == 302 and (where.startswith("/accounts/") or where == "/")):
            opened.add(address)
    doors = {"/accounts/2fa/reauthenticate/", "/accounts/2fa/passkeys/reauthenticate/"}
    assert opened <= (doors if has_one else TO_THE_FACTOR)
    if has_one:
        assert looks(client.get("/"))[1].startswith("/accounts/2fa/reauthenticate/")


def test_what_is_open_to_all_says_no_more_to_them(owed: User, settings: Settings) -> None:
    client = typed_password(owed)
    settings.REQUIRE_MFA = "all"
    for address in ("/api/v1/statuses", "/metrics", "/api/v1/openapi.json"):
        answer = client.get(address)
        assert answer.status_code in {302, 401}, address
        assert "Alder" not in answer.content.decode()


def test_to_stay_signed_in_skips_no_second_factor(owed: User) -> None:
    set_up_second_factor(owed)
    client = typed_password(owed, remember="on")
    assert looks(client.get("/"))[0] == 302
    client.post(STEP, {"code": code_now()})
    assert client.get("/").status_code == 200
    assert client.session.get_expire_at_browser_close() is False
    client.post("/accounts/logout/")
    # The next time both are asked for once more.
    client.post("/accounts/login/", {"login": owed.email, "password": PASSWORD})
    assert looks(client.get("/"))[0] == 302


def test_no_token_is_made_without_the_factor_that_is_required(
    owed: User, settings: Settings
) -> None:
    client = typed_password(owed)
    settings.REQUIRE_MFA = "admins"
    form = {"name": "Mine", "scope": "act", "days": "0", "reach": "all"}
    assert looks(client.post("/profile/tokens/new/", form))[1].startswith("/accounts/2fa/")
    assert not ApiToken.objects.exists()


def test_a_token_made_by_whoever_runs_the_panel_needs_no_second_factor(
    owed: User, settings: Settings, organisation: Organisation
) -> None:
    settings.REQUIRE_MFA = "all"
    # The command line has the database: it asks nobody for a code.
    assert Program(owed).get("statuses").status_code == 200
