"""API requests by http are refused, not redirected: programs would not notice (ASVS 4.1.2)."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.test.utils import override_settings

from tests.api.api_client import ApiClient
from tests.web.conftest import People


@pytest.fixture(autouse=True)
def _redirect_to_https() -> Iterator[None]:
    with override_settings(SECURE_SSL_REDIRECT=True):
        yield


@pytest.mark.parametrize("address", ["/api/v1/statuses", "/metrics"])
def test_valid_token_over_plain_http_is_refused_with_a_sentence(
    address: str, people: People
) -> None:
    head = {"authorization": f"Bearer {ApiClient(people.admin).token}"}
    response = Client().get(address, headers=head)
    assert response.status_code == 403
    assert "Revoke the token" in response.json()["detail"]
    assert Client().get(address, headers=head, secure=True).status_code == 200


def test_request_without_a_token_reveals_nothing(people: People) -> None:
    valid_token, wrong_token = ApiClient(people.admin).token, "x" * 20
    answers = [
        Client().post("/api/v1/keys/1/sync", headers={"authorization": f"Bearer {token}"})
        for token in (valid_token, wrong_token)
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/api/v1/openapi.json"])
def test_pages_redirect_to_https(address: str, db: None) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{address}")
