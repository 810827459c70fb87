"""The worker's heart against the imitation API over real HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.lifecycle import key_keep
from freddy_admin.sync.models import ApiHealth, KeySync, WorkerBeat
from freddy_admin.sync.states import State
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyStatus
from freddy_admin.vault.services.keys import api_key_draft, api_key_replace
from tests.flows.waiting import until as waited
from tests.sync.conftest import MakeKey, row_of

ANA = Actor(name="Ana", id=1)


def real_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@contextmanager
def engine_for(
    sandbox: SandboxServer, *, read_timeout: float = 1, total_timeout: float = 5
) -> Iterator[Engine]:
    config = ClientConfig(
        sandbox.base_url, connect_timeout=5, read_timeout=read_timeout, total_timeout=total_timeout
    )
    client = AitronosClient(config, clock=clock.now)
    engine = Engine(client=client, parallel=8, name="test")
    try:
        yield engine
    finally:
        engine.stop()
        client.close()


def settle(engine: Engine, until: Callable[[], bool]) -> None:
    """Tick until it is so."""
    assert waited(lambda: engine.tick(wait=0.05) >= 0 and until() and not engine.busy, seconds=60)


@pytest.fixture
def real_clock(organisation: Organisation) -> Iterator[None]:
    with clock.using(real_now):
        yield


@pytest.mark.usefixtures("real_clock")
def test_due_keys_are_checked_and_each_comes_to_its_own_state(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    expected = {
        Scenario.HEALTHY: State.UP_TO_DATE,
        Scenario.LATE: State.LATE,
        Scenario.OVERDUE: State.OVERDUE,
        Scenario.NO_SCHEDULE: State.NO_SCHEDULE,
        Scenario.NEVER_SYNCED: State.NEVER_SYNCED,
        Scenario.WAITING: State.WAITING,
        Scenario.ERROR_HTML: State.UNKNOWN,
        Scenario.HANGING: State.UNKNOWN,
        Scenario.FIREWALL: State.UNKNOWN,
        Scenario.IMPOSSIBLE_TIMES: State.UNKNOWN,
    }
    keys = {one: make_key(one.value, secret=key_for(one, "Acme")) for one in expected}
    with engine_for(sandbox) as engine:
        settle(engine, lambda: not KeySync.objects.filter(checked_at=None).exists())
    assert {one: row_of(key).state for one, key in keys.items()} == expected


@pytest.mark.usefixtures("real_clock")
def test_a_key_is_not_asked_again_before_it_is_due(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    secret = key_for(Scenario.HEALTHY, "Once")
    key = make_key(secret=secret)
    with engine_for(sandbox) as engine:
        settle(engine, lambda: row_of(key).checked_at is not None)
        for _ in range(5):
            engine.tick(wait=0)
    assert sandbox.requests_seen.by_key[secret] == 1


@pytest.mark.usefixtures("real_clock")
def test_a_new_key_that_works_is_kept_with_the_tests_own_figures(
    sandbox: SandboxServer, organisation: Organisation
) -> None:
    secret = key_for(Scenario.HEALTHY, "New")
    key = draft(organisation, secret)
    with engine_for(sandbox) as engine:
        settle(engine, lambda: not KeyCandidate.objects.exists())
        engine.tick(wait=0)
    key.refresh_from_db()
    assert (key.status, row_of(key).state) == (KeyStatus.ACTIVE, State.UP_TO_DATE)
    assert sandbox.requests_seen.by_key[secret] == 1


@pytest.mark.usefixtures("real_clock")
@pytest.mark.parametrize(
    ("scenario", "state", "kind"),
    [
        (Scenario.REJECTED, CandidateState.REFUSED, "key_refused"),
        (Scenario.NOT_PERMITTED, CandidateState.REFUSED, "key_not_permitted"),
        (Scenario.HANGING, CandidateState.UNTESTED, "read_timeout"),
    ],
)
def test_a_new_key_that_does_not_work_waits_with_the_reason(
    sandbox: SandboxServer,
    organisation: Organisation,
    scenario: Scenario,
    state: CandidateState,
    kind: str,
) -> None:
    key = draft(organisation, key_for(scenario, "New"))
    with engine_for(sandbox) as engine:
        settle(engine, lambda: not KeyCandidate.objects.filter(state="pending").exists())
    candidate = KeyCandidate.objects.get(key=key)
    assert (candidate.state, candidate.outcome_kind) == (state, kind)
    key.refresh_from_db()
    assert key.status == KeyStatus.DRAFT


@pytest.mark.usefixtures("real_clock")
def test_an_untested_key_can_be_kept_and_a_refused_one_cannot(
    sandbox: SandboxServer, organisation: Organisation
) -> None:
    untested = draft(organisation, key_for(Scenario.UNAVAILABLE, "Untested"))
    refused = draft(organisation, key_for(Scenario.EXPIRED, "Refused"))
    with engine_for(sandbox) as engine:
        settle(engine, lambda: not KeyCandidate.objects.filter(state="pending").exists())
    version = KeyCandidate.objects.get(key=untested).version
    kept = key_keep(organisation=organisation, actor=ANA, key=untested, version=version)
    assert (kept.status, row_of(kept).state) == (KeyStatus.ACTIVE, State.NOT_CHECKED)
    version = KeyCandidate.objects.get(key=refused).version
    with pytest.raises(Conflict):
        key_keep(organisation=organisation, actor=ANA, key=refused, version=version)


@pytest.mark.usefixtures("real_clock")
def test_a_replaced_key_starts_afresh_and_shows_the_former_figures_until_it_answers(
    sandbox: SandboxServer, organisation: Organisation, make_key: MakeKey
) -> None:
    key = make_key(secret=key_for(Scenario.HEALTHY, "Acme/Old", catalogue="ll"))
    with engine_for(sandbox) as engine:
        settle(engine, lambda: row_of(key).checked_at is not None)
        first = row_of(key).first_observed_at
        api_key_replace(
            organisation=organisation,
            actor=ANA,
            key=key,
            secret=key_for(Scenario.OVERDUE, "Acme/New", catalogue="ll"),
        )
        settle(engine, lambda: not KeyCandidate.objects.exists())
    row = row_of(key)
    assert (row.state, row.key.version, row.key_version) == (State.OVERDUE, 2, 2)
    assert first is not None
    assert row.first_observed_at is not None
    assert row.first_observed_at > first
    assert row.figures_are_former is False


@pytest.mark.usefixtures("real_clock")
def test_the_worker_leaves_a_sign_of_life_and_the_condition_of_the_api(
    sandbox: SandboxServer, key: ApiKey
) -> None:
    with engine_for(sandbox) as engine:
        settle(engine, ApiHealth.objects.exists)
    beat = WorkerBeat.objects.get(name="test")
    assert (beat.can_open_keys, beat.master_key_state) == (True, "ok")
    assert ApiHealth.objects.get().reachable is True


@pytest.mark.usefixtures("real_clock")
def test_an_unreachable_api_is_said_and_does_not_stop_the_worker(key: ApiKey) -> None:
    config = ClientConfig("http://127.0.0.1:1")
    client = AitronosClient(config, clock=clock.now, sleep=lambda _: None)
    engine = Engine(client=client, parallel=2, name="test")
    try:
        settle(engine, lambda: ApiHealth.objects.exists() and row_of(key).checked_at is not None)
    finally:
        engine.stop()
    assert ApiHealth.objects.get().kind == "connection_refused"
    assert row_of(key).error_kind == "connection_refused"


@pytest.mark.usefixtures("real_clock")
def test_a_stopping_worker_gives_its_keys_back(sandbox: SandboxServer, make_key: MakeKey) -> None:
    key = make_key(secret=key_for(Scenario.HANGING, "Acme"))
    # The call must not have ended by itself, however slow the machine is.
    with engine_for(sandbox, read_timeout=60, total_timeout=60) as engine:
        engine.tick(wait=0)
        assert row_of(key).lease_token != ""
    assert row_of(key).lease_token == ""


@pytest.mark.usefixtures("real_clock")
def test_one_damaged_row_is_said_of_that_key_alone(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    damaged, sound = make_key("a"), make_key("b", secret=key_for(Scenario.HEALTHY, "Sound"))
    stored = bytearray(ApiKey.objects.get(pk=damaged.pk).ciphertext or b"")
    stored[-1] ^= 1
    ApiKey.objects.filter(pk=damaged.pk).update(ciphertext=bytes(stored))
    with engine_for(sandbox) as engine:
        settle(engine, lambda: not KeySync.objects.filter(checked_at=None).exists())
    assert row_of(damaged).state == State.KEY_UNREADABLE
    assert row_of(sound).state == State.UP_TO_DATE


def draft(organisation: Organisation, secret: str) -> ApiKey:
    details = KeyDetails(label="New")
    return api_key_draft(organisation=organisation, actor=ANA, details=details, secret=secret)


@pytest.mark.usefixtures("real_clock")
def test_on_the_way_to_a_stop_ends_are_stored_and_nothing_new_is_taken(
    sandbox: SandboxServer, make_key: MakeKey
) -> None:
    running = make_key("running", secret=key_for(Scenario.HEALTHY, "Running"))
    with engine_for(sandbox) as engine:
        engine.tick(wait=0)
        waiting = make_key("waiting", secret=key_for(Scenario.HEALTHY, "Waiting"))
        while engine.busy:
            engine.drain(wait=0.5)
        assert engine.checks_done == 1
    assert row_of(running).state == State.UP_TO_DATE
    assert row_of(waiting).lease_token == ""
