"""The page says until when a new key waits for a decision, and afterwards what became of it."""

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.sync.candidates import candidates_forget
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.trying import DECIDE_WITHIN
from tests.web.conftest import People, SignIn

HERE = "/organisations/alder/"
SECRET = "made-up-and-sent-with-one-form-alone"


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


@pytest.fixture
def key(manager: Client) -> ApiKey:
    manager.post(f"{HERE}keys/add/", {"label": "<Sales>", "api_key": SECRET})
    return ApiKey.objects.get()


def _tested(*, days_ago: int) -> None:
    at = clock.now() - DECIDE_WITHIN / 7 * days_ago
    KeyCandidate.objects.update(
        state=CandidateState.UNTESTED, outcome_kind="read_timeout", tested_at=at
    )


def test_while_it_is_tested_nothing_is_said_of_an_end(manager: Client, key: ApiKey) -> None:
    assert "If nobody decides by" not in manager.get(f"{HERE}keys/{key.pk}/").content.decode()


def test_the_page_says_until_when_it_waits(manager: Client, key: ApiKey) -> None:
    _tested(days_ago=4)
    page = manager.get(f"{HERE}keys/{key.pk}/").content.decode()
    said = page.partition("If nobody decides by")[2].partition("</p>")[0]
    ends_at = KeyCandidate.objects.get().tested_at + DECIDE_WITHIN
    assert f'datetime="{ends_at:%Y-%m-%dT%H:%M:%SZ}"' in said


@pytest.mark.usefixtures("believed_clock")
def test_afterwards_timeline_and_audit_log_say_what_became_of_it(
    manager: Client, key: ApiKey
) -> None:
    _tested(days_ago=7)
    assert candidates_forget() == 1
    assert manager.get(f"{HERE}keys/{key.pk}/").status_code == 404
    page = manager.get(HERE).content.decode()
    assert "The new key for “&lt;Sales&gt;” was thrown away: nobody decided within 7 days." in page
    assert AuditEvent.objects.filter(tag="key_candidate_discarded").count() == 1
    log = manager.get("/audit/").content.decode()
    assert "nobody decided about it in time" in log
