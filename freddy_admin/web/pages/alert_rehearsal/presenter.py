"""The rehearsal: a sentence, and each recipient with the messages they would have got."""

from typing import Any

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import DeliveryKind
from freddy_admin.alerts.rehearsal.replay import RehearsedMessage
from freddy_admin.alerts.rehearsal.selectors import (
    REHEARSED_DAYS,
    Rehearsal,
    RehearsedRecipient,
)
from freddy_admin.organisations.access import person_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.wording.channels import KIND_ICONS
from freddy_admin.wording.rehearsal import (
    HOW_IT_IS_MADE,
    MORE_MESSAGES,
    organisations_named,
    rehearsal_count,
    rehearsal_kind_count,
    rehearsal_message,
    rehearsal_summary,
)
from freddy_admin.wording.sentences import render_text, say_counted
from freddy_admin.wording.times import UserTime

RECIPIENTS_SHOWN = 100
MESSAGES_SHOWN = 50
# Whoever sees others than themselves manages their organisation, and so sees addresses.
_MANAGER_PERMISSIONS = frozenset(Permission)


def rehearsal_context(rehearsal: Rehearsal, user: User, user_time: UserTime) -> dict[str, Any]:
    """The page; the person themselves comes first."""
    own = next((r for r in rehearsal.recipients if r.user == user), None)
    others = [r for r in rehearsal.recipients if r is not own]
    summary = rehearsal_summary(
        own=len(own.messages) if own else 0,
        total=rehearsal.message_count,
        incidents=rehearsal.incident_count,
        days=REHEARSED_DAYS,
        shows_others=bool(others),
    )
    shown = [*([own] if own else []), *others[:RECIPIENTS_SHOWN]]
    return {
        "summary": render_text(summary),
        "how": HOW_IT_IS_MADE,
        "recipients": [_recipient(r, rehearsal, user_time, is_own=r is own) for r in shown],
        "more_recipients": max(0, len(others) - RECIPIENTS_SHOWN),
    }


def _recipient(
    recipient: RehearsedRecipient, rehearsal: Rehearsal, user_time: UserTime, *, is_own: bool
) -> dict[str, Any]:
    messages = recipient.messages[::-1]
    counts = [(kind, recipient.count(kind)) for kind in DeliveryKind]
    more = len(messages) - MESSAGES_SHOWN
    return {
        "name": _name(recipient),
        "is_own": is_own,
        "icon": KIND_ICONS[recipient.channel.kind] if recipient.channel else "user",
        "count": render_text([rehearsal_count(len(messages))]),
        "kinds": [
            render_text([rehearsal_kind_count(kind.value, count)])
            for kind, count in counts
            if count
        ],
        "messages": [
            _message(message, rehearsal, user_time) for message in messages[:MESSAGES_SHOWN]
        ],
        "more": render_text([say_counted(MORE_MESSAGES, more)]) if more > 0 else "",
    }


def _name(recipient: RehearsedRecipient) -> str:
    user, channel = recipient.user, recipient.channel
    if user is not None:
        return person_display_name(user.name, user.email, _MANAGER_PERMISSIONS)
    assert channel is not None  # noqa: S101  a recipient is a person or a channel
    kind = str(channel.get_kind_display())
    return f"{channel.name} ({kind})" if channel.name else kind


def _message(
    message: RehearsedMessage, rehearsal: Rehearsal, user_time: UserTime
) -> dict[str, Any]:
    names = sorted(
        {rehearsal.organisation_names[i.organisation_id] for i in message.incidents},
        key=str.casefold,
    )
    return {
        "at": user_time.render_clock(message.at),
        "words": render_text(
            [rehearsal_message(message.kind.value, incidents=len(message.incidents))]
        ),
        "organisations": render_text([organisations_named(names)]),
    }
