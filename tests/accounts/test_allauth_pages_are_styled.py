"""Every sign-in page has the panel's frame, and no inline script or style."""

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from freddy_admin.accounts.models import User
from tests.accounts.conftest import (
    current_totp_code,
    decrypt_second_factor,
    set_up_second_factor,
    sign_in,
)

pytestmark = pytest.mark.django_db


def assert_page_is_styled(response: HttpResponse) -> str:
    html = response.content.decode()
    assert response.status_code == 200
    assert re.search(r"<title[^>]*>\s*\S.*?Freddy Admin\s*</title>", html, re.S)
    assert len(re.findall(r"<h1", html)) == 1
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=|autofocus|javascript:", html)
    for control in re.findall(r'<(?:input|textarea)(?![^>]*type="hidden")[^>]*>', html):
        match = re.search(r'id="([^"]+)"', control)
        assert match, control
        assert f'for="{match[1]}"' in html or 'type="checkbox"' in control
    return html


@pytest.mark.parametrize(
    "path",
    [
        "login/",
        "password/reset/",
        "password/reset/done/",
        "password/reset/key/done/",
        "password/reset/key/1-planted/",
    ],
)
def test_visitor_pages_are_styled(client: Client, path: str) -> None:
    assert_page_is_styled(client.get(f"/accounts/{path}"))


@pytest.mark.parametrize(
    "path",
    ["logout/", "password/change/", "reauthenticate/", "2fa/", "2fa/totp/activate/"],
)
def test_pages_of_people_without_a_second_factor_are_styled(
    client: Client, ada: User, path: str
) -> None:
    sign_in(client, ada.email)
    assert_page_is_styled(client.get(f"/accounts/{path}"))


@pytest.fixture
def client_with_second_factor(client: Client, ada: User) -> Client:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    assert_page_is_styled(client.get("/accounts/2fa/authenticate/"))
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    return client


@pytest.mark.parametrize(
    "path",
    [
        "2fa/",
        "2fa/totp/deactivate/",
        "2fa/recovery-codes/generate/",
        "2fa/reauthenticate/",
    ],
)
def test_pages_of_people_with_a_second_factor_are_styled(
    client_with_second_factor: Client, path: str
) -> None:
    assert_page_is_styled(client_with_second_factor.get(f"/accounts/{path}"))


def test_recovery_codes_can_be_read_downloaded_and_regenerated(
    client_with_second_factor: Client,
) -> None:
    html = assert_page_is_styled(client_with_second_factor.get("/accounts/2fa/recovery-codes/"))
    codes = re.findall(r"\b\d{8}\b", html)
    text = client_with_second_factor.get("/accounts/2fa/recovery-codes/download/").content.decode()
    assert len(set(codes)) == 10
    assert all(code in text for code in codes)

    client_with_second_factor.post("/accounts/2fa/recovery-codes/generate/")
    new_html = assert_page_is_styled(client_with_second_factor.get("/accounts/2fa/recovery-codes/"))
    assert not set(codes) & set(re.findall(r"\b\d{8}\b", new_html))


def test_qr_code_comes_with_the_page(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    html = assert_page_is_styled(client.get("/accounts/2fa/totp/activate/"))

    assert 'src="data:image/svg+xml;base64,' in html
    assert decrypt_second_factor(client.session["mfa.totp.secret"]) in html


def test_a_refused_form_says_why_beside_the_field(client: Client, ada: User) -> None:
    html = assert_page_is_styled(
        client.post("/accounts/login/", {"login": "rubbish", "password": ""})
    )

    assert html.count('aria-invalid="true"') == 2
    assert "invalid-feedback" in html
    assert 'value="rubbish"' in html


def test_a_refused_sign_in_says_so_in_an_alert(client: Client, ada: User) -> None:
    html = assert_page_is_styled(sign_in(client, ada.email, "wrong"))

    assert 'class="alert alert-danger" role="alert"' in html


def test_typed_login_is_escaped(client: Client, db: Any) -> None:
    html = assert_page_is_styled(
        client.post("/accounts/login/", {"login": '"><b>x', "password": "x"})
    )

    assert "<b>x" not in html


def test_change_of_second_factors_asks_for_the_password_once_more(
    client: Client, ada: User
) -> None:
    sign_in(client, ada.email)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 16 * 60
    session.save()

    html = assert_page_is_styled(client.get("/accounts/2fa/totp/activate/"))
    assert "Confirm that it is you" in html
    html = assert_page_is_styled(client.post("/accounts/2fa/recovery-codes/generate/"))
    assert "Nothing was changed yet." in html
