"""An operator's check, in this process, whatever the schedule says."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sandbox.api import SandboxOptions
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync import check_now
from freddy_admin.sync.check_now import Line, keys_check_now
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, MakeKey, lease

LIMITS = {"connect_timeout": 0.5, "read_timeout": 0.3, "total_timeout": 0.6}


@pytest.fixture
def sandbox(db: None) -> Iterator[SandboxServer]:
    with SandboxServer(options=SandboxOptions(rate_limit=None)) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[AitronosClient]:
    client = AitronosClient(ClientConfig(sandbox.base_url, **LIMITS), clock=clock.now)  # type: ignore[arg-type]
    yield client
    client.close()


def lines(client: AitronosClient, **more: object) -> dict[str, Line]:
    return {line.key_label: line for line in keys_check_now(client=client, **more)}  # type: ignore[arg-type]


def test_every_key_is_tried_and_told_whatever_its_state(
    client: AitronosClient, make_key: MakeKey
) -> None:
    for scenario in (Scenario.HEALTHY, Scenario.HANGING, Scenario.REJECTED):
        make_key(scenario.value, secret=key_for(scenario, "Acme"))
    paused = make_key("paused")
    ApiKey.objects.filter(pk=paused.pk).update(paused_at=clock.now())
    told = lines(client)
    assert {label: (line.problem, line.tried) for label, line in told.items()} == {
        "healthy": ("", True),
        "hanging": ("read_timeout", True),
        "rejected": ("key_refused", True),
        "paused": ("", False),
    }


def test_it_ignores_the_schedule_the_ten_seconds_and_a_wait_hint(
    client: AitronosClient, sandbox: SandboxServer, make_key: MakeKey
) -> None:
    secret = key_for(Scenario.HEALTHY, "Acme")
    make_key(secret=secret)
    KeySync.objects.update(
        next_check_at=clock.now() + timedelta(hours=1),
        checked_at=clock.now(),
        hold_until=clock.now() + timedelta(hours=1),
    )
    lines(client)
    lines(client)
    assert sandbox.requests_seen.by_key[secret] == 2


def test_one_organisation_can_be_chosen(
    client: AitronosClient, make_key: MakeKey, organisation: Organisation
) -> None:
    other = Organisation.objects.create(name="Birch", slug="birch", created_at=clock.now())
    make_key("mine", secret=key_for(Scenario.HEALTHY, "Mine"))
    make_key("theirs", secret=key_for(Scenario.HEALTHY, "Theirs"), at=other)
    assert set(lines(client, organisation=organisation)) == {"mine"}


def test_a_check_that_runs_elsewhere_is_waited_for(
    client: AitronosClient, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key(secret=key_for(Scenario.HEALTHY, "Acme"))
    lease(key, "the-worker")
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        hand_clock.forward(seconds=1)

    told = lines(client, sleep=sleep)
    assert len(waits) == 3  # the lease was for three seconds
    assert told["Main"].tried


def test_a_key_that_was_replaced_meanwhile_is_said_so(
    client: AitronosClient, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(secret=key_for(Scenario.HEALTHY, "Acme"))

    def store_after_a_change(ended: Sequence[Checked]) -> list[KeySync]:
        ApiKey.objects.filter(pk=key.pk).update(version=key.version + 1)
        return checks_store(ended)

    monkeypatch.setattr(check_now, "checks_store", store_after_a_change)
    (line,) = keys_check_now(client=client)
    assert (line.problem, line.tried, line.state) == ("changed_meanwhile", True, State.NOT_CHECKED)


def test_a_key_that_somebody_never_lets_go_is_named_in_the_end(
    client: AitronosClient, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(secret=key_for(Scenario.HEALTHY, "Acme"))
    lease(key, "the-worker")
    moments = itertools.count(step=10)
    monkeypatch.setattr(check_now.time, "monotonic", lambda: float(next(moments)))
    (line,) = keys_check_now(client=client, sleep=lambda _: None)
    assert (line.problem, line.tried, line.missed) == ("busy_elsewhere", False, True)


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": "revoked"}])
def test_a_key_that_is_taken_away_while_it_is_waited_for_holds_nobody_up(
    client: AitronosClient, make_key: MakeKey, change: dict[str, object]
) -> None:
    key = make_key(secret=key_for(Scenario.HEALTHY, "Acme"))
    lease(key, "the-worker")
    told = keys_check_now(
        client=client, sleep=lambda _: ApiKey.objects.filter(pk=key.pk).update(**change) and None
    )
    (line,) = told
    assert (line.problem, line.tried, line.missed) == ("changed_meanwhile", False, False)
