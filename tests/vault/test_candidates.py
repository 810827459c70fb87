"""Candidates: claimed by one worker, then promoted, refused, untested or discarded."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.services import candidates
from freddy_admin.vault.services.candidates import (
    candidate_discard,
    candidate_promote,
    candidate_record_result,
    candidate_release,
    candidate_retry,
    candidates_claim,
)
from freddy_admin.vault.services.keys import api_key_replace
from tests.hand_clock import HandClock
from tests.vault.conftest import OTHER_SECRET, SECRET, MakeKey
from tests.vault.keyrings import FIRST, override_keyring, public_key_text
from tests.vault.secret_reading import stored_secret

TIMED_OUT = CandidateResult(kind="timeout", message="No answer in 3 s")
REFUSED = CandidateResult(
    kind="unauthorized", code="INVALID_KEY", http_status=401, message="x" * 400
)


def _untested(key: ApiKey) -> KeyCandidate:
    return candidate_record_result(
        organisation=key.organisation,
        state=CandidateState.UNTESTED,
        key=key,
        version=1,
        outcome=TIMED_OUT,
    )


def _refused(key: ApiKey) -> KeyCandidate:
    return candidate_record_result(
        organisation=key.organisation,
        state=CandidateState.REFUSED,
        key=key,
        version=1,
        outcome=REFUSED,
    )


def test_workers_claim_each_candidate_once_the_longest_waiting_first(
    draft_key: MakeKey, hand_clock: HandClock
) -> None:
    keys = []
    for number in range(3):
        keys.append(draft_key(f"secret-number-{number}").pk)
        hand_clock.at += timedelta(seconds=1)
    first_claim = candidates_claim(limit=2, lease_seconds=30)
    second_claim = candidates_claim(limit=2, lease_seconds=30)
    assert [candidate.key_id for _lease, candidate in first_claim] == keys[:2]
    assert [candidate.key_id for _lease, candidate in second_claim] == keys[2:]
    assert candidates_claim(limit=2, lease_seconds=30) == []


def test_a_claimed_candidate_opens_without_another_query(
    draft_key: MakeKey, django_assert_num_queries: object
) -> None:
    draft_key()
    [(_lease, candidate)] = candidates_claim(limit=5, lease_seconds=30)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert stored_secret(candidate) == SECRET
        assert candidate.key.organisation.name == "Alder"


def test_a_candidate_with_an_expired_lease_is_claimed_again(
    draft_key: MakeKey, hand_clock: HandClock
) -> None:
    draft_key()
    candidates_claim(limit=1, lease_seconds=30)
    hand_clock.at += timedelta(seconds=30)
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_a_lease_from_before_the_clock_was_set_back_blocks_no_claim(
    draft_key: MakeKey, hand_clock: HandClock
) -> None:
    draft_key()
    candidates_claim(limit=1, lease_seconds=30)
    hand_clock.at -= timedelta(hours=1)
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_a_candidate_is_released_by_its_own_token_alone(
    draft_key: MakeKey,
) -> None:
    draft_key()
    [(lease, candidate)] = candidates_claim(limit=1, lease_seconds=30)
    candidate_release(key_id=candidate.key_id, token="somebody else's")
    assert candidates_claim(limit=1, lease_seconds=30) == []
    candidate_release(key_id=candidate.key_id, token=lease.token)
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_a_tested_candidate_is_not_claimed(draft_key: MakeKey) -> None:
    _untested(draft_key())
    assert candidates_claim(limit=5, lease_seconds=30) == []


def test_a_refused_candidate_stores_its_reason_cut_to_fit(draft_key: MakeKey) -> None:
    _refused(draft_key())
    candidate = KeyCandidate.objects.get()
    assert (candidate.state, candidate.result_kind) == (CandidateState.REFUSED, "unauthorized")
    assert (candidate.result_code, candidate.result_http_status) == ("INVALID_KEY", 401)
    assert len(candidate.result_message) == 300
    assert candidate.tested_at is not None


def test_an_untested_candidate_waits_for_a_person(draft_key: MakeKey) -> None:
    assert _untested(draft_key()).state == CandidateState.UNTESTED
    event = AuditEvent.objects.filter(tag="key_tested").get()
    assert event.details["outcome"] == "untested"
    assert event.actor_name == "worker"


def test_a_person_can_promote_an_untested_candidate(
    draft_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = draft_key()
    _untested(key)
    promoted = candidate_promote(
        organisation=organisation, actor=actor, key=key, version=1, state=CandidateState.UNTESTED
    )
    assert (promoted.status, stored_secret(promoted)) == (KeyLifecycle.ACTIVE, SECRET)
    assert AuditEvent.objects.filter(tag="key_kept_untested", actor_name="Mara").count() == 1


@pytest.mark.parametrize(
    ("record_result", "state"),
    [
        (None, CandidateState.UNTESTED),
        (None, CandidateState.DIFFERS),
        (_refused, CandidateState.UNTESTED),
        (_refused, CandidateState.PENDING),
        (_untested, CandidateState.DIFFERS),
    ],
)
def test_a_candidate_in_another_state_is_not_promoted(
    draft_key: MakeKey,
    organisation: Organisation,
    actor: Actor,
    record_result: object,
    state: CandidateState,
) -> None:
    key = draft_key()
    if record_result is not None:
        record_result(key)  # type: ignore[operator]
    with pytest.raises(Conflict, match="another state"):
        candidate_promote(organisation=organisation, actor=actor, key=key, version=1, state=state)


@pytest.mark.parametrize("kind", ["master_key_misfit", "key_unreadable"])
def test_a_candidate_that_could_not_be_opened_is_not_promoted(
    active_key: MakeKey, organisation: Organisation, actor: Actor, kind: str
) -> None:
    key = active_key()
    # A public key without any private key.
    with override_keyring(public=public_key_text(FIRST)):
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    candidate_record_result(
        organisation=organisation,
        state=CandidateState.UNTESTED,
        key=key,
        version=2,
        outcome=CandidateResult(kind=kind),
    )
    with pytest.raises(Conflict, match="could not be opened"):
        candidate_promote(
            organisation=organisation,
            actor=actor,
            key=key,
            version=2,
            state=CandidateState.UNTESTED,
        )
    assert stored_secret(ApiKey.objects.get()) == SECRET


def test_a_second_result_of_a_test_changes_nothing(draft_key: MakeKey) -> None:
    key = draft_key()
    _refused(key)
    with pytest.raises(Conflict):
        _untested(key)
    assert KeyCandidate.objects.get().state == CandidateState.REFUSED


@pytest.mark.parametrize("record_result", [_refused, _untested])
def test_a_tested_candidate_can_be_retried(
    draft_key: MakeKey, organisation: Organisation, actor: Actor, record_result: object
) -> None:
    key = draft_key()
    record_result(key)  # type: ignore[operator]
    retried = candidate_retry(organisation=organisation, actor=actor, key=key, version=1)
    assert (retried.state, retried.result_kind, retried.result_message) == ("pending", "", "")
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_retrying_a_pending_candidate_changes_nothing(
    draft_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    candidate_retry(organisation=organisation, actor=actor, key=draft_key(), version=1)
    assert not AuditEvent.objects.filter(tag="check_requested").exists()


def test_a_refused_secret_is_not_retried_once_another_key_has_it(
    draft_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = draft_key()
    _refused(key)
    draft_key(label="Second")
    with pytest.raises(InvalidInput, match="Second"):
        candidate_retry(organisation=organisation, actor=actor, key=key, version=1)


def test_discarding_the_first_candidate_deletes_the_draft(
    draft_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    candidate_discard(organisation=organisation, actor=actor, key=draft_key(), version=1)
    assert not ApiKey.objects.exists()
    assert AuditEvent.objects.filter(tag="key_candidate_discarded", subject="Main").exists()


def test_discarding_a_replacement_leaves_the_key_in_use(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    candidate_discard(organisation=organisation, actor=actor, key=key, version=2)
    assert stored_secret(ApiKey.objects.get()) == SECRET
    assert not KeyCandidate.objects.exists()


def _same_secret_in_use(key: ApiKey) -> None:
    """Create an active key with the candidate's secret, as an import would."""
    candidate = KeyCandidate.objects.get(key=key)
    ApiKey.objects.create(
        organisation=key.organisation,
        label="Imported",
        status=KeyLifecycle.ACTIVE,
        fingerprint=candidate.fingerprint,
        created_at=clock.now(),
    )


