"""The page says until when a candidate waits for a decision, and later that it expired."""

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.sync.candidates.verification import candidates_prune
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.selectors import DECISION_PERIOD
from tests.web.conftest import People, SignIn

HERE = "/organisations/alder/"
SECRET = "made-up-and-sent-with-one-form-alone"


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.fixture
def key(manager_client: Client) -> ApiKey:
    manager_client.post(f"{HERE}keys/add/", {"label": "<Sales>", "api_key": SECRET})
    return ApiKey.objects.get()


def _mark_tested(*, days_ago: int) -> None:
    at = clock.now() - DECISION_PERIOD / 7 * days_ago
    KeyCandidate.objects.update(
        state=CandidateState.UNTESTED, result_kind="read_timeout", tested_at=at
    )


def test_page_says_no_expiry_while_a_candidate_is_tested(
    manager_client: Client, key: ApiKey
) -> None:
    assert (
        "If nobody decides by" not in manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    )


def test_page_says_until_when_a_candidate_waits(manager_client: Client, key: ApiKey) -> None:
    _mark_tested(days_ago=4)
    page = manager_client.get(f"{HERE}keys/{key.pk}/").content.decode()
    sentence = page.partition("If nobody decides by")[2].partition("</p>")[0]
    ends_at = KeyCandidate.objects.get().tested_at + DECISION_PERIOD
    assert f'datetime="{ends_at:%Y-%m-%dT%H:%M:%SZ}"' in sentence


@pytest.mark.usefixtures("trusted_clock")
def test_timeline_and_audit_log_say_that_a_candidate_expired(
    manager_client: Client, key: ApiKey
) -> None:
    _mark_tested(days_ago=7)
    assert candidates_prune() == 1
    assert manager_client.get(f"{HERE}keys/{key.pk}/").status_code == 404
    page = manager_client.get(HERE).content.decode()
    assert "The new key for “&lt;Sales&gt;” was thrown away: nobody decided within 7 days." in page
    assert AuditEvent.objects.filter(tag="key_candidate_discarded").count() == 1
    log = manager_client.get("/audit/").content.decode()
    assert "nobody decided about it in time" in log
