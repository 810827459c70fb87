"""A form from a tab that was open too long: a clear sentence, and no typed text is lost."""

import pytest
from django.test import Client

from freddy_admin.organisations.models import Organisation
from tests.web.conftest import People

HERE = "http://testserver"
RENAME = "/organisations/alder/rename/"
ADD = "/organisations/alder/keys/add/"
SECRET = "oak_live_healthy_0123456789abcdef0123456789"


@pytest.fixture
def client(people: People) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(people.manager)
    return client


def _post_stale_form(client: Client, address: str, origin: str = HERE, **form: str) -> str:
    client.get(RENAME)  # brings the cookie
    answer = client.post(address, form, headers={"origin": origin})
    assert answer.status_code == 403
    return answer.content.decode()


def test_stale_form_offers_its_input_for_copying_and_the_page_to_open(
    client: Client, organisation: Organisation
) -> None:
    page = _post_stale_form(client, RENAME, name="A <b>long</b> name")
    assert "This form is no longer valid" in page
    assert "A &lt;b&gt;long&lt;/b&gt; name" in page
    assert f'href="{RENAME}"' in page
    organisation.refresh_from_db()
    assert organisation.name == "Alder"


def test_stale_button_offers_no_page_to_open(client: Client) -> None:
    page = _post_stale_form(client, "/organisations/alder/keys/1/pause/")
    assert "This form is no longer valid" in page
    assert "Open the page anew" not in page


def test_secret_of_a_stale_form_is_never_sent_back(client: Client) -> None:
    page = _post_stale_form(
        client, ADD, label="Sales", api_key=SECRET, password=SECRET, rows=SECRET
    )
    assert "Sales" in page
    assert SECRET not in page


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil"])
def test_form_of_another_site_puts_no_text_into_the_page(origin: str, client: Client) -> None:
    assert "Call 0800" not in _post_stale_form(client, RENAME, origin, name="Call 0800")


def test_person_signed_out_meanwhile_is_told_so(people: People) -> None:
    client = Client()
    answer = client.post(RENAME, {"name": "Typed"}, follow=True)
    assert answer.redirect_chain == [(f"/accounts/login/?next={RENAME}", 302)]
    assert "You were signed out by then, so nothing was changed." in answer.content.decode()
    assert "You were signed out" not in client.get(RENAME, follow=True).content.decode()


@pytest.mark.parametrize("address", ["/organisations/alder/keys/1/pause/", "/views/keep/"])
def test_an_address_without_a_page_says_what_to_do(address: str, people: People) -> None:
    client = Client()
    client.force_login(people.manager)
    answer = client.get(address)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert answer["Content-Length"] == str(len(answer.content))
    assert "press it again" in answer.content.decode()
    assert client.get("/api/v1/syncs").content[:1] in {b"{", b""}
