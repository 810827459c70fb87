"""Whoever was stopped and wakes up after the end of its lease asks nothing and writes nothing."""

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.candidates import candidate_claims_take, candidates_store
from freddy_admin.sync.checks import check_perform
from freddy_admin.sync.leases import Claim, claims_take
from freddy_admin.sync.lists.calls import (
    listing_claims_take,
    listing_perform,
    listings_store,
)
from freddy_admin.sync.models import Listing
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services.keys import api_key_replace
from tests.sync.conftest import HandClock, MakeKey, row_of
from tests.sync.ordering import keyed, sandbox
from tests.sync.stopping import Paused, other, pause, zombie

__all__ = ["other", "pause", "sandbox", "zombie"]
ANA = Actor(name="Ana", id=1)
STATUS = "/v1/admin/composio/sync/status"


def _claimed(key: ApiKey) -> Claim:
    claims = claims_take(limit=5, now=clock.now(), policy=policy())
    assert [one.key_id for one in claims] == [key.pk]
    return claims[0]


def test_a_stopped_worker_checks_no_key_late(
    make_key: MakeKey,
    hand_clock: HandClock,
    zombie: AitronosClient,
    other: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    seen, claim = sandbox.requests_seen.by_path, _claimed(key)
    before = seen[STATUS]

    def another_worker_checks() -> None:
        hand_clock.forward(minutes=5)
        assert len(checks_store([check_perform(other, _claimed(key))])) == 1

    pause.happens = another_worker_checks
    late = check_perform(zombie, claim)
    stored = row_of(key)
    assert checks_store([late]) == []
    assert seen[STATUS] - before == 1
    assert (row_of(key).checked_at, row_of(key).outcome) == (stored.checked_at, "good")


def test_a_key_that_nobody_took_up_stays_due(
    make_key: MakeKey, hand_clock: HandClock, zombie: AitronosClient, pause: Paused
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    claim = _claimed(key)
    pause.happens = lambda: hand_clock.forward(minutes=5)
    assert checks_store([check_perform(zombie, claim)]) == []
    row = row_of(key)
    assert (row.checked_at, row.failures, row.lease_token, row.error_kind) == (None, 0, "", "")
    assert _claimed(key).key_id == key.pk


def test_a_list_is_not_fetched_late(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    zombie: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key, before = keyed(make_key, Scenario.HEALTHY), sandbox.requests_seen.total
    Listing.objects.create(
        organisation=organisation,
        key=key,
        kind="connectors",
        key_version=key.version,
        wanted_at=clock.now(),
    )
    (claim,) = listing_claims_take(limit=5, now=clock.now())
    pause.happens = lambda: hand_clock.forward(hours=1)
    assert listings_store([listing_perform(zombie, claim)]) == []
    row = Listing.objects.get()
    assert (row.lease_token, row.error_kind, row.checked_at) == ("", "", None)
    assert (row.wanted_at, sandbox.requests_seen.total) == (claim.wanted_at, before)


def test_a_new_key_is_not_tested_late_and_an_old_test_counts_for_nothing(
    make_key: MakeKey,
    organisation: Organisation,
    hand_clock: HandClock,
    zombie: AitronosClient,
    other: AitronosClient,
    pause: Paused,
    sandbox: SandboxServer,
) -> None:
    key = keyed(make_key, Scenario.HEALTHY)
    api_key_replace(
        organisation=organisation,
        actor=ANA,
        key=key,
        secret=key_for(Scenario.REJECTED, "New"),
    )
    (claim,) = candidate_claims_take(limit=5, now=clock.now())
    before = sandbox.requests_seen.total
    pause.happens = lambda: hand_clock.forward(minutes=5)
    candidates_store([check_perform(zombie, claim)])
    assert sandbox.requests_seen.total == before
    (again,) = candidate_claims_take(limit=5, now=clock.now())
    early = check_perform(other, again)
    hand_clock.forward(minutes=5)
    (last,) = candidate_claims_take(limit=5, now=clock.now())
    assert candidates_store([early]) == []
    assert KeyCandidate.objects.get().state == CandidateState.PENDING
    candidates_store([check_perform(other, last)])
    assert KeyCandidate.objects.get().state == CandidateState.REFUSED
