"""The way of a candidate: claimed by one worker, kept, refused, untested, discarded."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyStatus
from freddy_admin.vault.services import (
    TestOutcome,
    api_key_replace,
    candidate_could_not_test,
    candidate_discard,
    candidate_promote,
    candidate_refuse,
    candidate_retry,
    candidates,
    candidates_claim,
    candidates_release,
)
from tests.vault.conftest import OTHER_SECRET, SECRET, Hands, MakeKey
from tests.vault.opened import opened
from tests.vault.rings import FIRST, public_of, ring_of

TIMED_OUT = TestOutcome(kind="timeout", message="No answer in 3 s")
REFUSED = TestOutcome(kind="unauthorized", code="INVALID_KEY", http_status=401, message="x" * 400)


def _untested(key: ApiKey) -> KeyCandidate:
    return candidate_could_not_test(
        organisation=key.organisation, actor=WORKER, key=key, version=1, outcome=TIMED_OUT
    )


def _refused(key: ApiKey) -> KeyCandidate:
    return candidate_refuse(
        organisation=key.organisation, actor=WORKER, key=key, version=1, outcome=REFUSED
    )


def test_of_several_workers_one_gets_each_the_longest_waiting_first(
    draft: MakeKey, hands: Hands
) -> None:
    keys = []
    for number in range(3):
        keys.append(draft(f"secret-number-{number}").pk)
        hands.at += timedelta(seconds=1)
    first = candidates_claim(limit=2, lease_seconds=30)
    second = candidates_claim(limit=2, lease_seconds=30)
    assert [one.key_id for one in first] == keys[:2]
    assert [one.key_id for one in second] == keys[2:]
    assert candidates_claim(limit=2, lease_seconds=30) == []


def test_a_claimed_candidate_opens_without_another_query(
    draft: MakeKey, django_assert_num_queries: object
) -> None:
    draft()
    [claimed] = candidates_claim(limit=5, lease_seconds=30)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert opened(claimed) == SECRET
        assert claimed.key.organisation.name == "Acme"


def test_a_lease_that_ran_out_is_claimed_anew(draft: MakeKey, hands: Hands) -> None:
    draft()
    candidates_claim(limit=1, lease_seconds=30)
    hands.at += timedelta(seconds=30)
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_a_lease_from_before_the_clock_was_set_back_holds_nothing_up(
    draft: MakeKey, hands: Hands
) -> None:
    draft()
    candidates_claim(limit=1, lease_seconds=30)
    hands.at -= timedelta(hours=1)
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_a_released_candidate_is_free_at_once_and_only_for_its_own_token(draft: MakeKey) -> None:
    draft()
    [claimed] = candidates_claim(limit=1, lease_seconds=30)
    candidates_release(token="somebody else's", key_ids=[claimed.key_id])
    assert candidates_claim(limit=1, lease_seconds=30) == []
    candidates_release(token=claimed.lease_token, key_ids=[claimed.key_id])
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_a_settled_candidate_is_not_claimed(draft: MakeKey) -> None:
    _untested(draft())
    assert candidates_claim(limit=5, lease_seconds=30) == []


def test_a_refusal_is_kept_with_its_reason_cut_to_fit(draft: MakeKey) -> None:
    _refused(draft())
    candidate = KeyCandidate.objects.get()
    assert (candidate.state, candidate.outcome_kind) == (CandidateState.REFUSED, "unauthorized")
    assert (candidate.outcome_code, candidate.outcome_http_status) == ("INVALID_KEY", 401)
    assert len(candidate.outcome_message) == 300
    assert candidate.tested_at is not None


def test_a_test_that_brought_no_answer_waits_for_a_person(draft: MakeKey) -> None:
    assert _untested(draft()).state == CandidateState.UNTESTED
    event = AuditEvent.objects.filter(tag="key_tested").get()
    assert event.details["outcome"] == "untested"
    assert event.actor_name == "worker"


def test_a_person_keeps_what_could_not_be_tested(
    draft: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = draft()
    _untested(key)
    kept = candidate_promote(
        organisation=organisation, actor=actor, key=key, version=1, state=CandidateState.UNTESTED
    )
    assert (kept.status, opened(kept)) == (KeyStatus.ACTIVE, SECRET)
    assert AuditEvent.objects.filter(tag="key_kept_untested", actor_name="Mara").count() == 1


@pytest.mark.parametrize(
    ("settle", "state"),
    [
        (None, CandidateState.UNTESTED),
        (None, CandidateState.DIFFERS),
        (_refused, CandidateState.UNTESTED),
        (_refused, CandidateState.PENDING),
        (_untested, CandidateState.DIFFERS),
    ],
)
def test_only_what_was_tested_well_or_could_not_be_tested_is_kept(
    draft: MakeKey, organisation: Organisation, actor: Actor, settle: object, state: CandidateState
) -> None:
    key = draft()
    if settle is not None:
        settle(key)  # type: ignore[operator]
    with pytest.raises(Conflict, match="another state"):
        candidate_promote(organisation=organisation, actor=actor, key=key, version=1, state=state)


@pytest.mark.parametrize("kind", ["master_key_misfit", "key_unreadable"])
def test_what_could_not_even_be_opened_is_not_kept(
    active: MakeKey, organisation: Organisation, actor: Actor, kind: str
) -> None:
    key = active()
    with ring_of(public=public_of(FIRST)):  # a public key whose other half nobody holds
        api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    candidate_could_not_test(
        organisation=organisation, actor=WORKER, key=key, version=2, outcome=TestOutcome(kind=kind)
    )
    with pytest.raises(Conflict, match="could not be opened"):
        candidate_promote(
            organisation=organisation,
            actor=actor,
            key=key,
            version=2,
            state=CandidateState.UNTESTED,
        )
    assert opened(ApiKey.objects.get()) == SECRET


def test_a_second_answer_to_the_same_test_changes_nothing(draft: MakeKey) -> None:
    key = draft()
    _refused(key)
    with pytest.raises(Conflict):
        _untested(key)
    assert KeyCandidate.objects.get().state == CandidateState.REFUSED


@pytest.mark.parametrize("settle", [_refused, _untested])
def test_another_test_can_be_asked_for(
    draft: MakeKey, organisation: Organisation, actor: Actor, settle: object
) -> None:
    key = draft()
    settle(key)  # type: ignore[operator]
    again = candidate_retry(organisation=organisation, actor=actor, key=key, version=1)
    assert (again.state, again.outcome_kind, again.outcome_message) == ("pending", "", "")
    assert len(candidates_claim(limit=1, lease_seconds=30)) == 1


def test_asking_for_a_test_that_waits_already_changes_nothing(
    draft: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    candidate_retry(organisation=organisation, actor=actor, key=draft(), version=1)
    assert not AuditEvent.objects.filter(tag="check_requested").exists()


def test_a_refused_secret_is_not_retried_once_another_key_has_it(
    draft: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = draft()
    _refused(key)
    draft(label="Second")
    with pytest.raises(InvalidInput, match="Second"):
        candidate_retry(organisation=organisation, actor=actor, key=key, version=1)


def test_discarding_the_first_secret_takes_the_draft_along(
    draft: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    candidate_discard(organisation=organisation, actor=actor, key=draft(), version=1)
    assert not ApiKey.objects.exists()
    assert AuditEvent.objects.filter(tag="key_candidate_discarded", subject="Main").exists()


def test_discarding_a_replacement_leaves_the_key_in_use(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    candidate_discard(organisation=organisation, actor=actor, key=key, version=2)
    assert opened(ApiKey.objects.get()) == SECRET
    assert not KeyCandidate.objects.exists()


def _same_secret_in_use(key: ApiKey) -> None:
    """As after an import by a version of the panel, or a database, that knew no candidates."""
    candidate = KeyCandidate.objects.get(key=key)
    ApiKey.objects.create(
        organisation=key.organisation,
        label="Imported",
        status=KeyStatus.ACTIVE,
        fingerprint=candidate.fingerprint,
        created_at=clock.now(),
    )


def test_a_tested_secret_that_came_by_another_way_meanwhile_is_not_kept(
    draft: MakeKey, organisation: Organisation
) -> None:
    key = draft()
    _same_secret_in_use(key)
    with pytest.raises(InvalidInput, match="already here, as “Imported”"):
        candidate_promote(organisation=organisation, actor=WORKER, key=key, version=1)
    key.refresh_from_db()
    assert key.status == KeyStatus.DRAFT


def test_it_is_not_tested_again_but_thrown_away_once(draft: MakeKey, hands: Hands) -> None:
    twin, other = draft(), draft(OTHER_SECRET, label="Other")
    _same_secret_in_use(twin)
    assert [one.key_id for one in candidates_claim(limit=5, lease_seconds=30)] == [other.pk]
    hands.at += timedelta(seconds=31)
    candidates_claim(limit=5, lease_seconds=30)
    event = AuditEvent.objects.get(tag="key_candidate_discarded")
    assert (event.actor_name, event.subject) == ("worker", "Main")
    assert event.details["reason"] == "already here"
    assert not ApiKey.objects.filter(pk=twin.pk).exists()


def test_a_key_in_use_stays_when_its_replacement_is_here_already(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    _same_secret_in_use(key)
    assert candidates_claim(limit=5, lease_seconds=30) == []
    assert opened(ApiKey.objects.get(pk=key.pk)) == SECRET
    assert not KeyCandidate.objects.exists()


def test_pasting_the_present_secret_again_is_no_second_copy(
    active: MakeKey, organisation: Organisation, actor: Actor
) -> None:
    key = active()
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=SECRET)
    assert len(candidates_claim(limit=5, lease_seconds=30)) == 1
    candidate_promote(organisation=organisation, actor=WORKER, key=key, version=2)


def test_somebody_faster_discards_it_once(
    draft: MakeKey, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = draft()
    stale = KeyCandidate.objects.select_related("key__organisation").get()
    candidate_discard(organisation=key.organisation, actor=actor, key=key, version=1)
    draft(OTHER_SECRET)
    monkeypatch.setattr(candidates, "candidates_already_here", lambda ids: [stale])
    assert len(candidates_claim(limit=5, lease_seconds=30)) == 1
    assert AuditEvent.objects.filter(tag="key_candidate_discarded").count() == 1
