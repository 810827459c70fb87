"""Reads channels: of an organisation, of the whole panel; never what they keep secret."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Channel, ChannelKind
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import organisations_with_permission
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.vault.services.channel_secrets import (
    channel_address_get,
    channel_signing_secrets_valid,
)


class ChannelHealth(StrEnum):
    """How a channel is, as far as its answers say."""

    OFF = "off"  # by a person
    REFUSED = "refused"  # off, since the other side refused it for good
    FAILING = "failing"
    WORKS = "works"
    UNTRIED = "untried"


def channel_health(channel: Channel) -> ChannelHealth:
    """How the channel is at present."""
    if channel.disabled_at is not None:
        return ChannelHealth.OFF if channel.disabled_by else ChannelHealth.REFUSED
    if channel.failing_since is not None:
        return ChannelHealth.FAILING
    return ChannelHealth.WORKS if channel.succeeded_at is not None else ChannelHealth.UNTRIED


def channels_stored(*, organisation: Organisation | None) -> QuerySet[Channel]:
    """The channels of an organisation, or of the whole panel, that are not deleted; no person's."""
    return Channel.objects.filter(organisation=organisation, user=None, deleted_at=None)


def channels_list(*, organisation: Organisation | None) -> list[Channel]:
    """They by name; one query."""
    channels = channels_stored(organisation=organisation)
    return sorted(channels, key=lambda channel: (channel.name.casefold(), channel.pk))


def channel_get(*, organisation: Organisation | None, channel_id: int) -> Channel:
    """A channel of this organisation, or of the whole panel. Raises NotFound."""
    channels = channels_stored(organisation=organisation).select_related("organisation")
    channel = channels.filter(pk=channel_id).first()
    if channel is None:
        raise channel_not_found()
    return channel


def channel_not_found() -> NotFound:
    """There is no such channel here, or it was deleted."""
    return NotFound(_("There is no such channel. It may have been deleted in the meantime."))


@dataclass(frozen=True, slots=True)
class SigningSecretInfo:
    """When a signing secret was made and by whom, and until when it signs; never the secret."""

    version: int
    created_at: datetime
    created_by: str
    valid_until: datetime | None


def channel_signing_secrets_list(*, channel: Channel, now: datetime) -> list[SigningSecretInfo]:
    """The secrets that sign at this moment, the present one first; none of what is not signed."""
    if channel.kind != ChannelKind.WEBHOOK:
        return []
    return [
        SigningSecretInfo(row.version, row.created_at, row.created_by, row.valid_until)
        for row in channel_signing_secrets_valid(channel_id=channel.pk, now=now)
    ]


def channel_address_set_at(*, channel: Channel) -> datetime | None:
    """When its present address was entered."""
    row = channel_address_get(channel_id=channel.pk)
    return row.created_at if row else None


def channels_manageable(*, user: User, with_fleet: bool) -> list[Channel]:
    """The channels of the organisations whose alerts this person manages; one query.

    `with_fleet` adds those of the whole panel, for whoever may manage them.
    """
    managed = organisations_with_permission(user=user, permission=Permission.MANAGE_ALERTS)
    is_managed = Q(organisation__in=managed.order_by().values("pk"))
    if with_fleet:
        is_managed |= Q(organisation=None)
    channels = Channel.objects.filter(is_managed, user=None, deleted_at=None)
    return list(
        channels.select_related("organisation").order_by("organisation__name", "name", "pk")
    )
