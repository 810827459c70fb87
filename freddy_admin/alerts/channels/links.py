"""Where the pages of channels are."""

from freddy_admin.alerts.models import Channel
from freddy_admin.core.panel_urls import panel_url


def channel_page_url(channel: Channel) -> str:
    """The whole address of the channel's page; of a person's mail, of what they get."""
    if channel.user_id is not None:
        return panel_url("profile_alerts")
    if channel.organisation is None:
        return panel_url("fleet_channel", channel.pk)
    return panel_url("alert_channel", channel.organisation.slug, channel.pk)
