"""A program that asks by http is refused, not led to https: it would never notice (ASVS 4.1.2)."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.test.utils import override_settings

from tests.web.conftest import People
from tests.web.machines import Program


@pytest.fixture(autouse=True)
def _https() -> Iterator[None]:
    with override_settings(SECURE_SSL_REDIRECT=True):
        yield


@pytest.mark.parametrize("address", ["/api/v1/statuses", "/metrics"])
def test_a_good_token_is_refused_with_a_sentence(address: str, people: People) -> None:
    head = {"authorization": f"Bearer {Program(people.admin).token}"}
    refused = Client().get(address, headers=head)
    assert refused.status_code == 403
    assert "Revoke the token" in refused.json()["detail"]
    assert Client().get(address, headers=head, secure=True).status_code == 200


def test_without_a_token_nothing_is_found_out(people: People) -> None:
    good, wrong = Program(people.admin).token, "x" * 20
    answers = [
        Client().post("/api/v1/keys/1/sync", headers={"authorization": f"Bearer {token}"})
        for token in (good, wrong)
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/api/v1/openapi.json"])
def test_pages_for_people_lead_to_https(address: str, db: None) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{address}")
