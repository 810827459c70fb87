"""What the alerts store: incidents, rules, channels, deliveries, what each person gets."""

from freddy_admin.alerts.models.channels import Channel, ChannelKind, ChannelNotice
from freddy_admin.alerts.models.deliveries import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Message,
    SenderHeartbeat,
)
from freddy_admin.alerts.models.incidents import (
    Cause,
    CauseKind,
    HistoryImport,
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentKey,
    IncidentState,
    Severity,
)
from freddy_admin.alerts.models.outside_heartbeat import OutsideHeartbeat
from freddy_admin.alerts.models.people import AlertPreferences, DigestFrequency, DigestRun
from freddy_admin.alerts.models.rules import AlertRule
from freddy_admin.alerts.models.silences import MaintenanceWindow, Mute, WindowRecurrence

__all__ = [
    "AlertPreferences",
    "AlertRule",
    "Cause",
    "CauseKind",
    "Channel",
    "ChannelKind",
    "ChannelNotice",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "DigestFrequency",
    "DigestRun",
    "HistoryImport",
    "Incident",
    "IncidentEvent",
    "IncidentEventKind",
    "IncidentKey",
    "IncidentState",
    "MaintenanceWindow",
    "Message",
    "Mute",
    "OutsideHeartbeat",
    "SenderHeartbeat",
    "Severity",
    "WindowRecurrence",
]
