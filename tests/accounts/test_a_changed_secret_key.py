"""SECRET_KEY is replaced while people work: with the former one named, nobody notices."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.sessions import sessions_of
from freddy_admin.core import clock
from freddy_admin.core.configuration import former_secret_keys
from tests.accounts.conftest import code_now, set_up_second_factor, sign_in
from tests.accounts.passkey import ADD, Passkey, add, browser

pytestmark = pytest.mark.django_db
NEW = "another-secret-key-0123456789-abcdefghijkl"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
Replace = Callable[..., None]


@pytest.fixture
def replace_key(settings: Settings) -> Replace:
    """Puts another SECRET_KEY in, with the former one beside it or not."""

    def replaced(*, named: bool = True) -> None:
        former, settings.SECRET_KEY = settings.SECRET_KEY, NEW
        if named:
            settings.SECRET_KEY_FALLBACKS = former_secret_keys(f" {former} ,", present=NEW)

    return replaced


def test_sessions_go_on_where_the_former_key_is_named(
    client: Client, ada: User, settings: Settings, replace_key: Replace
) -> None:
    sign_in(client, ada.email)
    replace_key()
    assert client.get("/profile/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/profile/").status_code == 200, "it is sealed with the new one by now"


def test_what_a_browser_asks_for_at_once_signs_nobody_out(
    client: Client, ada: User, settings: Settings, replace_key: Replace
) -> None:
    sign_in(client, ada.email)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    replace_key()
    # Both were on their way before either was answered.
    for method in (client.head, client.get, client.get):
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie
        assert method("/profile/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get("/profile/").status_code == 200


def test_sessions_end_where_it_is_not(client: Client, ada: User, replace_key: Replace) -> None:
    sign_in(client, ada.email)
    replace_key(named=False)
    assert client.get("/profile/").status_code == 302


def test_somebody_half_way_through_signing_in_goes_on(
    client: Client, ada: User, replace_key: Replace
) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    replace_key()
    assert client.post("/accounts/2fa/authenticate/", {"code": code_now()})["Location"] == "/"
    assert client.get("/profile/").status_code == 200


def test_what_waits_in_a_session_is_still_there(ada: User, replace_key: Replace) -> None:
    here = browser()
    sign_in(here, ada.email)
    options = here.get(ADD).context["js_data"]["creation_options"]
    replace_key()
    waits = here.session["mfa.webauthn.state"]["challenge"]
    assert waits == options["publicKey"]["challenge"]
    assert add(here, Passkey()).status_code == 302


def test_sessions_of_the_former_key_stay_in_the_list_and_can_be_ended(
    ada: User, replace_key: Replace
) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, ada.email)
    replace_key()

    assert here.get("/profile/").status_code == 200
    listed = sessions_of(user=ada, here=here.session.session_key)
    assert [one.is_here for one in listed] == [True, False]
    here.post("/profile/sessions/end/")
    assert there.get("/profile/").status_code == 302


def test_a_session_that_was_idle_for_a_day_does_not_begin_anew_with_the_key(
    client: Client, ada: User, replace_key: Replace
) -> None:
    with clock.using(lambda: NOON):
        sign_in(client, ada.email)
    replace_key()
    with clock.using(lambda: NOON + timedelta(days=1)):
        assert client.get("/profile/").status_code == 302
