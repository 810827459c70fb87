"""Pages of channels: list, add, page, secrets shown once, off and on, delete; of whom they are."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import AlertRule, Channel, ChannelKind
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ChannelSecret
from tests.hand_clock import HandClock
from tests.people import People
from tests.web.channel_rows import create_channel
from tests.web.conftest import SignIn

SLACK_URL = "https://hooks.slack.com/services/T0123/B0123/plantedtokenplanted"
WEBHOOK_URL = "https://hooks.example.org/plantedpathplanted"
ROUTING_KEY = "R0plantedroutingkeyplanted012345"
ADDRESSES = {
    "slack": SLACK_URL,
    "webhook": WEBHOOK_URL,
    "pagerduty": ROUTING_KEY,
    "teams": "https://prod-01.westeurope.logic.azure.com:443/workflows/plantedflow?sig=plantedsig",
}


@pytest.fixture
def client(manager: User, signed_in: SignIn) -> Client:
    """Signed in as the organisation's manager."""
    return signed_in(manager)


def add(client: Client, organisation: Organisation, kind: str, **fields: str) -> Any:
    values = {"name": f"Our {kind}", "channel_address": ADDRESSES[kind]} | fields
    return client.post(reverse("alert_channel_create", args=[organisation.slug, kind]), values)


def page(client: Client, name: str, *args: object) -> str:
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("kind", ["slack", "teams", "pagerduty"])
def test_manager_adds_a_channel_and_lands_on_its_page(
    client: Client, organisation: Organisation, kind: str
) -> None:
    response = add(client, organisation, kind)
    channel = Channel.objects.get()
    assert response["Location"] == reverse("alert_channel", args=[organisation.slug, channel.pk])
    html = page(client, "alert_channel", organisation.slug, channel.pk)
    assert f"Our {kind}" in html
    assert str(ChannelKind(kind).label) in html
    assert "planted" not in html
    assert "Not tried yet" in html


def test_signing_secret_is_shown_once_and_never_again(
    client: Client, organisation: Organisation
) -> None:
    html = add(client, organisation, "webhook").content.decode()
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", html)
    assert "planted" not in html
    channel = Channel.objects.get()
    pages = [
        page(client, "alert_channels"),
        page(client, "alert_channel", organisation.slug, channel.pk),
        page(client, "alert_channel_address", organisation.slug, channel.pk),
        page(client, "alert_channel_secret", organisation.slug, channel.pk),
        page(client, "alert_channel_rename", organisation.slug, channel.pk),
    ]
    assert all(secret not in html and "planted" not in html for html in pages)
    assert "whsec_" not in str(list(AuditEvent.objects.values()))
    assert "hooks.example.org" in pages[1]


def test_new_signing_secret_is_shown_beside_the_former_ones_end(
    client: Client, organisation: Organisation
) -> None:
    add(client, organisation, "webhook")
    channel = Channel.objects.get()
    address = reverse("alert_channel_secret", args=[organisation.slug, channel.pk])
    html = client.post(address).content.decode()
    assert len(re.findall(r"whsec_[A-Za-z0-9+/=]+", html)) == 1
    html = page(client, "alert_channel", organisation.slug, channel.pk)
    assert "Former signing secret" in html
    client.post(reverse("alert_channel_former_end", args=[organisation.slug, channel.pk]))
    html = page(client, "alert_channel", organisation.slug, channel.pk)
    assert "1 former secret ended." in html
    assert "Former signing secret" not in html


def test_sixth_signing_secret_is_refused_in_a_sentence(
    client: Client, organisation: Organisation
) -> None:
    add(client, organisation, "webhook")
    address = reverse("alert_channel_secret", args=[organisation.slug, Channel.objects.get().pk])
    for _number in range(4):
        assert client.post(address).status_code == 200
    response = client.post(address, follow=True)
    assert "There are 5 signing secrets already." in response.content.decode()
    assert ChannelSecret.objects.filter(purpose="signing").count() == 5


