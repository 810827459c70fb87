"""E-mail and password, the same answer to every failure, and nowhere else to go afterwards."""

import re

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("typed", ["ada@example.org", "ADA@Example.ORG", " Ada@example.org "])
def test_a_person_signs_in_whatever_the_case(client: Client, ada: User, typed: str) -> None:
    answer = sign_in(client, typed)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert int(client.session["_auth_user_id"]) == ada.pk


def test_the_form_is_protected_against_foreign_sites(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)

    assert sign_in(strict, ada.email).status_code == 403
    strict.get("/accounts/login/")
    token = strict.cookies["csrftoken"].value
    assert sign_in(strict, ada.email, csrfmiddlewaretoken=token).status_code == 302


def test_signed_out_people_are_led_to_the_form(client: Client) -> None:
    answer = client.get("/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_every_failure_looks_the_same(ada: User) -> None:
    switched_off = person_ensure(actor=ACTOR, email="off@example.org", password=PASSWORD)[0]
    User.objects.filter(pk=switched_off.pk).update(is_active=False)
    person_ensure(actor=ACTOR, email="none@example.org", password=None)
    tries = [
        ("ada@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("off@example.org", PASSWORD),
        ("off@example.org", "wrong"),
        ("none@example.org", PASSWORD),
    ]
    answers = {_seen(email, password) for email, password in tries}

    assert len(answers) == 1


def _seen(email: str, password: str) -> tuple[int, str, str]:
    answer = sign_in(Client(), email, password)
    body = answer.content.decode().replace(email, "typed")
    body = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "token", body)
    body = re.sub(r'data-now="\d+"', "now", body)
    return answer.status_code, body, str(sorted(answer.headers))


def test_the_password_never_comes_back(client: Client, ada: User) -> None:
    answer = sign_in(client, ada.email, "planted-wrong-password")

    assert "planted-wrong-password" not in answer.content.decode()


def test_signing_in_gives_a_new_session(client: Client, ada: User) -> None:
    session = client.session
    session["planted"] = 1
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before
    sign_in(client, ada.email)

    assert client.session.session_key != before


def test_a_session_ends_with_signing_out(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    stolen = client.cookies["sessionid"].value
    answer = client.post("/accounts/logout/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")

    client.cookies["sessionid"] = stolen
    assert client.get("/accounts/password/change/").status_code == 302


def test_a_visit_alone_signs_nobody_out(client: Client, ada: User) -> None:
    sign_in(client, ada.email)

    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session


def test_a_person_switched_off_is_out_at_the_next_request(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    User.objects.filter(pk=ada.pk).update(is_active=False)

    answer = client.get("/accounts/password/change/")
    assert answer["Location"].startswith("/accounts/login/")


def test_a_changed_password_ends_the_other_sessions(ada: User) -> None:
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        sign_in(client, ada.email)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    assert here.post("/accounts/password/change/", fields).status_code == 302

    assert here.get("/accounts/password/change/").status_code == 200
    assert elsewhere.get("/accounts/password/change/").status_code == 302


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
    answer = sign_in(client, ada.email, next=target)

    where = answer["Location"]
    assert where.startswith("/")
    assert not re.match(r"^/[\\/]", where)
    assert not re.search(r"[\s\\]", where)


def test_next_may_lead_to_a_page_of_the_panel(client: Client, ada: User) -> None:
    answer = sign_in(client, ada.email, next="/organisations/acme/?tab=keys")

    assert answer["Location"] == "/organisations/acme/?tab=keys"


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "confirm-email/", "inactive/", "password/set/", "3rdparty/", ""]
)
def test_pages_nobody_asked_for_are_not_there(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code in {302, 404}
    assert client.post(f"/accounts/{path}", {"email": "x@example.org"}).status_code in {302, 404}
    assert not User.objects.exists()
