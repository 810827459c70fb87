"""A new secret that Aitronos refused is kept at a person's word, and tried every hour."""

from dataclasses import replace
from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_results_record,
    candidates_prune,
)
from freddy_admin.sync.checks.leases import check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.key_lifecycle import key_candidate_accept
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.selectors import undecided_state
from freddy_admin.vault.services.candidates import candidate_promote
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.sync.conftest import HandClock, MakeKey, good_result, lease_key, sync_status_of
from tests.vault.secret_reading import stored_secret

ANA = Actor(name="Ana", id=1)
SECRET = "oak_live_healthy_new_0123456789abcdef"
REFUSAL = CallFailure(
    kind="key_not_permitted",
    code="INSUFFICIENT_PERMISSIONS",
    http_status=403,
    message="You do not have permission to access this resource.",
    system_message="Insufficient permissions for this operation",
    error_type="authorization_error",
    timestamp="2025-11-11T10:30:00Z",
    trace_id="req_def456uvw",
    request_id="rq-1",
)


@pytest.fixture
def draft(organisation: Organisation) -> ApiKey:
    details = KeyDetails(label="New")
    return api_key_create(organisation=organisation, actor=ANA, details=details, secret=SECRET)


@pytest.fixture
def replaced_key(organisation: Organisation, make_key: MakeKey) -> ApiKey:
    """A key that works, with a new secret beside it."""
    key = make_key()
    lease_key(key)
    check_results_record([good_result(key)])
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    return key


def refuse(key: ApiKey, failure: CallFailure = REFUSAL) -> None:
    """Record one test of the key's candidate that ended like this."""
    (lease,) = candidate_leases_acquire(limit=5)
    result = CheckResult(
        key_id=key.pk,
        key_version=lease.key_version,
        token=lease.token,
        finished_at=clock.now(),
        outcome=CheckOutcome.REFUSED,
        failure=failure,
    )
    assert candidate_results_record([result]) == []


def keep(key: ApiKey, state: CandidateState = CandidateState.REFUSED) -> ApiKey:
    version = KeyCandidate.objects.get(key=key).version
    return key_candidate_accept(
        organisation=key.organisation, actor=ANA, key=key, version=version, state=state
    )


def test_refused_test_keeps_all_that_aitronos_said(draft: ApiKey) -> None:
    refuse(draft)
    candidate = KeyCandidate.objects.get(key=draft)
    texts = {
        name: getattr(candidate, f"result_{name}")
        for name in ("code", "message", "system_message", "error_type", "timestamp", "trace_id")
    }
    assert texts == {name: getattr(REFUSAL, name) for name in texts}
    assert (candidate.result_request_id, candidate.result_http_status) == ("rq-1", 403)


def test_refused_first_key_is_kept_active_with_its_refusal_known(
    draft: ApiKey, hand_clock: HandClock
) -> None:
    refuse(draft)
    tested_at = hand_clock()
    hand_clock.advance(hours=3)
    keep(draft)
    row = sync_status_of(draft)
    assert (row.key.status, row.key.version) == (KeyLifecycle.ACTIVE, 1)
    assert stored_secret(row.key) == SECRET
    assert (row.error_code, row.trace_id, row.request_id) == (
        "INSUFFICIENT_PERMISSIONS",
        "req_def456uvw",
        "rq-1",
    )
    assert (row.error_message, row.error_system_message) == (
        REFUSAL.message,
        REFUSAL.system_message,
    )
    assert (row.checked_at, row.refusals, row.outcome) == (tested_at, 1, CheckOutcome.REFUSED)
    assert AuditEvent.objects.filter(tag="key_kept_refused").count() == 1
    assert not AuditEvent.objects.filter(tag="key_taken_over").exists()


def test_kept_first_key_is_confirmed_at_once_and_then_tried_hourly(
    draft: ApiKey, hand_clock: HandClock
) -> None:
    refuse(draft)
    hand_clock.advance(hours=3)
    keep(draft)
    (lease,) = check_leases_acquire(limit=5, now=clock.now(), policy=check_policy())
    result = CheckResult(
        key_id=draft.pk,
        key_version=lease.key_version,
        token=lease.token,
        finished_at=clock.now(),
        outcome=CheckOutcome.REFUSED,
        failure=REFUSAL,
    )
    check_results_record([result])
    row = sync_status_of(draft)
    assert (row.state, row.refusals) == (HealthState.KEY_NOT_PERMITTED, 2)
    assert timedelta(hours=1) <= row.next_check_at - clock.now() <= timedelta(minutes=63)


