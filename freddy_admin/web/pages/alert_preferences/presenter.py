"""A person's mails, and what is wrong with their address, in words."""

from collections.abc import Iterable
from typing import Any

from freddy_admin.alerts.models import Channel, Message
from freddy_admin.alerts.rules.person_rules import PersonRule
from freddy_admin.wording.alert_deliveries import (
    DELIVERY_TONES,
    channel_condition,
    message_outcome,
)
from freddy_admin.wording.alert_subscriptions import subscription_sentence
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.states import QUIET
from freddy_admin.wording.times import UserTime


def subscription_lines(rules: Iterable[PersonRule], user_time: UserTime) -> list[str]:
    """What the rules send to the person, a line for each organisation."""
    return [
        render_html(
            subscription_sentence(
                rule.organisation_name, rule.severity, causes_only=rule.causes_only
            ),
            user_time,
        )
        for rule in rules
    ]


def message_row(message: Message, user_time: UserTime) -> dict[str, Any]:
    """One mail: its subject, or what it tells where none is written yet; what became of it."""
    tone, icon = DELIVERY_TONES.get(message.state, (QUIET, "circle-dashed"))
    subject = message.body.get("subject") if isinstance(message.body, dict) else None
    return {
        "subject": subject or message.get_kind_display(),
        "at": user_time.render_clock(message.finished_at or message.created_at),
        "tone": tone,
        "icon": icon,
        "outcome": render_html(message_outcome(message.state, reason=message.reason), user_time),
    }


def mail_problem(channel: Channel | None, user_time: UserTime) -> str:
    """What keeps mails from the person; "" for nothing."""
    if channel is None:
        return ""
    condition = channel_condition(
        disabled_reason=channel.disabled_reason,
        is_disabled=channel.disabled_at is not None,
        failing_since=channel.failing_since,
    )
    return render_html(condition, user_time)
