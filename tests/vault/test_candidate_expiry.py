"""A tested candidate that nobody decided about expires after seven days, and it is recorded."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates.verification import candidates_prune
from freddy_admin.sync.models import HistoryEvent
from freddy_admin.vault.candidate_result import CandidateResult
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services import candidates
from freddy_admin.vault.services.candidates import candidate_record_result, candidate_retry
from freddy_admin.vault.services.keys import api_key_replace
from tests.hand_clock import HandClock
from tests.vault.conftest import OTHER_SECRET, MakeKey

pytestmark = pytest.mark.usefixtures("trusted_clock")
TIMED_OUT = CandidateResult(kind="timeout", message="No answer in 3 s")
WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)


def _untested(key: ApiKey) -> KeyCandidate:
    return candidate_record_result(
        organisation=key.organisation,
        state=CandidateState.UNTESTED,
        key=key,
        version=key.candidate.version,
        outcome=TIMED_OUT,
    )


def _discard_events() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(tag="key_candidate_discarded")
    return [(event.actor_name, event.details["reason"]) for event in events]


def test_an_expired_first_candidate_is_deleted_with_its_key_and_recorded(
    draft_key: MakeKey, hand_clock: HandClock
) -> None:
    key = draft_key(label="Sales")
    _untested(key)
    hand_clock.at += WEEK - MOMENT
    assert candidates_prune() == 0
    hand_clock.at += MOMENT
    assert candidates_prune() == 1
    assert not KeyCandidate.objects.exists()
    assert not ApiKey.objects.exists()
    assert _discard_events() == [(WORKER.name, "nobody decided")]
    event = HistoryEvent.objects.get(organisation_id=key.organisation_id)
    assert (event.key_id, event.details) == (None, {"what": "never_decided", "label": "Sales"})
    assert candidates_prune() == 0


def test_a_key_in_use_stays_when_its_candidate_expires(
    active_key: MakeKey, hand_clock: HandClock, actor: Actor, organisation: Organisation
) -> None:
    key = active_key()
    ciphertext = bytes(ApiKey.objects.get().ciphertext)
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    key.refresh_from_db()
    _untested(key)
    hand_clock.at += WEEK
    assert candidates_prune() == 1
    assert not KeyCandidate.objects.exists()
    assert bytes(ApiKey.objects.get().ciphertext) == ciphertext
    assert HistoryEvent.objects.filter(key=key, details__what="never_decided").count() == 1


def test_a_candidate_that_waits_for_its_test_never_expires(
    draft_key: MakeKey, hand_clock: HandClock
) -> None:
    draft_key()
    hand_clock.at += 10 * WEEK
    assert candidates_prune() == 0
    assert KeyCandidate.objects.count() == 1


def test_a_retested_candidate_gets_another_week(
    draft_key: MakeKey, hand_clock: HandClock, actor: Actor
) -> None:
    key = draft_key()
    _untested(key)
    hand_clock.at += WEEK - MOMENT
    candidate_retry(organisation=key.organisation, actor=actor, key=key, version=1)
    hand_clock.at += MOMENT
    assert candidates_prune() == 0
    _untested(key)
    hand_clock.at += WEEK - MOMENT
    assert candidates_prune() == 0
    hand_clock.at += MOMENT
    assert candidates_prune() == 1


def test_a_concurrent_decision_wins_over_expiry(
    draft_key: MakeKey, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _untested(draft_key())
    hand_clock.at += WEEK

    def candidate_lock_failing(**_: object) -> None:
        raise Conflict("kept a moment ago")

    monkeypatch.setattr(candidates, "candidate_lock", candidate_lock_failing)
    assert candidates_prune() == 0
    assert _discard_events() == []
