"""Channels as a test asks for them, with sealed secrets."""

from typing import Any

from freddy_admin.alerts.models import Channel
from freddy_admin.audit.services import OPERATOR
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.services.channel_secrets import (
    channel_address_set,
    channel_signing_secret_add,
)


def create_channel(
    organisation: Organisation | None, kind: str = "slack", *, secret: str = "", **columns: Any
) -> Channel:
    """A channel of this organisation, or of the whole panel; each has an address of its own."""
    values = {
        "kind": kind,
        "name": f"Channel {Channel.objects.count()}",
        "host": "hooks.slack.com",
        "created_at": clock.now(),
        "created_by": "Mona (mona@example.org)",
    } | columns
    channel = Channel.objects.create(organisation=organisation, **values)
    owner = {"organisation": organisation, "channel_id": channel.pk, "actor": OPERATOR}
    address = f"https://hooks.slack.com/services/T/B/{secret or 'token'}{channel.pk}"
    channel_address_set(**owner, secret=address)
    if kind == "webhook":
        signing_secret = f"whsec_{secret or 'c2lnbmluZy1zZWNyZXQ'}"
        channel_signing_secret_add(**owner, secret=signing_secret, former_valid_until=clock.now())
    return channel
