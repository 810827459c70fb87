"""A new key that was tested and waits for a person is wiped after seven days, and it is said."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.candidates import candidates_forget
from freddy_admin.sync.models import HistoryEvent
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.services import (
    TestOutcome,
    api_key_replace,
    candidate_could_not_test,
    candidate_expiry,
    candidate_retry,
)
from tests.vault.conftest import OTHER_SECRET, Hands, MakeKey

pytestmark = pytest.mark.usefixtures("believed_clock")
TIMED_OUT = TestOutcome(kind="timeout", message="No answer in 3 s")
WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)


def _untested(key: ApiKey) -> KeyCandidate:
    return candidate_could_not_test(
        organisation=key.organisation,
        actor=WORKER,
        key=key,
        version=key.candidate.version,
        outcome=TIMED_OUT,
    )


def _said() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(tag="key_candidate_discarded")
    return [(one.actor_name, one.details["reason"]) for one in events]


def test_a_first_secret_goes_with_its_key_and_both_logs_say_so(
    draft: MakeKey, hands: Hands
) -> None:
    key = draft(label="Sales")
    _untested(key)
    hands.at += WEEK - MOMENT
    assert candidates_forget() == 0
    hands.at += MOMENT
    assert candidates_forget() == 1
    assert not KeyCandidate.objects.exists()
    assert not ApiKey.objects.exists()
    assert _said() == [(WORKER.name, "nobody decided")]
    told = HistoryEvent.objects.get(organisation_id=key.organisation_id)
    assert (told.key_id, told.details) == (None, {"what": "never_decided", "label": "Sales"})
    assert candidates_forget() == 0


def test_a_key_in_use_stays_as_it_is(
    active: MakeKey, hands: Hands, actor: Actor, organisation: Organisation
) -> None:
    key = active()
    before = bytes(ApiKey.objects.get().ciphertext)
    api_key_replace(organisation=organisation, actor=actor, key=key, secret=OTHER_SECRET)
    key.refresh_from_db()
    _untested(key)
    hands.at += WEEK
    assert candidates_forget() == 1
    assert not KeyCandidate.objects.exists()
    assert bytes(ApiKey.objects.get().ciphertext) == before
    assert HistoryEvent.objects.filter(key=key, details__what="never_decided").count() == 1


def test_one_that_waits_for_its_test_is_left_alone_however_long_no_worker_ran(
    draft: MakeKey, hands: Hands
) -> None:
    draft()
    hands.at += 10 * WEEK
    assert candidates_forget() == 0
    assert KeyCandidate.objects.count() == 1


def test_another_test_gives_it_another_week(draft: MakeKey, hands: Hands, actor: Actor) -> None:
    key = draft()
    _untested(key)
    hands.at += WEEK - MOMENT
    candidate_retry(organisation=key.organisation, actor=actor, key=key, version=1)
    hands.at += MOMENT
    assert candidates_forget() == 0
    _untested(key)
    hands.at += WEEK - MOMENT
    assert candidates_forget() == 0
    hands.at += MOMENT
    assert candidates_forget() == 1


def test_whoever_decides_at_the_same_moment_wins(
    draft: MakeKey, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    _untested(draft())
    hands.at += WEEK

    def gone(**_: object) -> None:
        raise Conflict("kept a moment ago")

    monkeypatch.setattr(candidate_expiry, "candidate_lock", gone)
    assert candidates_forget() == 0
    assert _said() == []
