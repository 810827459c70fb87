"""The demo's channels and rules: a channel of each kind, which all lead to its own receiver."""

from typing import Final
from urllib.parse import urlsplit

from django.db import transaction

from freddy_admin.alerts.channels.selectors import channels_stored
from freddy_admin.alerts.channels.services import channel_address_replace, channel_create
from freddy_admin.alerts.deliveries.planning import openings_plan
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Incident,
    IncidentState,
    Severity,
)
from freddy_admin.alerts.rules.decisions import PLATFORM_ADMIN_ROLE
from freddy_admin.alerts.rules.services import RuleValues, rule_create
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role

# Of the whole panel; each kind once, with the path by which the receiver knows it.
_FLEET_CHANNELS: Final = (
    (ChannelKind.WEBHOOK, "Status board", "/webhook/board"),
    (ChannelKind.SLACK, "#sync-alerts", "/slack/alerts"),
    (ChannelKind.TEAMS, "Operations", "/teams/operations"),
    (ChannelKind.PAGERDUTY, "On call", "R0demonstration0routing0key00000"),
)
_REFUSING_NAME: Final = "Former chat"
_REFUSING_PATH: Final = "/slack/refuses/everything"


@transaction.atomic
def demo_alerts_create(*, receiver_url: str, organisation: Organisation) -> None:
    """Add the channels and the rules that name them.

    One of `organisation` refuses everything, so that the demo shows how that looks.
    """
    channels = [
        _channel_create(None, kind, name, _address(receiver_url, kind, path))
        for kind, name, path in _FLEET_CHANNELS
    ]
    refusing = _channel_create(
        organisation, ChannelKind.SLACK, _REFUSING_NAME, f"{receiver_url}{_REFUSING_PATH}"
    )
    rule_create(
        organisation=None,
        actor=OPERATOR,
        values=RuleValues(
            name="Everything, to the demo's receiver",
            severity=Severity.WARNING,
            channel_ids=[channel.pk for channel in channels],
        ),
    )
    rule_create(
        organisation=None,
        actor=OPERATOR,
        values=RuleValues(
            name="Platform admins, of causes",
            severity=Severity.WARNING,
            roles=[PLATFORM_ADMIN_ROLE],
            causes_only=True,
        ),
    )
    rule_create(
        organisation=organisation,
        actor=OPERATOR,
        values=RuleValues(
            name="Managers and the chat", roles=[Role.MANAGER.value], channel_ids=[refusing.pk]
        ),
    )
    # Its history is older than its rules: what is broken now is told within the first minutes.
    incidents = Incident.objects.exclude(state=IncidentState.RESOLVED).order_by("pk")
    openings_plan(incidents=list(incidents), now=clock.now())


@transaction.atomic
def demo_alerts_redirect(*, receiver_url: str) -> int:
    """Have the demo's channels lead to where its receiver listens this time; returns how many."""
    paths = {name: (kind, path) for kind, name, path in _FLEET_CHANNELS}
    paths[_REFUSING_NAME] = (ChannelKind.SLACK, _REFUSING_PATH)
    receiver_host, count = urlsplit(receiver_url).hostname, 0
    owners = [None, *Organisation.objects.filter(pk__in=_owner_ids())]
    for owner in owners:
        for channel in channels_stored(organisation=owner):
            kind, path = paths.get(channel.name, ("", ""))
            if channel.host != receiver_host or channel.kind != kind:
                continue
            channel_address_replace(
                organisation=owner,
                actor=OPERATOR,
                channel=channel,
                address=f"{receiver_url}{path}",
            )
            count += 1
    return count


def _owner_ids() -> list[int]:
    channels = Channel.objects.exclude(organisation=None).filter(name=_REFUSING_NAME)
    return list(channels.values_list("organisation", flat=True))


def _channel_create(
    organisation: Organisation | None, kind: ChannelKind, name: str, address: str
) -> Channel:
    return channel_create(
        organisation=organisation, actor=OPERATOR, kind=kind, name=name, address=address
    ).channel


def _address(receiver_url: str, kind: ChannelKind, path: str) -> str:
    # PagerDuty's address is a setting; the channel's own is its key.
    return path if kind == ChannelKind.PAGERDUTY else f"{receiver_url}{path}"
