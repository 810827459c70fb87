"""A channel in words: how it is, what it last answered, which secrets sign."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from freddy_admin.alerts.channels.selectors import (
    ChannelHealth,
    channel_address_set_at,
    channel_health,
    channel_signing_secrets_list,
)
from freddy_admin.alerts.channels.test_steps import ChannelTest
from freddy_admin.alerts.models import Channel, ChannelKind
from freddy_admin.organisations.access import actor_display_name
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission
from freddy_admin.web.components import StatePill
from freddy_admin.wording.channels import (
    ANSWER_NOTES,
    CHANNEL_HEALTH,
    KIND_ICONS,
    TEST_STEP_LABELS,
    TEST_STEP_STYLES,
    channel_failure_sentence,
    switched_off_by_sentence,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.times import UserTime

# Only managers see channels, who see people's addresses.
_MANAGER_PERMISSIONS = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class ChannelUrls:
    """The addresses of one owner's channels: an organisation's, or where it is None the panel's."""

    organisation: Organisation | None

    def to(self, action: str, *args: object) -> str:
        """The address of `create`, `kind` or, with a channel's id, of what is done with it."""
        if self.organisation is None:
            return reverse(f"fleet_channel{action and f'_{action}'}", args=args)
        name = f"alert_channel{action and f'_{action}'}"
        return reverse(name, args=[self.organisation.slug, *args])


def channel_pill(channel: Channel) -> StatePill:
    """How the channel is, as a pill."""
    health = channel_health(channel)
    tone, word, icon = CHANNEL_HEALTH[health]
    return StatePill(value=health.value, word=str(word), tone=tone, icon=icon)


def channel_row(channel: Channel, user_time: UserTime) -> dict[str, Any]:
    """A channel in the list."""
    answered_at = channel.answered_at
    return {
        "channel": channel,
        "pill": channel_pill(channel),
        "kind": channel.get_kind_display(),
        "icon": KIND_ICONS[channel.kind],
        "url": ChannelUrls(channel.organisation).to("", channel.pk),
        "answered": answered_at and user_time.render_relative_cell(answered_at),
        "answer": channel_answer_text(channel),
    }


def channel_answer_text(channel: Channel) -> str:
    """What the other side last said: its status and its words, which are shown as text alone."""
    status = str(channel.answer_status) if channel.answer_status is not None else ""
    return " · ".join(part for part in (status, channel.answer) if part)


def channel_context(channel: Channel, user_time: UserTime) -> dict[str, Any]:
    """What the page of a channel shows."""
    urls = ChannelUrls(channel.organisation)
    address_set_at = channel_address_set_at(channel=channel)
    return {
        "channel": channel,
        "organisation": channel.organisation,
        "urls": {
            name: urls.to(name, channel.pk)
            for name in (
                *("rename", "address", "secret", "former_end", "enable", "disable"),
                *("delete", "test"),
            )
        },
        "pill": channel_pill(channel),
        "kind": channel.get_kind_display(),
        "icon": KIND_ICONS[channel.kind],
        "problem": _problem(channel),
        "is_off": channel.disabled_at is not None,
        "off_since": channel.disabled_at and user_time.render_ago(channel.disabled_at),
        "off_by": render_text(switched_off_by_sentence(_name(channel.disabled_by))),
        "failing_since": channel.failing_since and user_time.render_ago(channel.failing_since),
        "answered": channel.answered_at and user_time.render_ago(channel.answered_at),
        "answer": channel_answer_text(channel),
        "answer_note": ANSWER_NOTES.get(channel.kind, ""),
        "succeeded": channel.succeeded_at and user_time.render_ago(channel.succeeded_at),
        "address_set": address_set_at and user_time.render_ago(address_set_at),
        "created_by": _name(channel.created_by),
        "is_signed": channel.kind == ChannelKind.WEBHOOK,
        "secrets": _secret_rows(channel, user_time),
    }


def _problem(channel: Channel) -> str:
    """Why it takes nothing, and what to do; "" where nothing is wrong."""
    health = channel_health(channel)
    if health is ChannelHealth.REFUSED:
        return render_text(channel_failure_sentence(channel.kind, channel.disabled_reason))
    if health is ChannelHealth.FAILING:
        return render_text(channel_failure_sentence(channel.kind, channel.failure))
    return ""


def _secret_rows(channel: Channel, user_time: UserTime) -> list[dict[str, Any]]:
    return [
        {
            "version": secret.version,
            "created": user_time.render_ago(secret.created_at),
            "by": _name(secret.created_by),
            "until": secret.valid_until and user_time.render_clock(secret.valid_until),
        }
        for secret in channel_signing_secrets_list(channel=channel, now=user_time.now)
    ]


def _name(actor_name: str) -> str:
    return actor_display_name(actor_name, _MANAGER_PERMISSIONS)


def channel_test_context(test: ChannelTest, user_time: UserTime) -> dict[str, Any]:
    """The latest test of a channel, step by step."""
    steps = []
    for step in test.steps:
        tone, icon = TEST_STEP_STYLES[step.state]
        steps.append(
            {
                "label": TEST_STEP_LABELS[step.name],
                "tone": tone,
                "icon": icon,
                "words": render_html(step.sentences, user_time),
            }
        )
    return {
        "steps": steps,
        "started": user_time.render_ago(test.started_at),
        "is_finished": test.is_finished,
    }
