"""Every URL, requested by a person who typed their password and no second factor yet."""

import re
from collections.abc import Iterator

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import get_resolver
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import ApiToken, User
from freddy_admin.organisations.models import Organisation
from tests.accounts.conftest import PASSWORD, current_totp_code, set_up_second_factor
from tests.api.api_client import ApiClient
from tests.web.conftest import MakeKey, People
from tests.web.test_access_table import list_url_patterns

pytestmark = pytest.mark.sqlite_is_enough

URL_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
PARAMETER_VALUES = {
    "slug": "alder",
    "int": "1",
    "number": "1",
    "uuid": "7c0d2b54-5b6e-4a57-9d0c-0f2f6f2f7a11",
}
RESET_LINK = r"^reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$"
STEP = "/accounts/2fa/authenticate/"
# Open to anybody, signed in or not: nothing of the panel's data is there.
FOR_ALL = ("/healthz", "/readyz", "/metrics", "/api/", "/first-visit/", "/invitations/x/")
# Ends mails of whoever has the link, which their mail program opens.
FOR_ALL += ("/unsubscribe/x/",)
FOR_ALL_SIGN_IN = ("/accounts/login/", "/accounts/password/reset/", "/accounts/2fa/passkeys/login/")
# URLs that lead to the second factor, or sign out.
TO_THE_FACTOR = {
    "/accounts/logout/",
    "/accounts/2fa/totp/activate/",
    "/accounts/2fa/passkeys/add/",
    "/accounts/reauthenticate/",
    "/accounts/confirmed/",
    "/accounts/single-sign-on/confirm/",
}


def list_urls() -> Iterator[str]:
    for route, _pattern in list_url_patterns(get_resolver()):
        path = route.replace(RESET_LINK, "reset/key/1-planted/")
        yield "/" + URL_PARAMETER.sub(lambda gap: PARAMETER_VALUES.get(gap[1] or "", "x"), path)


@pytest.fixture
def user_without_second_factor(people: People, make_key: MakeKey) -> User:
    """A platform admin, who could see everything."""
    make_key("Main")
    people.admin.set_password(PASSWORD)
    people.admin.save()
    return people.admin


def client_after_password(user: User, **more: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD, **more})
    return client


def response_summary(answer: HttpResponseBase) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("Location", "")


def test_crawl_covers_many_urls() -> None:
    urls = list(list_urls())
    assert len(urls) > 90
    assert not [address for address in urls if "<" in address or "^" in address]


@pytest.mark.parametrize("method", ["get", "post"])
def test_person_between_password_and_code_is_a_visitor_everywhere(
    user_without_second_factor: User, method: str
) -> None:
    set_up_second_factor(user_without_second_factor)
    client = client_after_password(user_without_second_factor)
    differing_urls = {
        address
        for address in list_urls()
        if response_summary(getattr(client, method)(address))
        != response_summary(getattr(Client(), method)(address))
    }
    assert differing_urls <= {STEP, "/accounts/login/", "/accounts/2fa/passkeys/login/"}
    # Not one of them finished the step, nor opened the panel for the next request.
    assert response_summary(client.get("/"))[0] == 302
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("has_one", [True, False])
def test_person_without_required_second_factor_is_led_to_it_from_everywhere(
    user_without_second_factor: User, settings: Settings, method: str, has_one: bool
) -> None:
    client = client_after_password(user_without_second_factor)
    if has_one:  # set up elsewhere, by whoever has the other session
        set_up_second_factor(user_without_second_factor)
    settings.REQUIRE_MFA = "all"
    settings.OIDC_ISSUER = "https://login.example"
    opened_urls = set()
    for address in list_urls():
        if address.startswith(FOR_ALL + FOR_ALL_SIGN_IN) or address == "/accounts/logout/":
            continue
        status, location = response_summary(getattr(client, method)(address))
        if status == 405:
            continue
        # The library's own step sends whoever is signed in to the overview, which leads here.
        if not (status == 302 and (location.startswith("/accounts/") or location == "/")):
            opened_urls.add(address)
    doors = {"/accounts/2fa/reauthenticate/", "/accounts/2fa/passkeys/reauthenticate/"}
    assert opened_urls <= (doors if has_one else TO_THE_FACTOR)
    if has_one:
        assert response_summary(client.get("/"))[1].startswith("/accounts/2fa/reauthenticate/")


def test_public_pages_say_no_more_to_a_person_without_second_factor(
    user_without_second_factor: User, settings: Settings
) -> None:
    client = client_after_password(user_without_second_factor)
    settings.REQUIRE_MFA = "all"
    for address in ("/api/v1/statuses", "/metrics", "/api/v1/openapi.json"):
        answer = client.get(address)
        assert answer.status_code in {302, 401}, address
        assert "Alder" not in answer.content.decode()


def test_staying_signed_in_skips_no_second_factor(user_without_second_factor: User) -> None:
    set_up_second_factor(user_without_second_factor)
    client = client_after_password(user_without_second_factor, remember="on")
    assert response_summary(client.get("/"))[0] == 302
    client.post(STEP, {"code": current_totp_code()})
    assert client.get("/").status_code == 200
    assert client.session.get_expire_at_browser_close() is False
    client.post("/accounts/logout/")
    # The next sign-in asks for both once more.
    client.post(
        "/accounts/login/", {"login": user_without_second_factor.email, "password": PASSWORD}
    )
    assert response_summary(client.get("/"))[0] == 302


def test_api_token_is_not_created_without_the_required_second_factor(
    user_without_second_factor: User, settings: Settings
) -> None:
    client = client_after_password(user_without_second_factor)
    settings.REQUIRE_MFA = "admins"
    form = {"name": "Mine", "scope": "act", "days": "0", "reach": "all"}
    assert response_summary(client.post("/profile/tokens/new/", form))[1].startswith(
        "/accounts/2fa/"
    )
    assert not ApiToken.objects.exists()


def test_api_token_created_by_the_command_needs_no_second_factor(
    user_without_second_factor: User, settings: Settings, organisation: Organisation
) -> None:
    settings.REQUIRE_MFA = "all"
    # The command line has the database: it asks nobody for a code.
    assert ApiClient(user_without_second_factor).get("statuses").status_code == 200
