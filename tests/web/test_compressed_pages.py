"""Pages are compressed where nobody can learn from their length what stands in them (BREACH)."""

import gzip
import re

import pytest
from django.test import Client, RequestFactory
from django.urls import reverse

from freddy_admin.web import urls
from freddy_admin.web.middleware import is_length_harmless
from tests.web.conftest import MakeKey, People, SignIn

GZIP = {"accept-encoding": "gzip, br"}


def _encoding(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=GZIP | headers)
    assert answer.status_code == 200, path
    return str(answer.headers.get("Content-Encoding", ""))


def _from(site: str) -> dict[str, str]:
    return {"sec-fetch-site": site}


def test_compressed_page_is_the_page(people: People, signed_in: SignIn, make_key: MakeKey) -> None:
    make_key()
    client = signed_in(people.manager)
    plain = client.get("/alerts/").content
    answer = client.get("/alerts/", headers=GZIP | _from("same-origin"))
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Content-Length"] == str(len(answer.content))
    assert "Accept-Encoding" in answer["Vary"]
    token = re.compile(rb'csrfmiddlewaretoken" value="[^"]+"|data-now="\d+"')
    assert token.sub(b"", gzip.decompress(answer.content)) == token.sub(b"", plain)


@pytest.mark.parametrize("accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, br"])
def test_browser_that_takes_no_gzip_gets_the_page_as_it_is(
    accepted: str, people: People, signed_in: SignIn
) -> None:
    answer = signed_in(people.viewer).get("/", headers={"accept-encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert b"</html>" in answer.content


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_page_that_another_site_asked_for_is_not_compressed(
    site: str, people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    for path in ("/", "/?q=guess", "/alerts/", "/system/"):
        if client.get(path).status_code == 200:
            assert _encoding(client, path, **_from(site)) == "", path


def test_query_is_compressed_only_where_the_browser_says_who_asks(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    assert _encoding(client, "/") == "gzip"
    assert _encoding(client, "/?q=guess") == ""
    assert _encoding(client, "/?q=guess", **_from("same-origin")) == "gzip"
    assert _encoding(client, "/?q=guess", **_from("none")) == "gzip"


def test_answer_to_a_form_is_not_compressed(people: People, signed_in: SignIn) -> None:
    # It may show a secret once: a panel token, a signing secret.
    answer = signed_in(people.viewer).post(
        "/profile/", {"name": ""}, headers=GZIP | _from("same-origin")
    )
    assert "Content-Encoding" not in answer.headers


def test_pages_that_hold_a_lasting_secret_are_not_compressed(
    people: People, signed_in: SignIn
) -> None:
    client = signed_in(people.viewer)
    assert _encoding(client, reverse("mfa_activate_totp"), **_from("none")) == ""
    assert _encoding(Client(), "/accounts/login/", **_from("none")) == "gzip"


def test_no_address_with_a_secret_in_it_is_compressed(rf: RequestFactory) -> None:
    names = set()
    for pattern in urls.urlpatterns:
        if "token" not in pattern.pattern.converters:
            continue
        names.add(pattern.name)
        request = rf.get(reverse(pattern.name, args=["planted-secret"]), headers=_from("none"))
        request.resolver_match = None
        assert not is_length_harmless(request), pattern.name
    assert {"invitation", "unsubscribe", "first_visit_link"} <= names


def test_csrf_token_of_a_page_is_never_twice_the_same(client: Client, db: None) -> None:
    tokens = {
        re.findall(
            r'csrfmiddlewaretoken" value="([^"]+)"', client.get("/accounts/login/").content.decode()
        )[0]
        for _ in range(3)
    }
    assert len(tokens) == 3


def test_length_of_a_compressed_page_is_random(client: Client, db: None) -> None:
    lengths = {len(client.get("/accounts/login/", headers=GZIP).content) for _ in range(12)}
    assert max(lengths) - min(lengths) > 10
