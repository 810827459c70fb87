"""SECRET_KEY is replaced: sessions stay valid with the former one in SECRET_KEY_FALLBACKS."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.session_list import sessions_list
from freddy_admin.conf.setting_parsers import parse_secret_key_fallbacks
from freddy_admin.core import clock
from tests.accounts.conftest import current_totp_code, set_up_second_factor, sign_in
from tests.accounts.virtual_passkey import ADD_PATH, VirtualPasskey, localhost_client, passkey_add

pytestmark = pytest.mark.django_db
NEW = "another-secret-key-0123456789-abcdefghijkl"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ReplaceKey = Callable[..., None]


@pytest.fixture
def replace_key(settings: Settings) -> ReplaceKey:
    """A function that replaces SECRET_KEY; `is_named` keeps the former one as a fallback."""

    def replace(*, is_named: bool = True) -> None:
        former_key, settings.SECRET_KEY = settings.SECRET_KEY, NEW
        if is_named:
            settings.SECRET_KEY_FALLBACKS = parse_secret_key_fallbacks(
                f" {former_key} ,", current=NEW
            )

    return replace


def test_sessions_stay_valid_where_the_former_key_is_named(
    client: Client, ada: User, settings: Settings, replace_key: ReplaceKey
) -> None:
    sign_in(client, ada.email)
    replace_key()
    assert client.get("/profile/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/profile/").status_code == 200, "it is encrypted with the new one by now"


def test_simultaneous_requests_of_a_browser_sign_nobody_out(
    client: Client, ada: User, settings: Settings, replace_key: ReplaceKey
) -> None:
    sign_in(client, ada.email)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    replace_key()
    # All were sent before the first was answered.
    for method in (client.head, client.get, client.get):
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie
        assert method("/profile/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get("/profile/").status_code == 200


def test_sessions_end_where_the_former_key_is_not_named(
    client: Client, ada: User, replace_key: ReplaceKey
) -> None:
    sign_in(client, ada.email)
    replace_key(is_named=False)
    assert client.get("/profile/").status_code == 302


def test_person_before_the_second_factor_can_go_on(
    client: Client, ada: User, replace_key: ReplaceKey
) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    replace_key()
    assert (
        client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})["Location"] == "/"
    )
    assert client.get("/profile/").status_code == 200


def test_passkey_challenge_in_a_session_survives_the_new_key(
    ada: User, replace_key: ReplaceKey
) -> None:
    client = localhost_client()
    sign_in(client, ada.email)
    options = client.get(ADD_PATH).context["js_data"]["creation_options"]
    replace_key()
    challenge = client.session["mfa.webauthn.state"]["challenge"]
    assert challenge == options["publicKey"]["challenge"]
    assert passkey_add(client, VirtualPasskey()).status_code == 302


def test_sessions_of_the_former_key_are_listed_and_can_be_signed_out(
    ada: User, replace_key: ReplaceKey
) -> None:
    current_client, other_client = Client(), Client()
    for client in (current_client, other_client):
        sign_in(client, ada.email)
    replace_key()

    assert current_client.get("/profile/").status_code == 200
    sessions = sessions_list(user=ada, current_key=current_client.session.session_key)
    assert [session.is_current for session in sessions] == [True, False]
    current_client.post("/profile/sessions/end/")
    assert other_client.get("/profile/").status_code == 302


def test_idle_session_is_not_renewed_by_the_new_key(
    client: Client, ada: User, replace_key: ReplaceKey
) -> None:
    with clock.override_clock(lambda: NOON):
        sign_in(client, ada.email)
    replace_key()
    with clock.override_clock(lambda: NOON + timedelta(days=1)):
        assert client.get("/profile/").status_code == 302
