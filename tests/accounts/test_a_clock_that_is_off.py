"""The machine's clock is a year off for a moment: nobody is locked out, nothing lives on for it.

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

from freddy_admin.accounts.models import FirstLink, User
from freddy_admin.accounts.sessions import sessions_prune
from freddy_admin.accounts.signing_in.first_visit import first_link_make, first_link_works
from freddy_admin.accounts.signing_in.known_devices import cookie_name, device_known
from freddy_admin.accounts.signing_in.resets import reset_ask, resets_prune, resets_send_due
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create, api_token_find
from freddy_admin.core import clock
from freddy_admin.core.clock_guard import clocks_compare, clocks_confirm
from freddy_admin.core.either_clock import either_clock_reset
from tests.accounts.conftest import ACTOR, sign_in
from tests.web.conftest import is_asked

pytestmark = pytest.mark.django_db
YEAR, DAY, HOUR = timedelta(days=365), timedelta(days=1), timedelta(hours=1)
LIST = "/profile/sessions/"
MINE = "/profile/export/"


def off(by: timedelta) -> Any:
    """Within, the machine's clock is off."""
    return time_machine.travel(datetime.now(UTC) + by, tick=True)


def compare() -> None:
    """As the worker does; the web process asks anew."""
    clocks_compare(now=clock.now(), seen=lambda: None)
    either_clock_reset()


def is_in(client: Client) -> bool:
    return bool(client.get(LIST).status_code == 200)


def test_who_was_held_back_while_it_was_ahead_is_not_for_a_year(ada: User) -> None:
    with off(YEAR):
        said = [sign_in(Client(), ada.email, f"guess-{n}") for n in range(6)][-1]
        assert "Too many failed" in said.content.decode()
    assert sign_in(Client(), ada.email).status_code == 302


def test_what_was_counted_before_holds_after(ada: User) -> None:
    said = [sign_in(Client(), ada.email, f"guess-{n}") for n in range(6)][-1]
    assert "Too many failed" in said.content.decode()
    assert "Too many failed" in sign_in(Client(), ada.email).content.decode()


def test_a_session_begun_ahead_is_over_when_the_clock_is_back(ada: User) -> None:
    client = Client()
    with off(YEAR):
        sign_in(client, ada.email)
        assert is_in(client)
    assert not is_in(client)


@pytest.mark.parametrize("by", [YEAR, 2 * DAY, -YEAR])
def test_a_clock_that_is_off_deletes_no_session(ada: User, by: timedelta) -> None:
    compare()
    client = Client()
    sign_in(client, ada.email)
    assert is_in(client)
    (key,) = Session.objects.values_list("pk", flat=True)
    other = Client()
    other.cookies["sessionid"] = client.cookies["sessionid"].value
    with off(by):
        either_clock_reset()
        # Behind, the other clock says that it goes on.
        assert is_in(client) == (by < timedelta())
        compare()
        sessions_prune()
    assert Session.objects.filter(pk=key).exists()
    assert is_in(other)


def test_a_session_that_is_over_is_deleted_while_the_clocks_agree(ada: User) -> None:
    client = Client()
    sign_in(client, ada.email)
    with off(2 * DAY):
        compare_anew()
        assert not is_in(client)
    assert not Session.objects.exclude(session_data="").filter(pk=_key(client)).exists()


def compare_anew() -> None:
    """A process and a machine of which nothing was known before."""
    compare()
    clocks_confirm()


def _key(client: Client) -> str:
    return str(client.cookies["sessionid"].value)


def test_a_confirmation_given_ahead_does_not_hold_for_a_year(ada: User, client: Client) -> None:
    sign_in(client, ada.email)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] += YEAR.total_seconds()
    session.save()
    assert is_asked(client.get(MINE))


def test_a_first_link_made_ahead_is_not_good_for_a_year(db: None) -> None:
    with off(YEAR):
        token = first_link_make()
        assert first_link_works(token=token)
    assert not first_link_works(token=token)
    assert FirstLink.objects.exists()


def test_a_reset_link_made_ahead_is_not_good_for_a_year(ada: User, settings: Settings) -> None:
    settings.PANEL_URL = "http://testserver"
    with off(YEAR):
        reset_ask(email=ada.email)
        resets_send_due()
        path = _link()
        assert "works no longer" not in _page(path)
    assert "works no longer" in _page(path)


def test_a_reset_link_is_over_by_either_clock(ada: User, settings: Settings) -> None:
    settings.PANEL_URL = "http://testserver"
    compare()
    with off(-2 * HOUR):
        reset_ask(email=ada.email)
        resets_send_due()
        either_clock_reset()
        assert "works no longer" in _page(_link())


def _link() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert found is not None
    return str(found[1])


def _page(path: str) -> str:
    return str(Client().get(path, follow=True).content.decode())


def test_a_token_is_over_by_either_clock(ada: User) -> None:
    token = api_token_create(actor=ACTOR, user=ada, name="ci", wish=TokenWish(days=1))
    ada.api_tokens.update(expires_at=clock.now() - HOUR)
    compare()
    assert api_token_find(token=token) is None
    with off(-DAY):
        either_clock_reset()
        assert api_token_find(token=token) is None


def test_a_forgotten_password_waits_for_the_clock(ada: User) -> None:
    compare()
    reset_ask(email=ada.email)
    with off(YEAR):
        assert (resets_send_due(), resets_prune()) == (0, 0)
    assert resets_send_due() == 1


def test_a_browser_known_ahead_is_unknown_until_it_signs_in_again(ada: User) -> None:
    client = Client()
    with off(YEAR):
        sign_in(client, ada.email)
        request = client.get("/accounts/login/").wsgi_request
        request.user = User()
        assert device_known(request, ada.email)
    assert cookie_name() in client.cookies
    assert device_known(request, ada.email) is None
