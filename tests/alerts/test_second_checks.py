"""What one failed or one good check shows is told once a second one has shown the same."""

from datetime import timedelta

import pytest

from freddy_admin.alerts.models import Channel, Incident, IncidentKey
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.alerts.conftest import MakeKey
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    channel_create,
    held,
    incident_open,
    incidents_resolve,
    kinds_told,
    rule_make,
)
from tests.hand_clock import HandClock

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow(hand_clock: HandClock) -> DeliveryFlow:
    return DeliveryFlow(hand_clock)


@pytest.fixture
def channel(flow: DeliveryFlow, organisation: Organisation) -> Channel:
    channel = channel_create(organisation)
    rule_make(organisation, channel, sends_reminders=False)
    return channel


@pytest.fixture
def incident(channel: Channel, key: ApiKey) -> Incident:
    """The key became unknown with a first failed check."""
    checked(key, failures=1)
    incident = incident_open(key.organisation, HealthState.UNKNOWN)
    IncidentKey.objects.create(
        incident=incident, key=key, health_state=HealthState.UNKNOWN, began_at=clock.now()
    )
    return incident


def checked(key: ApiKey, *, failures: int) -> None:
    now = clock.now()
    values = {"checked_at": now, "failures": failures} | ({} if failures else {"observed_at": now})
    SyncStatus.objects.filter(pk=key.pk).update(**values)


def recover(incident: Incident, key: ApiKey) -> None:
    checked(key, failures=0)
    IncidentKey.objects.filter(incident=incident).update(ended_at=clock.now())
    incidents_resolve(incident)


def test_first_failed_check_is_not_told(
    flow: DeliveryFlow, channel: Channel, incident: Incident
) -> None:
    flow.run(minutes=10)

    assert kinds_told(channel) == []
    assert [reason for reason, _until in held(channel)] == ["second_check"]


def test_second_failed_check_is_told(
    flow: DeliveryFlow, channel: Channel, incident: Incident, key: ApiKey
) -> None:
    flow.run(minutes=5)
    checked(key, failures=2)
    flow.run(minutes=1)

    assert kinds_told(channel) == ["opened"]


def test_later_check_that_finds_the_state_again_is_a_second_one(
    flow: DeliveryFlow, channel: Channel, incident: Incident, key: ApiKey
) -> None:
    # The figures' times do not add up: such a check does not fail.
    flow.run(minutes=5)
    checked(key, failures=0)
    flow.run(minutes=1)

    assert kinds_told(channel) == ["opened"]


def test_master_key_that_does_not_fit_needs_no_second_check(
    flow: DeliveryFlow, channel: Channel, incident: Incident, key: ApiKey
) -> None:
    SyncStatus.objects.filter(pk=key.pk).update(master_key_misfit_since=clock.now())
    flow.run(minutes=1)

    assert kinds_told(channel) == ["opened"]


def test_second_check_that_never_comes_is_waited_for_an_hour(
    flow: DeliveryFlow, channel: Channel, incident: Incident
) -> None:
    flow.run(minutes=59, step=300)
    assert kinds_told(channel) == []
    flow.run(minutes=2)

    assert kinds_told(channel) == ["opened"]


@pytest.fixture
def told_incident(flow: DeliveryFlow, incident: Incident, key: ApiKey) -> Incident:
    """It was told, and the key is well again with a first good check."""
    checked(key, failures=2)
    flow.run(minutes=2)
    recover(incident, key)
    return incident


def test_first_good_check_is_not_told(
    flow: DeliveryFlow, channel: Channel, told_incident: Incident
) -> None:
    flow.run(minutes=10)

    assert kinds_told(channel) == ["opened"]


def test_second_good_check_is_told(
    flow: DeliveryFlow, channel: Channel, told_incident: Incident, key: ApiKey
) -> None:
    flow.run(minutes=5)
    checked(key, failures=0)
    flow.run(minutes=1)

    assert kinds_told(channel) == ["opened", "resolved"]


@pytest.mark.parametrize("change", [{"paused_at": clock.now()}, {"status": KeyLifecycle.REVOKED}])
def test_end_of_a_key_that_is_paused_or_revoked_waits_for_no_check(
    change: dict[str, object],
    flow: DeliveryFlow,
    channel: Channel,
    told_incident: Incident,
    key: ApiKey,
) -> None:
    ApiKey.objects.filter(pk=key.pk).update(**change)
    flow.run(minutes=1, seconds=30)

    assert kinds_told(channel) == ["opened", "resolved"]


def test_key_that_fails_again_has_its_former_end_told_at_once(
    flow: DeliveryFlow, channel: Channel, told_incident: Incident, key: ApiKey
) -> None:
    flow.run(minutes=5)
    checked(key, failures=2)
    again = incident_open(key.organisation, HealthState.UNKNOWN)
    IncidentKey.objects.create(
        incident=again, key=key, health_state=HealthState.UNKNOWN, began_at=clock.now()
    )
    flow.run(minutes=2)

    assert sorted(kinds_told(channel)) == ["opened", "opened", "resolved"]


def test_state_by_the_clock_waits_for_no_check(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation, make_key: MakeKey
) -> None:
    incident = incident_open(organisation, HealthState.OVERDUE)
    IncidentKey.objects.create(
        incident=incident,
        key=make_key(),
        health_state=HealthState.OVERDUE,
        began_at=clock.now() - timedelta(hours=1),
    )
    flow.run(minutes=1)
    incidents_resolve(incident)
    flow.run(minutes=1)

    assert kinds_told(channel) == ["opened", "resolved"]
