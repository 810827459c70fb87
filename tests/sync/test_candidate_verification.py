"""Results of the test of a new secret: those that work, come too late, or cannot be used."""

from dataclasses import replace

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_leases_release,
    candidate_results_record,
)
from freddy_admin.sync.checks.leases import check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyLifecycle
from freddy_admin.vault.services.candidates import candidate_discard
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.sync.conftest import HandClock, MakeKey, good_result, lease_key, sync_status_of

ANA = Actor(name="Ana", id=1)
SECRET = "oak_live_healthy_new_0123456789abcdef"


@pytest.fixture
def draft(organisation: Organisation) -> ApiKey:
    details = KeyDetails(label="New")
    return api_key_create(organisation=organisation, actor=ANA, details=details, secret=SECRET)


def record_good_test(key: ApiKey) -> list[int]:
    (lease,) = candidate_leases_acquire(limit=5)
    return candidate_results_record(
        [replace(good_result(key, token=lease.token), key_version=lease.key_version)]
    )


def test_a_candidate_that_works_is_active_with_figures_and_in_the_audit_log(draft: ApiKey) -> None:
    assert record_good_test(draft) == [draft.pk]
    row = sync_status_of(draft)
    assert (row.key.status, row.state, row.total_tools) == (
        KeyLifecycle.ACTIVE,
        HealthState.UP_TO_DATE,
        42,
    )
    assert AuditEvent.objects.filter(tag="key_tested", subject="New").exists()


def test_a_draft_is_not_checked_on_schedule(draft: ApiKey) -> None:
    assert check_leases_acquire(limit=5, now=clock.now(), policy=check_policy()) == []


def test_the_result_of_a_superseded_candidate_is_thrown_away(
    draft: ApiKey, organisation: Organisation
) -> None:
    (lease,) = candidate_leases_acquire(limit=5)
    late_result = replace(good_result(draft, token=lease.token), key_version=lease.key_version)
    api_key_replace(organisation=organisation, actor=ANA, key=draft, secret=SECRET + "2")
    assert candidate_results_record([late_result]) == []
    assert KeyCandidate.objects.get(key=draft).state == "pending"


def test_the_result_of_a_discarded_candidate_is_thrown_away(
    draft: ApiKey, organisation: Organisation
) -> None:
    (lease,) = candidate_leases_acquire(limit=5)
    candidate_discard(organisation=organisation, actor=ANA, key=draft, version=lease.key_version)
    late_result = replace(good_result(draft, token=lease.token), key_version=lease.key_version)
    assert candidate_results_record([late_result]) == []
    assert not ApiKey.objects.filter(pk=draft.pk).exists()


def test_a_released_candidate_can_be_leased_again_at_once(draft: ApiKey) -> None:
    candidate_leases_release(candidate_leases_acquire(limit=5))
    assert len(candidate_leases_acquire(limit=5)) == 1


def test_a_dead_workers_candidate_can_be_leased_when_its_lease_has_run_out(
    draft: ApiKey, hand_clock: HandClock
) -> None:
    candidate_leases_acquire(limit=5)
    assert candidate_leases_acquire(limit=5) == []
    hand_clock.advance(seconds=check_policy().lease.total_seconds())
    assert len(candidate_leases_acquire(limit=5)) == 1


def test_no_candidate_is_leased_with_a_limit_of_zero(draft: ApiKey) -> None:
    assert candidate_leases_acquire(limit=0) == []


def test_a_running_check_of_the_former_secret_keeps_its_lease(
    make_key: MakeKey, organisation: Organisation
) -> None:
    key = make_key()
    lease_key(key, "the-former-check")
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    assert record_good_test(key) == [key.pk]
    row = sync_status_of(key)
    assert (row.key.version, row.lease_token) == (2, "the-former-check")
