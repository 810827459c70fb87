"""The machine's clock is wrong by a year for a moment: nobody is locked out by it.

All of the machine's time is moved, that of the libraries included; the other clock stays true.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create, api_token_verify
from freddy_admin.accounts.auth.first_admin_setup_link import (
    setup_link_create,
    setup_link_is_valid,
)
from freddy_admin.accounts.auth.known_devices import known_device_cookie_name, known_device_id
from freddy_admin.accounts.auth.password_reset import (
    password_reset_request_create,
    password_reset_requests_prune,
)
from freddy_admin.accounts.models import SetupLink, User
from freddy_admin.accounts.session_list import sessions_prune
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import (
    clock_comparison_record,
    machine_clock_confirmation_record,
    reference_clock_cache_clear,
)
from tests.accounts.conftest import ACTOR, sign_in
from tests.mails import due_mails_send
from tests.web.conftest import asks_reauthentication

pytestmark = pytest.mark.django_db
YEAR, DAY, HOUR = timedelta(days=365), timedelta(days=1), timedelta(hours=1)
LIST = "/profile/sessions/"
EXPORT = "/profile/export/"


def machine_clock_shifted(offset: timedelta) -> Any:
    """A block in which the machine's clock is off by `offset`."""
    return time_machine.travel(datetime.now(UTC) + offset, tick=True)


def compare_clocks() -> None:
    """Compare the clocks as the worker does, and reset what the web process remembers."""
    clock_comparison_record(now=clock.now(), get_last_seen_at=lambda: None)
    reference_clock_cache_clear()


def is_signed_in(client: Client) -> bool:
    return bool(client.get(LIST).status_code == 200)


def test_login_limit_set_ahead_does_not_hold_for_a_year(ada: User) -> None:
    with machine_clock_shifted(YEAR):
        response = [sign_in(Client(), ada.email, f"guess-{n}") for n in range(6)][-1]
        assert "Too many failed" in response.content.decode()
    assert sign_in(Client(), ada.email).status_code == 302


def test_login_limit_still_holds_afterwards(ada: User) -> None:
    response = [sign_in(Client(), ada.email, f"guess-{n}") for n in range(6)][-1]
    assert "Too many failed" in response.content.decode()
    assert "Too many failed" in sign_in(Client(), ada.email).content.decode()


def test_session_begun_ahead_ends_when_the_clock_is_back(ada: User) -> None:
    client = Client()
    with machine_clock_shifted(YEAR):
        sign_in(client, ada.email)
        assert is_signed_in(client)
    assert not is_signed_in(client)


@pytest.mark.parametrize("offset", [YEAR, 2 * DAY, -YEAR])
def test_wrong_clock_deletes_no_session(ada: User, offset: timedelta) -> None:
    compare_clocks()
    client = Client()
    sign_in(client, ada.email)
    assert is_signed_in(client)
    (key,) = Session.objects.values_list("pk", flat=True)
    other_client = Client()
    other_client.cookies["sessionid"] = client.cookies["sessionid"].value
    with machine_clock_shifted(offset):
        reference_clock_cache_clear()
        # With the clock behind, the reference clock tells that the session is still valid.
        assert is_signed_in(client) == (offset < timedelta())
        compare_clocks()
        sessions_prune()
    assert Session.objects.filter(pk=key).exists()
    assert is_signed_in(other_client)


def test_expired_session_is_deleted_while_the_clocks_agree(ada: User) -> None:
    client = Client()
    sign_in(client, ada.email)
    with machine_clock_shifted(2 * DAY):
        confirm_clocks()
        assert not is_signed_in(client)
    assert not Session.objects.exclude(session_data="").filter(pk=session_key_of(client)).exists()


def confirm_clocks() -> None:
    """Compare the clocks and confirm the present time as an operator does."""
    compare_clocks()
    machine_clock_confirmation_record()


def session_key_of(client: Client) -> str:
    return str(client.cookies["sessionid"].value)


def test_reauthentication_recorded_ahead_does_not_hold_for_a_year(
    ada: User, client: Client
) -> None:
    sign_in(client, ada.email)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] += YEAR.total_seconds()
    session.save()
    assert asks_reauthentication(client.get(EXPORT))


def test_setup_link_created_ahead_is_not_valid_for_a_year(db: None) -> None:
    with machine_clock_shifted(YEAR):
        token = setup_link_create()
        assert setup_link_is_valid(token=token)
    assert not setup_link_is_valid(token=token)
    assert SetupLink.objects.exists()


def test_reset_link_created_ahead_is_not_valid_for_a_year(ada: User, settings: Settings) -> None:
    settings.PANEL_URL = "http://testserver"
    with machine_clock_shifted(YEAR):
        password_reset_request_create(email=ada.email)
        due_mails_send()
        path = mailed_reset_link()
        assert "works no longer" not in page_content(path)
    assert "works no longer" in page_content(path)


def test_reset_link_expires_by_either_clock(ada: User, settings: Settings) -> None:
    settings.PANEL_URL = "http://testserver"
    compare_clocks()
    with machine_clock_shifted(-2 * HOUR):
        password_reset_request_create(email=ada.email)
        due_mails_send()
        reference_clock_cache_clear()
        assert "works no longer" in page_content(mailed_reset_link())


def mailed_reset_link() -> str:
    match = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert match is not None
    return str(match[1])


def page_content(path: str) -> str:
    return str(Client().get(path, follow=True).content.decode())


def test_token_expires_by_either_clock(ada: User) -> None:
    token = api_token_create(
        actor=ACTOR, user=ada, name="ci", token_options=ApiTokenOptions(days=1)
    )
    ada.api_tokens.update(expires_at=clock.now() - HOUR)
    compare_clocks()
    assert api_token_verify(token=token) is None
    with machine_clock_shifted(-DAY):
        reference_clock_cache_clear()
        assert api_token_verify(token=token) is None


def test_password_reset_request_waits_for_the_clock(ada: User) -> None:
    compare_clocks()
    password_reset_request_create(email=ada.email)
    with machine_clock_shifted(YEAR):
        assert (due_mails_send(), password_reset_requests_prune()) == (0, 0)
    assert due_mails_send() == 1


def test_device_cookie_set_ahead_is_invalid_until_the_next_sign_in(ada: User) -> None:
    client = Client()
    with machine_clock_shifted(YEAR):
        sign_in(client, ada.email)
        request = client.get("/accounts/login/").wsgi_request
        request.user = User()
        assert known_device_id(request, ada.email)
    assert known_device_cookie_name() in client.cookies
    assert known_device_id(request, ada.email) is None
