"""Adding, renaming and removing an organisation, and what strangers see of it."""

import re

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn


def test_a_new_organisation_leads_to_its_first_key(people: People, signed_in: SignIn) -> None:
    sent = {"name": "Cedar & <Sons>"}
    page = signed_in(people.admin).post("/add-organisation/", sent, follow=True).content.decode()
    assert "Cedar &amp; &lt;Sons&gt;" in page
    assert "Add the first key" in page


@pytest.mark.parametrize(("name", "sentence"), [("", "Fill this in."), ("alder", "already")])
def test_a_bad_name_is_said_beside_the_field(
    name: str, sentence: str, people: People, signed_in: SignIn
) -> None:
    page = signed_in(people.admin).post("/add-organisation/", {"name": name}).content.decode()
    assert sentence in page[page.index('id="id_name_error"') :]


def test_a_rename_keeps_the_address(people: People, signed_in: SignIn) -> None:
    client = signed_in(people.manager)
    page = client.post("/organisations/alder/rename/", {"name": "Ash"}, follow=True)
    assert "<h1>Ash</h1>" in page.content.decode()
    assert page.request["PATH_INFO"] == "/organisations/alder/"


def test_removing_needs_the_name(people: People, signed_in: SignIn, make_key: MakeKey) -> None:
    make_key()
    client = signed_in(people.admin)
    page = client.post("/organisations/alder/remove/", {"name": "Elder"}).content.decode()
    assert "Nothing was removed." in page
    assert "its 1 API key as stored here" in page
    client.post("/organisations/alder/remove/", {"name": "Alder"})
    assert not Organisation.objects.filter(slug="alder").exists()
    assert not ApiKey.objects.exists()


def test_a_foreign_organisation_looks_like_a_missing_one(
    people: People, signed_in: SignIn, make_key: MakeKey, other: Organisation
) -> None:
    key, client = make_key(), signed_in(people.stranger)
    pairs = [
        ("/organisations/alder/", "/organisations/nowhere/"),
        (f"/organisations/birch/keys/{key.pk}/", "/organisations/birch/keys/999/"),
        (f"/organisations/birch/keys/{key.pk}/edit/", "/organisations/birch/keys/999/edit/"),
    ]
    for foreign, missing in pairs:
        one, two = client.get(foreign), client.get(missing)
        assert (one.status_code, two.status_code) == (404, 404)
        assert _told(one.content) == _told(two.content)
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


def _told(page: bytes) -> str:
    text = re.sub(r'value="[\w]{64}"', "", page.decode())
    return re.sub(r'data-now="\d+"', "", text)
