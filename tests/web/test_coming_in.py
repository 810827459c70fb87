"""The link of an invitation: who comes in by it, and what everybody else is told."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in import hashing
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from tests.web.conftest import People, SignIn
from tests.web.membership import invitation_made, text

SENT = {"name": "Nia Obi", "password": "other-words-42"}


def plain(page: bytes) -> str:
    return re.sub(r'value="\w{64}"|data-now="\d+"', "", page.decode())


def test_the_page_says_who_invites_to_what(organisation: Organisation) -> None:
    __, link = invitation_made(organisation, "nia@example.org")
    page = text(Client(), f"/invitations/{link}/")

    assert "You are invited to Alder" in page
    assert "Manager invites you as operator, which is somebody who looks, asks for " in page
    assert "for nia@example.org" in page
    assert "manager@example.org" not in page


def test_a_new_person_makes_an_account_and_is_in(organisation: Organisation) -> None:
    __, link = invitation_made(organisation, "nia@example.org")
    client = Client()
    page = client.post(f"/invitations/{link}/", SENT, follow=True)

    assert page.request["PATH_INFO"] == "/organisations/alder/"
    assert "Nia Obi" in page.content.decode()
    assert client.get("/organisations/alder/keys/add/").status_code == 403
    made = User.objects.get(email="nia@example.org")
    assert Membership.objects.get(user=made).role == "operator"
    assert made.emailaddress_set.get().verified  # type: ignore[attr-defined]
    signed = Client().post("/accounts/login/", {"login": made.email, "password": SENT["password"]})
    assert signed["Location"] == "/"


def test_where_a_second_factor_is_required_it_comes_first(
    organisation: Organisation, settings: LazySettings
) -> None:
    settings.REQUIRE_MFA = "all"
    __, link = invitation_made(organisation, "nia@example.org")
    page = Client().post(f"/invitations/{link}/", SENT, follow=True)

    assert page.request["PATH_INFO"] == "/accounts/2fa/totp/activate/"


@pytest.mark.parametrize(
    ("changed", "field"), [({"password": "short"}, "password"), ({"name": " "}, "name")]
)
def test_what_is_wrong_is_said_beside_its_field(
    changed: dict[str, str], field: str, organisation: Organisation
) -> None:
    __, link = invitation_made(organisation, "nia@example.org")
    page = Client().post(f"/invitations/{link}/", SENT | changed).content.decode()

    assert f'id="id_{field}_error"' in page
    assert "other-words-42" not in page
    assert not User.objects.filter(email="nia@example.org").exists()


def test_nobody_makes_an_account_for_another_address_or_more_rights(
    organisation: Organisation,
) -> None:
    __, link = invitation_made(organisation, "nia@example.org")
    more = {"email": "root@example.org", "role": "manager", "is_platform_admin": "on"}
    Client().post(f"/invitations/{link}/", SENT | more)

    made = User.objects.get()
    assert (made.email, made.is_platform_admin) == ("nia@example.org", False)
    assert Membership.objects.get().role == "operator"


def test_a_person_with_an_account_signs_in_and_accepts(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    __, link = invitation_made(organisation, people.stranger.email)
    visitor = text(Client(), f"/invitations/{link}/")
    assert f"/accounts/login/?next=/invitations/{link}/" in visitor
    assert "Choose a password" not in visitor

    client = signed_in(people.stranger)
    assert "Accept" in text(client, f"/invitations/{link}/")
    page = client.post(f"/invitations/{link}/accept/", follow=True)
    assert "Welcome to Alder." in page.content.decode()
    assert client.post(f"/invitations/{link}/accept/").status_code == 404


def test_somebody_elses_link_is_of_no_use_and_names_nobody(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    __, link = invitation_made(organisation, "nia@example.org")
    client = signed_in(people.stranger)
    page = client.post(f"/invitations/{link}/accept/", follow=True).content.decode()

    assert "sent to another address" in page
    assert "nia@example.org" not in page
    assert client.post(f"/invitations/{link}/", SENT).status_code == 200
    assert not User.objects.filter(email="nia@example.org").exists()
    assert client.get("/organisations/alder/").status_code == 404


def test_every_link_that_leads_nowhere_looks_the_same(
    people: People, signed_in: SignIn, organisation: Organisation
) -> None:
    now = clock.now()
    __, used = invitation_made(organisation, people.stranger.email)
    signed_in(people.stranger).post(f"/invitations/{used}/accept/")
    __, expired = invitation_made(organisation, expires_at=now)
    __, ended = invitation_made(organisation, ended_at=now)
    links = (used, expired, ended, "made-up", "x" * 3_000, "%00", "%ED%B3%BF", "..%20")

    for client in (Client(), signed_in(people.viewer)):
        for method in (client.get, client.post):
            answers = [method(f"/invitations/{link}/") for link in links]
            assert {answer.status_code for answer in answers} == {404}
            assert len({plain(answer.content) for answer in answers}) == 1
            assert "works no longer" in answers[0].content.decode()
            assert "Alder" not in answers[0].content.decode()


def test_a_host_somebody_made_up_gets_no_page(organisation: Organisation) -> None:
    __, link = invitation_made(organisation)

    assert Client(headers={"host": "evil.example"}).get(f"/invitations/{link}/").status_code == 400


def test_there_is_no_other_way_to_make_an_account(db: None) -> None:
    for address in ("/accounts/signup/", "/accounts/register/"):
        assert Client().get(address).status_code in {302, 404}
        assert Client().post(address, SENT | {"email": "x@example.org"}).status_code in {302, 404}
    assert not User.objects.exists()


def test_while_too_many_sign_in_the_name_is_kept_and_the_link_works_again(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    __, link = invitation_made(organisation, "nia@example.org")
    with monkeypatch.context() as patch:
        patch.setattr(hashing.hashing_queue, "_strangers", hashing.STRANGERS_AT_ONCE)
        patch.setattr(hashing, "KNOWN_AT_ONCE", 0)
        answer = Client().post(f"/invitations/{link}/", SENT)
    page = answer.content.decode()
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert "Too many people are signing in at this moment." in page
    assert 'value="Nia Obi"' in page
    assert SENT["password"] not in page
    assert Client().post(f"/invitations/{link}/", SENT).status_code == 302
