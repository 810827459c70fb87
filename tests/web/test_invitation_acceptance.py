"""The link of an invitation: who can accept with it, and what everybody else sees."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client

from freddy_admin.accounts.auth import backends
from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from tests.web.conftest import People, SignIn
from tests.web.member_factories import create_invitation, get_page_text

SENT = {"name": "Nia Obi", "password": "other-words-42"}


def strip_request_values(page: bytes) -> str:
    return re.sub(r'value="\w{64}"|data-now="\d+"', "", page.decode())


def test_invitation_page_says_who_invites_to_what(organisation: Organisation) -> None:
    __, link = create_invitation(organisation, "nia@example.org")
    page = get_page_text(Client(), f"/invitations/{link}/")

    assert "You are invited to Alder" in page
    assert "Manager invites you as operator, which is somebody who looks, asks for " in page
    assert "for nia@example.org" in page
    assert "manager@example.org" not in page


def test_new_person_creates_an_account_and_is_signed_in(organisation: Organisation) -> None:
    __, link = create_invitation(organisation, "nia@example.org")
    client = Client()
    page = client.post(f"/invitations/{link}/", SENT, follow=True)

    assert page.request["PATH_INFO"] == "/organisations/alder/"
    assert "Nia Obi" in page.content.decode()
    assert client.get("/organisations/alder/keys/add/").status_code == 403
    user = User.objects.get(email="nia@example.org")
    assert Membership.objects.get(user=user).role == "operator"
    assert user.emailaddress_set.get().verified  # type: ignore[attr-defined]
    sign_in_response = Client().post(
        "/accounts/login/", {"login": user.email, "password": SENT["password"]}
    )
    assert sign_in_response["Location"] == "/"


def test_required_second_factor_comes_before_the_organisation(
    organisation: Organisation, settings: LazySettings
) -> None:
    settings.REQUIRE_MFA = "all"
    __, link = create_invitation(organisation, "nia@example.org")
    page = Client().post(f"/invitations/{link}/", SENT, follow=True)

    assert page.request["PATH_INFO"] == "/accounts/2fa/totp/activate/"


@pytest.mark.parametrize(
    ("changed_fields", "field"), [({"password": "short"}, "password"), ({"name": " "}, "name")]
)
def test_form_error_stands_beside_its_field(
    changed_fields: dict[str, str], field: str, organisation: Organisation
) -> None:
    __, link = create_invitation(organisation, "nia@example.org")
    page = Client().post(f"/invitations/{link}/", SENT | changed_fields).content.decode()

    assert f'id="id_{field}_error"' in page
    assert "other-words-42" not in page
    assert not User.objects.filter(email="nia@example.org").exists()


def test_invitation_creates_no_account_for_another_email_or_more_rights(
    organisation: Organisation,
) -> None:
    __, link = create_invitation(organisation, "nia@example.org")
    extra_fields = {"email": "root@example.org", "role": "manager", "is_platform_admin": "on"}
    Client().post(f"/invitations/{link}/", SENT | extra_fields)

    user = User.objects.get()
    assert (user.email, user.is_platform_admin) == ("nia@example.org", False)
    assert Membership.objects.get().role == "operator"


def test_a_person_with_an_account_signs_in_and_accepts(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    __, link = create_invitation(organisation, people.stranger.email)
    visitor = get_page_text(Client(), f"/invitations/{link}/")
    assert f"/accounts/login/?next=/invitations/{link}/" in visitor
    assert "Choose a password" not in visitor

    client = signed_in(people.stranger)
    assert "Accept" in get_page_text(client, f"/invitations/{link}/")
    page = client.post(f"/invitations/{link}/accept/", follow=True)
    assert "Welcome to Alder." in page.content.decode()
    assert client.post(f"/invitations/{link}/accept/").status_code == 404


def test_invitation_of_another_person_is_of_no_use_and_names_nobody(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    __, link = create_invitation(organisation, "nia@example.org")
    client = signed_in(people.stranger)
    page = client.post(f"/invitations/{link}/accept/", follow=True).content.decode()

    assert "sent to another address" in page
    assert "nia@example.org" not in page
    assert client.post(f"/invitations/{link}/", SENT).status_code == 200
    assert not User.objects.filter(email="nia@example.org").exists()
    assert client.get("/organisations/alder/").status_code == 404


def test_every_invalid_invitation_link_looks_the_same(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    now = clock.now()
    __, used_token = create_invitation(organisation, people.stranger.email)
    signed_in(people.stranger).post(f"/invitations/{used_token}/accept/")
    __, expired = create_invitation(organisation, expires_at=now)
    __, closed_token = create_invitation(organisation, closed_at=now)
    links = (used_token, expired, closed_token, "made-up", "x" * 3_000, "%00", "%ED%B3%BF", "..%20")

    for client in (Client(), signed_in(people.viewer)):
        for method in (client.get, client.post):
            answers = [method(f"/invitations/{link}/") for link in links]
            assert {answer.status_code for answer in answers} == {404}
            assert len({strip_request_values(answer.content) for answer in answers}) == 1
            assert "works no longer" in answers[0].content.decode()
            assert "Alder" not in answers[0].content.decode()


def test_made_up_host_gets_no_page(organisation: Organisation) -> None:
    __, link = create_invitation(organisation)

    assert Client(headers={"host": "evil.example"}).get(f"/invitations/{link}/").status_code == 400


def test_sign_up_page_does_not_exist(db: None) -> None:
    for address in ("/accounts/signup/", "/accounts/register/"):
        assert Client().get(address).status_code in {302, 404}
        assert Client().post(address, SENT | {"email": "x@example.org"}).status_code in {302, 404}
    assert not User.objects.exists()


def test_invitation_form_and_link_survive_too_many_sign_ins(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    __, link = create_invitation(organisation, "nia@example.org")
    with monkeypatch.context() as patch:
        patch.setattr(backends, "STRANGERS_AT_ONCE", 0)
        patch.setattr(backends, "KNOWN_AT_ONCE", 0)
        answer = Client().post(f"/invitations/{link}/", SENT)
    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert "Too many people are signing in at this moment." in page
    assert 'value="Nia Obi"' in page
    assert SENT["password"] not in page
    assert Client().post(f"/invitations/{link}/", SENT).status_code == 302
