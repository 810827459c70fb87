"""Creating, renaming and deleting an organisation, and what strangers see of it."""

import re

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn


def test_a_new_organisation_leads_to_its_first_key(people: People, signed_in: SignIn) -> None:
    fields = {"name": "Cedar & <Sons>"}
    page = signed_in(people.admin).post("/add-organisation/", fields, follow=True).content.decode()
    assert "Cedar &amp; &lt;Sons&gt;" in page
    assert "Add the first key" in page


@pytest.mark.parametrize(("name", "sentence"), [("", "Fill this in."), ("alder", "already")])
def test_invalid_organisation_name_is_said_beside_the_field(
    name: str, sentence: str, people: People, signed_in: SignIn
) -> None:
    page = signed_in(people.admin).post("/add-organisation/", {"name": name}).content.decode()
    assert sentence in page[page.index('id="id_name_error"') :]


def test_a_rename_keeps_the_address(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.manager)
    page = client.post("/organisations/alder/rename/", {"name": "Ash"}, follow=True)
    assert "<h1>Ash</h1>" in page.content.decode()
    assert page.request["PATH_INFO"] == "/organisations/alder/"


def test_deleting_an_organisation_needs_its_name(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    client = signed_in(people.admin)
    page = client.post("/organisations/alder/remove/", {"name": "Elder"}).content.decode()
    assert "Nothing was removed." in page
    assert "its 1 API key as stored here" in page
    client.post("/organisations/alder/remove/", {"name": "Alder"})
    assert not Organisation.objects.filter(slug="alder").exists()
    assert not ApiKey.objects.exists()


def test_a_foreign_organisation_looks_like_a_missing_one(
    people: People, signed_in: SignIn, make_key: MakeKey, other_organisation: Organisation
) -> None:
    key, client = make_key(), signed_in(people.stranger)
    pairs = [
        ("/organisations/alder/", "/organisations/nowhere/"),
        (f"/organisations/birch/keys/{key.pk}/", "/organisations/birch/keys/999/"),
        (f"/organisations/birch/keys/{key.pk}/edit/", "/organisations/birch/keys/999/edit/"),
    ]
    for foreign_path, missing_path in pairs:
        foreign_response, missing_response = client.get(foreign_path), client.get(missing_path)
        assert (foreign_response.status_code, missing_response.status_code) == (404, 404)
        assert _strip_request_values(foreign_response.content) == _strip_request_values(
            missing_response.content
        )
    answer = client.post(f"/organisations/birch/keys/{key.pk}/check/")
    assert answer.status_code == 404


def test_lists_and_exports_hold_nothing_of_others(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key("Hush")
    client = signed_in(people.stranger)
    for address in ("/", "/overview.csv", "/audit/"):
        answer = client.get(address)
        assert b"Alder" not in answer.getvalue()
        assert b"Hush" not in answer.getvalue()


def test_a_member_who_left_is_refused_at_the_next_request(
    people: People, signed_in: SignIn
) -> None:
    client: Client = signed_in(people.viewer)
    assert client.get("/organisations/alder/").status_code == 200
    people.viewer.memberships.all().delete()  # type: ignore[attr-defined]
    assert client.get("/organisations/alder/").status_code == 404


def _strip_request_values(page: bytes) -> str:
    text = re.sub(r'value="[\w]{64}"', "", page.decode())
    return re.sub(r'data-now="\d+"', "", text)
