"""Answers to the test of a new key that come too late, or cannot be used."""

from dataclasses import replace

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates import (
    candidate_claims_release,
    candidate_claims_take,
    candidates_store,
)
from freddy_admin.sync.leases import claims_take
from freddy_admin.sync.policy import policy
from freddy_admin.sync.states import State
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyStatus
from freddy_admin.vault.services.candidates import candidate_discard
from freddy_admin.vault.services.keys import api_key_draft, api_key_replace
from tests.sync.conftest import HandClock, MakeKey, good, lease, row_of

ANA = Actor(name="Ana", id=1)
SECRET = "oak_live_healthy_new_0123456789abcdef"


@pytest.fixture
def draft(organisation: Organisation) -> ApiKey:
    details = KeyDetails(label="New")
    return api_key_draft(organisation=organisation, actor=ANA, details=details, secret=SECRET)


def try_out(key: ApiKey) -> list[int]:
    (claim,) = candidate_claims_take(limit=5, now=clock.now())
    return candidates_store([replace(good(key, token=claim.token), key_version=claim.key_version)])


def test_a_candidate_that_works_is_active_with_figures_and_in_the_log(draft: ApiKey) -> None:
    assert try_out(draft) == [draft.pk]
    row = row_of(draft)
    assert (row.key.status, row.state, row.total_tools) == (KeyStatus.ACTIVE, State.UP_TO_DATE, 42)
    assert AuditEvent.objects.filter(tag="key_tested", subject="New").exists()


def test_a_draft_is_not_checked_on_schedule(draft: ApiKey) -> None:
    assert claims_take(limit=5, now=clock.now(), policy=policy()) == []


def test_an_answer_about_a_superseded_candidate_is_thrown_away(
    draft: ApiKey, organisation: Organisation
) -> None:
    (claim,) = candidate_claims_take(limit=5, now=clock.now())
    late = replace(good(draft, token=claim.token), key_version=claim.key_version)
    api_key_replace(organisation=organisation, actor=ANA, key=draft, secret=SECRET + "2")
    assert candidates_store([late]) == []
    assert KeyCandidate.objects.get(key=draft).state == "pending"


def test_an_answer_about_a_discarded_candidate_is_thrown_away(
    draft: ApiKey, organisation: Organisation
) -> None:
    (claim,) = candidate_claims_take(limit=5, now=clock.now())
    candidate_discard(organisation=organisation, actor=ANA, key=draft, version=claim.key_version)
    late = replace(good(draft, token=claim.token), key_version=claim.key_version)
    assert candidates_store([late]) == []
    assert not ApiKey.objects.filter(pk=draft.pk).exists()


def test_a_test_that_was_given_back_is_taken_again_at_once(draft: ApiKey) -> None:
    candidate_claims_release(candidate_claims_take(limit=5, now=clock.now()))
    assert len(candidate_claims_take(limit=5, now=clock.now())) == 1


def test_a_dead_workers_test_comes_back_when_its_lease_has_run_out(
    draft: ApiKey, hand_clock: HandClock
) -> None:
    candidate_claims_take(limit=5, now=clock.now())
    assert candidate_claims_take(limit=5, now=clock.now()) == []
    hand_clock.forward(seconds=policy().lease.total_seconds())
    assert len(candidate_claims_take(limit=5, now=clock.now())) == 1


def test_nothing_is_tested_without_room(draft: ApiKey) -> None:
    assert candidate_claims_take(limit=0, now=clock.now()) == []


def test_a_running_check_of_the_former_secret_keeps_its_lease(
    make_key: MakeKey, organisation: Organisation
) -> None:
    key = make_key()
    lease(key, "the-former-check")
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    assert try_out(key) == [key.pk]
    row = row_of(key)
    assert (row.key.version, row.lease_token) == (2, "the-former-check")