def test_refused_address_is_not_repeated_in_the_form(
    client: Client, organisation: Organisation
) -> None:
    address = "https://hooks.slack.com/workflows/plantedflowplanted"
    html = add(client, organisation, "slack", channel_address=address).content.decode()
    assert "Make an incoming webhook instead" in html
    assert "planted" not in html
    assert "Our slack" in html
    assert not Channel.objects.exists()


def test_teams_page_says_what_an_answer_proves(client: Client, organisation: Organisation) -> None:
    add(client, organisation, "teams")
    html = page(client, "alert_channel", organisation.slug, Channel.objects.get().pk)
    assert "not that the message was posted" in html


def test_page_shows_last_answer_and_why_it_was_switched_off(
    client: Client, organisation: Organisation, hand_clock: HandClock
) -> None:
    channel = create_channel(
        organisation,
        answered_at=clock.now() - timedelta(minutes=3),
        answer="invalid_token <script>",
        answer_status=403,
        failing_since=clock.now() - timedelta(hours=1),
        failure="revoked",
        disabled_at=clock.now() - timedelta(minutes=2),
        disabled_reason="revoked",
    )
    html = page(client, "alert_channel", organisation.slug, channel.pk)
    assert "Switched off: refused" in html
    assert "403 · invalid_token &lt;script&gt;" in html
    assert "it was revoked. Make a new one there" in html
    assert "by this panel, for the other side refused it for good" in html
    assert "Switch on" in html
    assert "Switched off: refused" in page(client, "alert_channels")


def test_failing_channel_says_why_and_what_to_do(
    client: Client, organisation: Organisation
) -> None:
    channel = create_channel(organisation, failing_since=clock.now(), failure="total_timeout")
    html = page(client, "alert_channel", organisation.slug, channel.pk)
    assert "The answer took longer than 15 seconds" in html
    assert "Failing since" in html


def test_channel_is_switched_off_and_on(
    client: Client, organisation: Organisation, manager: User
) -> None:
    channel = create_channel(organisation)
    client.post(reverse("alert_channel_disable", args=[organisation.slug, channel.pk]))
    html = page(client, "alert_channel", organisation.slug, channel.pk)
    assert f"by {manager.name or manager.email}" in html
    client.post(reverse("alert_channel_enable", args=[organisation.slug, channel.pk]))
    channel.refresh_from_db()
    assert channel.disabled_at is None


def test_channel_is_renamed_and_its_address_replaced(
    client: Client, organisation: Organisation
) -> None:
    channel = create_channel(organisation)
    args = [organisation.slug, channel.pk]
    client.post(reverse("alert_channel_rename", args=args), {"name": "Support"})
    client.post(reverse("alert_channel_address", args=args), {"channel_address": SLACK_URL})
    channel.refresh_from_db()
    assert (channel.name, channel.host) == ("Support", "hooks.slack.com")
    assert ChannelSecret.objects.get().version == 2


def test_channel_is_deleted_after_its_name_was_typed(
    client: Client, organisation: Organisation
) -> None:
    channel = create_channel(organisation, name="On call")
    address = reverse("alert_channel_delete", args=[organisation.slug, channel.pk])
    html = client.post(address, {"name": "Other"}).content.decode()
    assert "This is not the channel&#x27;s name. Nothing was deleted." in html
    assert client.post(address, {"name": "On call"}).status_code == 302
    assert not ChannelSecret.objects.exists()
    assert client.get(address).status_code == 404
    assert (
        "On call" not in page(client, "alert_channels").partition("<main")[2].partition("<table")[2]
    )


