"""The demo's channels: one of each kind, leading to its receiver wherever that listens."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.alerts.models import AlertRule, Channel, Delivery
from freddy_admin.core import clock
from freddy_admin.ops.demo_alerts import demo_alerts_create, demo_alerts_redirect
from freddy_admin.ops.demo_data import demo_environment, demo_receiver_url
from freddy_admin.organisations.models import Organisation
from freddy_admin.outbound.guard import parse_allowed_hosts
from freddy_admin.vault.models import ChannelSecret
from freddy_admin.vault.opening import channel_secret_open
from tests.alerts.delivery_flow import incident_create


def _addresses() -> set[str]:
    rows = ChannelSecret.objects.filter(purpose="address")
    return {channel_secret_open(row) for row in rows}


@pytest.fixture
def demo_channels(organisation: Organisation, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = parse_allowed_hosts("127.0.0.1:9001,127.0.0.1:9002")
    demo_alerts_create(receiver_url=demo_receiver_url(9001), organisation=organisation)


@pytest.mark.usefixtures("demo_channels")
def test_demo_has_a_channel_of_each_kind_and_rules_that_name_them(
    organisation: Organisation,
) -> None:
    fleet = Channel.objects.filter(organisation=None)
    assert set(fleet.values_list("kind", flat=True)) == {"webhook", "slack", "teams", "pagerduty"}
    rule = AlertRule.objects.get(name="Everything, to the demo's receiver")
    assert set(rule.channels.all()) == set(fleet)
    assert Channel.objects.filter(organisation=organisation).count() == 1


@pytest.mark.usefixtures("demo_channels")
def test_channels_follow_the_receiver_to_its_new_port(organisation: Organisation) -> None:
    former = _addresses()
    assert demo_alerts_redirect(receiver_url=demo_receiver_url(9002)) == 4
    assert _addresses() == {address.replace(":9001/", ":9002/") for address in former}


@pytest.mark.usefixtures("demo_channels")
def test_channel_that_somebody_added_stays_where_it_leads(organisation: Organisation) -> None:
    Channel.objects.filter(kind="webhook").update(name="My own")
    assert demo_alerts_redirect(receiver_url=demo_receiver_url(9002)) == 3
    assert "http://127.0.0.1:9001/webhook/board" in _addresses()


def test_demo_sends_to_its_receiver_alone() -> None:
    environment = demo_environment(api_port=9, receiver_port=9001)
    assert environment["OUTBOUND_ALLOWED_HOSTS"] == "127.0.0.1:9001"
    assert environment["PAGERDUTY_EVENTS_URL"] == "http://127.0.0.1:9001/pagerduty/enqueue"
    without = demo_environment(api_port=9)
    assert without["OUTBOUND_ALLOWED_HOSTS"] == ""
    assert without["PAGERDUTY_EVENTS_URL"].startswith("http://127.0.0.1:")


def test_what_is_broken_in_the_samples_is_told_within_minutes(
    organisation: Organisation, settings: Any
) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = parse_allowed_hosts("127.0.0.1:9001")
    incident = incident_create(organisation)
    demo_alerts_create(receiver_url=demo_receiver_url(9001), organisation=organisation)
    told = Delivery.objects.filter(incident=incident, kind="opened")
    kinds = set(told.values_list("channel__kind", flat=True))
    assert kinds == {"webhook", "slack", "teams", "pagerduty"}
    assert not told.filter(send_at__gt=clock.now() + timedelta(minutes=2)).exists()
