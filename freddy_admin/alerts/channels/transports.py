"""Which transport sends to a channel of which kind."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from freddy_admin.alerts.channels import mail, pagerduty, slack, teams, webhook
from freddy_admin.alerts.channels.answers import ChannelAnswer
from freddy_admin.alerts.messages.content import MessageContent
from freddy_admin.alerts.models import Channel, ChannelKind, Message


class Transport(Protocol):
    """What the module of a kind does."""

    def render(self, content: MessageContent, *, channel: Channel) -> Any:
        """What is sent, as JSON can keep it; without a secret, and the same over all attempts."""

    def send(self, body: Any, *, channel: Channel, message: Message) -> ChannelAnswer:
        """Send it, outside of a transaction; raises NotSent, of which ChannelNotSent says more."""


TRANSPORTS: Final[Mapping[ChannelKind, Transport]] = {
    ChannelKind.MAIL: mail,
    ChannelKind.WEBHOOK: webhook,
    ChannelKind.SLACK: slack,
    ChannelKind.TEAMS: teams,
    ChannelKind.PAGERDUTY: pagerduty,
}


def channel_transport(channel: Channel) -> Transport:
    """The transport of this channel's kind."""
    return TRANSPORTS[ChannelKind(channel.kind)]
