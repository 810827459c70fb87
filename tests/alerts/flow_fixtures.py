"""Fixtures of deliveries under the hand clock; a test module imports those that it uses."""

from datetime import timedelta

import pytest

from freddy_admin.alerts.models import (
    Channel,
    Incident,
    MaintenanceWindow,
    Mute,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    channel_create,
    rule_make,
)
from tests.hand_clock import HandClock


@pytest.fixture
def flow(hand_clock: HandClock) -> DeliveryFlow:
    return DeliveryFlow(hand_clock)


@pytest.fixture
def channel(flow: DeliveryFlow, organisation: Organisation) -> Channel:
    """A channel that is told of all incidents of the organisation."""
    channel = channel_create(organisation)
    rule_make(organisation, channel)
    return channel


@pytest.fixture
def fleet_channel(flow: DeliveryFlow) -> Channel:
    """A channel that is told of the incidents of every organisation."""
    channel = channel_create(None, name="fleet")
    rule_make(None, channel)
    return channel


def organisations_make(count: int) -> list[Organisation]:
    return [
        Organisation.objects.create(name=f"Org {n}", slug=f"org-{n}", created_at=clock.now())
        for n in range(count)
    ]


def mute(incident: Incident, **span: float) -> None:
    now = clock.now()
    Mute.objects.create(
        incident=incident,
        until=now + timedelta(**span),
        reason="planned",
        created_at=now,
        created_by="test",
    )


def window(organisation: Organisation | None, *, minutes: int, tag: str = "") -> MaintenanceWindow:
    """A window that begins at this minute, of an organisation or of the whole panel."""
    now = clock.now()
    return MaintenanceWindow.objects.create(
        organisation=organisation,
        reason="upgrade",
        zone="UTC",
        starts_on=now.date(),
        starts_at=now.time(),
        minutes=minutes,
        tag=tag,
        created_at=now,
        created_by="test",
    )