def test_a_candidate_whose_secret_was_imported_meanwhile_is_not_promoted(
    draft_key: MakeKey, organisation: Organisation
) -> None:
    key = draft_key()
    _same_secret_in_use(key)
    with pytest.raises(InvalidInput, match="already here, as “Imported”"):
        candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)
    key.refresh_from_db()
    assert key.status == KeyLifecycle.DRAFT


def test_a_candidate_whose_secret_was_imported_is_discarded_once(
    draft_key: MakeKey, hand_clock: HandClock
) -> None:
    duplicate_key, other_key = draft_key(), draft_key(OTHER_SECRET, label="Other")
    _same_secret_in_use(duplicate_key)
    assert [
        candidate.key_id for _lease, candidate in candidates_claim(limit=5, lease_seconds=30)
    ] == [other_key.pk]
    hand_clock.at += timedelta(seconds=31)
    candidates_claim(limit=5, lease_seconds=30)
    event = AuditEvent.objects.get(tag="key_candidate_discarded")
    assert (event.actor_name, event.subject) == ("worker", "Main")
    assert event.details["reason"] == "already here"
    assert not ApiKey.objects.filter(pk=duplicate_key.pk).exists()


def test_a_key_in_use_stays_when_its_candidate_is_a_duplicate(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    _same_secret_in_use(key)
    assert candidates_claim(limit=5, lease_seconds=30) == []
    assert stored_secret(ApiKey.objects.get(pk=key.pk)) == SECRET
    assert not KeyCandidate.objects.exists()


def test_the_present_secret_pasted_again_is_no_duplicate(
    active_key: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active_key()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=SECRET)
    assert len(candidates_claim(limit=5, lease_seconds=30)) == 1
    candidate_promote(organisation=organisation, actor=WORKER, key=key, version=2)


def test_a_duplicate_discarded_concurrently_is_recorded_once(
    draft_key: MakeKey, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = draft_key()
    discarded = KeyCandidate.objects.select_related("key__organisation").get()
    candidate_discard(organisation=key.organisation, actor=actor, key=key, version=1)
    draft_key(OTHER_SECRET)
    monkeypatch.setattr(candidates, "duplicate_candidates_list", lambda ids: [discarded])
    assert len(candidates_claim(limit=5, lease_seconds=30)) == 1
    assert AuditEvent.objects.filter(tag="key_candidate_discarded").count() == 1
