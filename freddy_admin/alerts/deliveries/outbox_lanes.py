"""In which lane of the outbox a channel's messages wait, and how long one may be in hand."""

from datetime import datetime, timedelta
from typing import Final

from freddy_admin.alerts.models import Channel, ChannelKind, Message
from freddy_admin.core import clock
from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.outbox import LEASE_SECONDS, outbox_enqueue

ALERT_MESSAGE: Final = "alert_message"  # the kind of a `Message` in the outbox
# Mail of all persons goes to one server; that of sign-in has a lane of its own beside it.
ALERT_MAIL_LANE: Final = f"{MAIL_LANE}:alerts"
MESSAGE_LIFETIME: Final = timedelta(days=7)
RESTORED: Final = "restored"  # the reason of a message that a former state of the database holds


def channel_lane(*, channel: Channel) -> str:
    """The lane of a channel; all mail of persons shares one."""
    return ALERT_MAIL_LANE if channel.kind == ChannelKind.MAIL else f"channel:{channel.pk}"


def message_enqueue(*, message: Message) -> None:
    """Have a message sent that was just written; in the transaction that wrote it."""
    channel = message.channel
    outbox_enqueue(
        kind=ALERT_MESSAGE,
        object_id=message.pk,
        party=f"channel {channel.pk}",
        lane=channel_lane(channel=channel),
    )


def sending_ends_before(now: datetime) -> datetime:
    """A worker that began to send before this moment has ended it, or is lost."""
    return now - clock.real_seconds_to_panel_duration(LEASE_SECONDS)