def test_refused_replacement_never_takes_the_place_of_a_key_in_use(replaced_key: ApiKey) -> None:
    former_secret = stored_secret(replaced_key)
    refuse(replaced_key)
    with pytest.raises(Conflict):
        candidate_promote(
            organisation=replaced_key.organisation,
            actor=ANA,
            key=replaced_key,
            version=2,
            state=CandidateState.REFUSED,
        )
    keep(replaced_key)
    row = sync_status_of(replaced_key)
    assert stored_secret(row.key) == former_secret
    assert (row.key.version, row.state) == (1, HealthState.UP_TO_DATE)
    candidate = KeyCandidate.objects.get(key=replaced_key)
    assert (candidate.state, candidate.retries_hourly) == (CandidateState.REFUSED, True)
    assert undecided_state(candidate) == ""


def test_kept_replacement_is_tested_every_hour_and_takes_over_once_it_works(
    replaced_key: ApiKey, hand_clock: HandClock
) -> None:
    refuse(replaced_key)
    keep(replaced_key)
    assert candidate_leases_acquire(limit=5) == []
    hand_clock.advance(minutes=59)
    assert candidate_leases_acquire(limit=5) == []
    hand_clock.advance(minutes=1)
    refuse(replaced_key)
    assert candidate_leases_acquire(limit=5) == []
    hand_clock.advance(hours=1)
    (lease,) = candidate_leases_acquire(limit=5)
    figures = SyncStatus.objects.get(pk=replaced_key.pk)
    result = good_result(replaced_key, token=lease.token)
    assert result.figures is not None
    same = replace(result.figures, last_sync_at=figures.last_sync_at)
    works = replace(result, key_version=lease.key_version, figures=same)
    assert candidate_results_record([works]) == [replaced_key.pk]
    replaced_key.refresh_from_db()
    assert (replaced_key.version, stored_secret(replaced_key)) == (2, SECRET)
    assert not KeyCandidate.objects.exists()


def test_the_same_refusal_hour_by_hour_is_one_audit_event(
    replaced_key: ApiKey, hand_clock: HandClock
) -> None:
    refuse(replaced_key)
    keep(replaced_key)
    for _hour in range(3):
        hand_clock.advance(hours=1)
        refuse(replaced_key)
    assert AuditEvent.objects.filter(tag="key_tested").count() == 1
    hand_clock.advance(hours=1)
    refuse(replaced_key, replace(REFUSAL, code="API_KEY_EXPIRED", http_status=401))
    assert AuditEvent.objects.filter(tag="key_tested").count() == 2


def test_kept_replacement_is_not_thrown_away_after_a_week(
    replaced_key: ApiKey, hand_clock: HandClock
) -> None:
    refuse(replaced_key)
    keep(replaced_key)
    hand_clock.advance(days=8)
    assert candidates_prune() == 0
    assert KeyCandidate.objects.filter(key=replaced_key).exists()


def test_kept_replacement_that_differs_waits_for_a_decision_again(
    replaced_key: ApiKey, hand_clock: HandClock
) -> None:
    refuse(replaced_key)
    keep(replaced_key)
    hand_clock.advance(hours=1)
    (lease,) = candidate_leases_acquire(limit=5)
    result = good_result(replaced_key, token=lease.token)
    assert result.info is not None
    other = replace(result.info, organization_id="org_other")
    differs = replace(result, key_version=lease.key_version, info=other)
    assert candidate_results_record([differs]) == []
    candidate = KeyCandidate.objects.get(key=replaced_key)
    assert undecided_state(candidate) == CandidateState.DIFFERS
    hand_clock.advance(hours=2)
    assert candidate_leases_acquire(limit=5) == []


def test_only_a_refused_candidate_is_kept_as_refused(draft: ApiKey) -> None:
    with pytest.raises(Conflict):
        keep(draft)


def test_audit_log_says_asked_when_a_key_is_pasted_and_replaced_when_it_took_over(
    organisation: Organisation, make_key: MakeKey
) -> None:
    key = make_key()
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=SECRET)
    assert list(AuditEvent.objects.values_list("tag", flat=True)) == ["key_replaced"]
    (lease,) = candidate_leases_acquire(limit=5)
    result = replace(good_result(key, token=lease.token), key_version=lease.key_version)
    assert candidate_results_record([result]) == [key.pk]
    event = AuditEvent.objects.get(tag="key_taken_over")
    assert (event.subject, event.details["asked_by"]) == ("Main", "Ana")
