"""Sign-in by e-mail and password: one response to every failure, and no foreign redirects."""

import re

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("login", ["ada@example.org", "ADA@Example.ORG", " Ada@example.org "])
def test_a_person_signs_in_whatever_the_case(client: Client, ada: User, login: str) -> None:
    response = sign_in(client, login)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert int(client.session["_auth_user_id"]) == ada.pk


def test_the_form_is_protected_against_foreign_sites(ada: User) -> None:
    csrf_client = Client(enforce_csrf_checks=True)

    assert sign_in(csrf_client, ada.email).status_code == 403
    csrf_client.get("/accounts/login/")
    token = csrf_client.cookies["csrftoken"].value
    assert sign_in(csrf_client, ada.email, csrfmiddlewaretoken=token).status_code == 302


def test_signed_out_people_are_led_to_the_form(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_every_failed_sign_in_looks_the_same(ada: User) -> None:
    inactive = person_get_or_create(actor=ACTOR, email="off@example.org", password=PASSWORD)[0]
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    person_get_or_create(actor=ACTOR, email="none@example.org", password=None)
    attempts = [
        ("ada@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("off@example.org", PASSWORD),
        ("off@example.org", "wrong"),
        ("none@example.org", PASSWORD),
    ]
    responses = {comparable_response(email, password) for email, password in attempts}

    assert len(responses) == 1


def comparable_response(email: str, password: str) -> tuple[int, str, str]:
    response = sign_in(Client(), email, password)
    body = response.content.decode().replace(email, "typed")
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "token", body)
    body = re.sub(r'data-now="\d+"', "now", body)
    return response.status_code, body, str(sorted(response.headers))


def test_typed_password_is_never_shown(client: Client, ada: User) -> None:
    response = sign_in(client, ada.email, "planted-wrong-password")

    assert "planted-wrong-password" not in response.content.decode()


def test_signing_in_gives_a_new_session(client: Client, ada: User) -> None:
    session = client.session
    session["planted"] = 1
    session.save()
    former_key = session.session_key
    client.cookies["sessionid"] = former_key
    sign_in(client, ada.email)

    assert client.session.session_key != former_key


def test_a_session_ends_with_signing_out(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    stolen_cookie = client.cookies["sessionid"].value
    response = client.post("/accounts/logout/")
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/")

    client.cookies["sessionid"] = stolen_cookie
    assert client.get("/accounts/password/change/").status_code == 302


def test_get_of_the_sign_out_page_signs_nobody_out(client: Client, ada: User) -> None:
    sign_in(client, ada.email)

    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session


def test_deactivated_person_is_signed_out_at_the_next_request(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    response = client.get("/accounts/password/change/")
    assert response["Location"].startswith("/accounts/login/")


def test_a_changed_password_ends_the_other_sessions(ada: User) -> None:
    current_client, other_client = Client(), Client()
    for client in (current_client, other_client):
        sign_in(client, ada.email)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    assert current_client.post("/accounts/password/change/", fields).status_code == 302

    assert current_client.get("/accounts/password/change/").status_code == 200
    assert other_client.get("/accounts/password/change/").status_code == 302


FOREIGN = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "https://evil.example",
    "HTTPS://evil.example",
    "http:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "https://localhost@evil.example",
    "https://testserver@evil.example/",
    "http://testserver/",
    "http://localhost/",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "/%09/evil.example\\",
    "//%65vil.example",
    "/\n/evil.example",
    "//evil.example/%2f..",
    "https://evil.example#/",
    "https://evil.example?/",
    "////evil.example",
    "/\r\n/evil.example",
    "http://[::1]evil",
    "//[",
    "\u2028//evil.example",
    "\uff0e\uff0e/",
    "\uff0f\uff0fevil.example",
    ".evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "",
]


@pytest.mark.parametrize("target", FOREIGN)
def test_next_never_leads_to_another_site(client: Client, ada: User, target: str) -> None:
    response = sign_in(client, ada.email, next=target)

    location = response["Location"]
    assert location.startswith("/")
    assert not re.match(r"^/[\\/]", location)
    assert not re.search(r"[\s\\]", location)


def test_next_may_lead_to_a_page_of_the_panel(client: Client, ada: User) -> None:
    response = sign_in(client, ada.email, next="/organisations/acme/?tab=keys")

    assert response["Location"] == "/organisations/acme/?tab=keys"


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "inactive/", "password/set/", "3rdparty/", ""]
)
def test_unused_allauth_pages_are_missing(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code in {302, 404}
    assert client.post(f"/accounts/{path}", {"email": "x@example.org"}).status_code in {302, 404}
    assert not User.objects.exists()
