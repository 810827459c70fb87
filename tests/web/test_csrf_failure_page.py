"""A form that is refused before it is read says why, and which setting to change."""

import pytest
from django.conf import LazySettings
from django.test import Client

from freddy_admin.conf.setting_parsers import parse_csrf_trusted_origins

PANEL = "https://panel.example.org:8443"
TOKEN = "a" * 32
LOGIN = "/accounts/login/"
FORM = {"csrfmiddlewaretoken": TOKEN, "login": "a@example.org", "password": "wrong words"}


@pytest.fixture
def browser(settings: LazySettings) -> Client:
    """A browser with the form's cookie, before a panel that is known at another port than 443."""
    settings.ALLOWED_HOSTS, settings.PANEL_URL = ["panel.example.org"], PANEL
    settings.CSRF_TRUSTED_ORIGINS = parse_csrf_trusted_origins("", panel_url=PANEL)
    client = Client(enforce_csrf_checks=True, HTTP_HOST="panel.example.org")
    client.cookies[settings.CSRF_COOKIE_NAME] = TOKEN
    return client


def _send(browser: Client, **headers: str) -> tuple[int, str]:
    answer = browser.post(LOGIN, FORM, secure=True, headers=headers)
    return answer.status_code, " ".join(answer.content.decode().split())


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Origin", "Referer"])
def test_own_address_is_trusted_with_its_port_though_the_proxy_drops_it(
    header: str, browser: Client
) -> None:
    value = PANEL if header == "Origin" else f"{PANEL}{LOGIN}"
    assert _send(browser, **{header: value})[0] == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://other.example:9443"},
        {"Referer": "https://other.example:9443/page/?secret=hush"},
    ],
)
def test_form_of_another_address_names_both_addresses_and_the_setting(
    headers: dict[str, str], browser: Client
) -> None:
    status, text = _send(browser, **headers)
    assert status == 403
    for words in (
        "This form came from another address",
        f"It came from https://other.example:9443, and this panel is {PANEL}",
        "asked for as panel.example.org",
        "PANEL_URL",
        "CSRF_TRUSTED_ORIGINS",
        "Host header with its port",
    ):
        assert words in text
    assert "hush" not in text
    assert "wrong words" not in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "origin", ["https://other.example/<script>", "javascript:alert(1)", "https://x y", "\u00e4"]
)
def test_origin_that_is_no_address_is_not_shown(origin: str, browser: Client) -> None:
    status, text = _send(browser, Origin=origin)
    assert status == 403
    assert "alert(1)" not in text
    assert "<script>" not in text.replace("</script>", "")
    assert "This form came from another address" in text


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Referer": "no address"}])
def test_missing_origin_is_named(headers: dict[str, str], browser: Client) -> None:
    status, text = _send(browser, **headers)
    assert status == 403
    assert "Your browser did not say where this form came from" in text


@pytest.mark.django_db
def test_missing_cookie_is_named(browser: Client, settings: LazySettings) -> None:
    browser.cookies.clear()
    status, text = _send(browser, Origin=PANEL)
    assert status == 403
    assert "Your browser sent no cookie" in text
    assert settings.CSRF_COOKIE_NAME in text
    assert f"open {PANEL} anew" in text


@pytest.mark.django_db
def test_outdated_form_says_so_as_before(browser: Client, settings: LazySettings) -> None:
    browser.cookies[settings.CSRF_COOKIE_NAME] = "b" * 32
    status, text = _send(browser, Origin=PANEL)
    assert status == 403
    assert "This form is no longer valid" in text
