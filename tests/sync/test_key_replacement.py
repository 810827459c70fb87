"""While a new secret is tested, refused or undecided, checks use the current one."""

from dataclasses import replace

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.verification import (
    candidate_leases_acquire,
    candidate_results_record,
)
from freddy_admin.sync.checks.leases import CheckLease, check_leases_acquire
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.key_lifecycle import key_candidate_accept
from freddy_admin.sync.models import HistoryEvent
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.opening import secret_open
from freddy_admin.vault.services.candidates import candidate_discard, candidate_retry
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from tests.sync.conftest import (
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    refused_result,
    sync_status_of,
)

ANA = Actor(name="Ana", id=1)
OLD = "oak_live_healthy_old_0123456789abcdef"
NEW = "oak_live_healthy_new_0123456789abcdef"


def _open_secret(lease: CheckLease) -> str:
    return secret_open(
        key_id=lease.key_id,
        organisation_id=lease.organisation_id,
        version=lease.key_version,
        ciphertext=lease.ciphertext,
        master_key_id=lease.master_key_id,
    )


def _check(key: ApiKey) -> str:
    """Perform one scheduled check of the key; returns the secret it was made with."""
    sync_status_of(key).key.refresh_from_db()
    [lease] = check_leases_acquire(limit=5, now=clock.now(), policy=check_policy())
    [row] = check_results_record([good_result(sync_status_of(key).key, token=lease.token)])
    assert row.observed_at == clock.now()
    return _open_secret(lease)


def _record_test(result: CheckResult) -> None:
    [lease] = candidate_leases_acquire(limit=5)
    candidate_results_record([replace(result, token=lease.token, key_version=lease.key_version)])


def _result_of_another_organisation(key: ApiKey) -> CheckResult:
    result = good_result(key)
    assert result.info is not None
    assert result.figures is not None
    return replace(
        result,
        info=replace(result.info, organization_id="org_b"),
        figures=replace(result.figures, total_tools=7, enabled_tools=3),
    )


@pytest.fixture
def key(make_key: MakeKey, hand_clock: HandClock) -> ApiKey:
    new_key = make_key(secret=OLD)
    assert _check(new_key) == OLD
    hand_clock.advance(minutes=6)
    return new_key


@pytest.fixture
def key_with_candidate(key: ApiKey, organisation: Organisation) -> ApiKey:
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=NEW)
    return key


def test_checks_go_on_with_the_old_secret_while_the_new_one_waits(
    key_with_candidate: ApiKey,
) -> None:
    assert _check(key_with_candidate) == OLD


def test_checks_go_on_with_the_old_secret_while_the_new_one_is_tested(
    key_with_candidate: ApiKey,
) -> None:
    assert len(candidate_leases_acquire(limit=5)) == 1
    assert _check(key_with_candidate) == OLD


@pytest.mark.parametrize(
    "make_result", [refused_result, failed_result, _result_of_another_organisation]
)
def test_checks_go_on_with_the_old_secret_until_a_person_decides(
    key_with_candidate: ApiKey, make_result: object, hand_clock: HandClock
) -> None:
    _record_test(make_result(key_with_candidate))  # type: ignore[operator]
    for _ in range(3):
        assert _check(key_with_candidate) == OLD
        hand_clock.advance(minutes=6)
    assert sync_status_of(key_with_candidate).key.version == 1


def test_the_new_secret_is_used_from_its_good_test_on(
    key_with_candidate: ApiKey, hand_clock: HandClock
) -> None:
    _record_test(good_result(key_with_candidate))
    hand_clock.advance(minutes=6)
    assert _check(key_with_candidate) == NEW


def test_a_candidate_of_another_organisation_waits_with_what_it_reported(
    key_with_candidate: ApiKey,
) -> None:
    _record_test(_result_of_another_organisation(key_with_candidate))
    candidate = KeyCandidate.objects.get()
    assert (candidate.state, candidate.result_code) == ("differs", "organisation,tools")
    reported = (candidate.reported_total_tools, candidate.reported_organization_id)
    assert reported == (7, "org_b")
    assert sync_status_of(key_with_candidate).total_tools == 42
    event = AuditEvent.objects.get(tag="key_tested")
    assert event.details["outcome"] == "differs"


def test_a_person_may_accept_a_differing_candidate(
    key_with_candidate: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    _record_test(_result_of_another_organisation(key_with_candidate))
    state = CandidateState.DIFFERS
    key_candidate_accept(
        organisation=organisation, actor=ANA, key=key_with_candidate, version=2, state=state
    )
    assert AuditEvent.objects.filter(tag="key_kept_differing", actor_name="Ana").exists()
    event = HistoryEvent.objects.filter(kind="key_changed").latest("pk")
    assert (event.details["what"], event.actor_name) == ("kept_differing", "Ana")
    assert _check(key_with_candidate) == NEW


def test_a_person_may_discard_a_differing_candidate(
    key_with_candidate: ApiKey, organisation: Organisation
) -> None:
    _record_test(_result_of_another_organisation(key_with_candidate))
    candidate_discard(organisation=organisation, actor=ANA, key=key_with_candidate, version=2)
    assert not KeyCandidate.objects.exists()
    assert _check(key_with_candidate) == OLD


def test_a_decision_about_a_former_result_is_refused(
    key_with_candidate: ApiKey, organisation: Organisation
) -> None:
    _record_test(failed_result(key_with_candidate))
    candidate_retry(organisation=organisation, actor=ANA, key=key_with_candidate, version=2)
    _record_test(_result_of_another_organisation(key_with_candidate))
    with pytest.raises(Conflict, match="another state"):
        key_candidate_accept(
            organisation=organisation, actor=ANA, key=key_with_candidate, version=2
        )
    with pytest.raises(Conflict, match="nothing to decide"):
        key_candidate_accept(
            organisation=organisation,
            actor=ANA,
            key=key_with_candidate,
            version=2,
            state=CandidateState.PENDING,
        )
    assert _check(key_with_candidate) == OLD


def test_another_test_clears_the_former_result(
    key_with_candidate: ApiKey, organisation: Organisation
) -> None:
    _record_test(_result_of_another_organisation(key_with_candidate))
    candidate_retry(organisation=organisation, actor=ANA, key=key_with_candidate, version=2)
    candidate = KeyCandidate.objects.get()
    assert (candidate.state, candidate.reported_total_tools, candidate.result_code) == (
        "pending",
        None,
        "",
    )


def test_a_first_secret_of_another_organisation_than_the_entered_one_waits(
    organisation: Organisation, key: ApiKey
) -> None:
    details = KeyDetails(label="New", organization_id="org_c")
    draft = api_key_create(organisation=organisation, actor=ANA, details=details, secret=NEW)
    _record_test(good_result(draft))
    draft.refresh_from_db()
    assert (draft.status, draft.candidate.state) == ("draft", "differs")
    assert draft.candidate.result_code == "entered"


def test_a_key_whose_checks_never_brought_figures_is_replaced_without_a_question(
    make_key: MakeKey, organisation: Organisation
) -> None:
    key = make_key(secret=OLD)
    api_key_replace(organisation=organisation, actor=ANA, key=key, secret=NEW)
    _record_test(_result_of_another_organisation(key))
    assert not KeyCandidate.objects.exists()
    assert sync_status_of(key).key.version == 2