def test_list_shows_the_channels_of_organisations_that_a_person_manages(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    create_channel(organisation, name="Ours of Alder")
    create_channel(other_organisation, name="Theirs of Birch")
    create_channel(None, name="Fleet wide")
    shown = {
        role: {
            name
            for name in ("Ours of Alder", "Theirs of Birch", "Fleet wide")
            if name in page(signed_in(getattr(people, role)), "alert_channels")
        }
        for role in ("viewer", "operator", "manager", "stranger", "admin")
    }
    assert shown == {
        "viewer": set(),
        "operator": set(),
        "manager": {"Ours of Alder"},
        "stranger": {"Theirs of Birch"},
        "admin": {"Ours of Alder", "Theirs of Birch", "Fleet wide"},
    }


def test_channel_of_another_owner_is_not_found(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    channels = [create_channel(other_organisation), create_channel(None)]
    client = signed_in(people.manager)
    admin = signed_in(people.admin)
    for channel in channels:
        for name in ("alert_channel", "alert_channel_rename", "alert_channel_delete"):
            address = reverse(name, args=[organisation.slug, channel.pk])
            assert client.get(address).status_code == 404
            assert admin.get(address).status_code == 404
        for name in ("alert_channel_disable", "alert_channel_former_end", "alert_channel_test"):
            address = reverse(name, args=[organisation.slug, channel.pk])
            assert client.post(address).status_code == 404
    assert admin.get(reverse("fleet_channel", args=[channels[0].pk])).status_code == 404
    assert Channel.objects.filter(disabled_at=None).count() == 2


def test_platform_admin_adds_and_changes_a_channel_of_the_whole_panel(
    people: People, signed_in: SignIn
) -> None:
    admin = signed_in(people.admin)
    assert "PagerDuty" in page(admin, "fleet_channel_kinds")
    values = {"name": "On call", "channel_address": ROUTING_KEY}
    response = admin.post(reverse("fleet_channel_create", args=["pagerduty"]), values)
    channel = Channel.objects.get()
    assert channel.organisation is None
    assert response["Location"] == reverse("fleet_channel", args=[channel.pk])
    assert "the whole panel" in page(admin, "fleet_channel", channel.pk)
    admin.post(reverse("fleet_channel_disable", args=[channel.pk]))
    admin.post(reverse("fleet_channel_enable", args=[channel.pk]))
    admin.post(reverse("fleet_channel_rename", args=[channel.pk]), {"name": "Night"})
    admin.post(reverse("fleet_channel_delete", args=[channel.pk]), {"name": "Night"})
    tags = AuditEvent.objects.order_by("pk").values_list("tag", flat=True)
    assert [tag for tag in tags if tag.startswith("channel_")] == [
        *("channel_created", "channel_disabled", "channel_enabled"),
        *("channel_changed", "channel_deleted"),
    ]


def test_choice_of_an_organisation_leads_to_its_kinds(
    client: Client, organisation: Organisation, other_organisation: Organisation
) -> None:
    address = reverse("alert_channel_new")
    response = client.get(address, {"organisation": organisation.slug})
    assert response["Location"] == reverse("alert_channel_kinds", args=[organisation.slug])
    html = page(client, "alert_channel_kinds", organisation.slug)
    for kind in ("webhook", "slack", "teams", "pagerduty"):
        assert reverse("alert_channel_create", args=[organisation.slug, kind]) in html
    response = client.get(address, {"organisation": other_organisation.slug})
    assert response["Location"] == reverse("alert_channels")


@pytest.mark.parametrize("kind", ["mail", "nonsense"])
def test_kind_that_nobody_adds_is_not_found(
    client: Client, organisation: Organisation, kind: str
) -> None:
    address = reverse("alert_channel_create", args=[organisation.slug, kind])
    assert client.get(address).status_code == 404


def test_deleted_channel_leaves_every_rule(client: Client, organisation: Organisation) -> None:
    channel = create_channel(organisation, name="On call")
    rule = AlertRule.objects.create(
        organisation=organisation, name="Ours", created_at=clock.now(), created_by="Mona"
    )
    rule.channels.add(channel)
    address = reverse("alert_channel_delete", args=[organisation.slug, channel.pk])
    client.post(address, {"name": "On call"})
    assert not rule.channels.exists()
