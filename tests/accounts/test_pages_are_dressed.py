"""Every sign-in page stands in the panel's frame and runs no script or style of its own."""

import re
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from freddy_admin.accounts.models import User
from tests.accounts.conftest import code_now, opened, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db


def check(answer: HttpResponse) -> str:
    html = answer.content.decode()
    assert answer.status_code == 200
    assert re.search(r"<title[^>]*>\s*\S.*?Freddy Admin\s*</title>", html, re.S)
    assert len(re.findall(r"<h1", html)) == 1
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=|autofocus|javascript:", html)
    for control in re.findall(r'<(?:input|textarea)(?![^>]*type="hidden")[^>]*>', html):
        name = re.search(r'id="([^"]+)"', control)
        assert name, control
        assert f'for="{name[1]}"' in html or 'type="checkbox"' in control
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
def test_pages_for_visitors(client: Client, path: str) -> None:
    check(client.get(f"/accounts/{path}"))


@pytest.mark.parametrize(
    "path",
    ["logout/", "password/change/", "reauthenticate/", "2fa/", "2fa/totp/activate/"],
)
def test_pages_for_people_without_a_second_factor(client: Client, ada: User, path: str) -> None:
    sign_in(client, ada.email)
    check(client.get(f"/accounts/{path}"))


@pytest.fixture
def protected(client: Client, ada: User) -> Client:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    check(client.get("/accounts/2fa/authenticate/"))
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
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
def test_pages_for_people_with_one(protected: Client, path: str) -> None:
    check(protected.get(f"/accounts/{path}"))


def test_recovery_codes_can_be_read_downloaded_and_made_anew(protected: Client) -> None:
    html = check(protected.get("/accounts/2fa/recovery-codes/"))
    codes = re.findall(r"\b\d{8}\b", html)
    text = protected.get("/accounts/2fa/recovery-codes/download/").content.decode()
    assert len(set(codes)) == 10
    assert all(code in text for code in codes)

    protected.post("/accounts/2fa/recovery-codes/generate/")
    anew = check(protected.get("/accounts/2fa/recovery-codes/"))
    assert not set(codes) & set(re.findall(r"\b\d{8}\b", anew))


def test_the_picture_to_scan_comes_with_the_page(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    html = check(client.get("/accounts/2fa/totp/activate/"))

    assert 'src="data:image/svg+xml;base64,' in html
    assert opened(client.session["mfa.totp.secret"]) in html


def test_a_refused_form_says_why_beside_the_field(client: Client, ada: User) -> None:
    html = check(client.post("/accounts/login/", {"login": "rubbish", "password": ""}))

    assert html.count('aria-invalid="true"') == 2
    assert "invalid-feedback" in html
    assert 'value="rubbish"' in html


def test_a_refused_sign_in_says_so_in_an_alert(client: Client, ada: User) -> None:
    html = check(sign_in(client, ada.email, "wrong"))

    assert 'class="alert alert-danger" role="alert"' in html


def test_what_was_typed_is_escaped(client: Client, db: Any) -> None:
    html = check(client.post("/accounts/login/", {"login": '"><b>x', "password": "x"}))

    assert "<b>x" not in html


def test_what_changes_protection_asks_for_the_password_once_more(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    session = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 16 * 60
    session.save()

    html = check(client.get("/accounts/2fa/totp/activate/"))
    assert "Confirm that it is you" in html
    html = check(client.post("/accounts/2fa/recovery-codes/generate/"))
    assert "Nothing was changed yet." in html
