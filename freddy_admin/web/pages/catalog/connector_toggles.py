"""Connectors that were switched from the panel: pending, finished, and still off."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from django.urls import reverse

from freddy_admin.organisations.access import Access, actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.sync.operations.selectors import switch_operation_list
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.htmx import values_digest
from freddy_admin.wording.operations import (
    OPERATION_STYLES,
    toggle_announcement,
    toggle_notes,
    toggle_sentence,
)
from freddy_admin.wording.sentences import render_html
from freddy_admin.wording.times import UserTime

# So many operations are searched for connectors that are still off; so many are shown.
OPERATIONS_SEARCHED_LIMIT, TOGGLES_SHOWN_LIMIT = 100, 20
RECENT_FOR = timedelta(minutes=5)
FAST_POLL_FOR = timedelta(seconds=60)


def toggle_operations(access: Access, key: ApiKey) -> list[RemoteOperation]:
    """The switch operations requested with this key, the latest first."""
    return switch_operation_list(
        organisation=access.organisation, key_id=key.pk, limit=OPERATIONS_SEARCHED_LIMIT
    )


def connector_toggle_path_if_allowed(access: Access, key: ApiKey) -> str:
    """Where connectors are switched; empty for who may not, and while the key is paused."""
    if not access.allows(Permission.SWITCH_CONNECTORS) or key.paused_at is not None:
        return ""
    return reverse("connector_switch", args=[access.organisation.slug, key.pk])


def toggles_digest(operations: Sequence[RemoteOperation], user_time: UserTime) -> str:
    """What of the operations changes the page, without looking at the catalog."""
    return values_digest(
        [
            (
                operation.pk,
                operation.state,
                _is_recent(operation, user_time),
                _polls_fast(operation, user_time),
            )
            for operation in operations
        ]
    )


def switching_tool_keys(operations: Sequence[RemoteOperation]) -> frozenset[str]:
    """The connectors that are being switched."""
    return frozenset(
        operation.tool_key for operation in operations if operation.state in UNFINISHED_STATES
    )


def connector_toggle_rows(
    operations: Sequence[RemoteOperation],
    user_time: UserTime,
    *,
    listed: Collection[str],
    permissions: Collection[Permission],
) -> list[dict[str, Any]]:
    """The latest operations, and those whose connector is still off, however old.

    `listed` are the tool keys in the catalog, `permissions` what the user may do in the
    organisation.
    """
    latest: dict[str, RemoteOperation] = {}
    for operation in operations:
        latest.setdefault(operation.tool_key, operation)
    off = _tool_keys_still_off(operations, listed)
    rows = []
    for number, operation in enumerate(operations):
        is_latest = latest[operation.tool_key] is operation
        is_still_off = is_latest and operation.tool_key in off
        if number >= TOGGLES_SHOWN_LIMIT and not is_still_off:
            continue
        tone, icon = OPERATION_STYLES[OperationState(operation.state)]
        requested_by = actor_display_name(operation.requested_by, permissions)
        rows.append(
            {
                "operation": operation,
                "words": render_html(
                    toggle_sentence(operation, requested_by=requested_by), user_time
                ),
                "note": render_html(toggle_notes(operation), user_time),
                "tone": tone,
                "icon": icon,
                "is_pending": operation.state in UNFINISHED_STATES,
                "polls_fast": _polls_fast(operation, user_time),
                # Only the latest operation on a connector is announced.
                "is_recent": is_latest and _is_recent(operation, user_time),
                "is_still_off": is_still_off,
                "announcement": toggle_announcement(operation),
            }
        )
    return rows


def _tool_keys_still_off(
    operations: Sequence[RemoteOperation], listed: Collection[str]
) -> frozenset[str]:
    """The connectors that were switched off last, are not listed and are not being switched."""
    enabled: dict[str, bool] = {}
    for operation in operations:
        if operation.state in {OperationState.DONE, OperationState.UNCLEAR}:
            enabled.setdefault(operation.tool_key, operation.enable)
    off = {tool_key for tool_key, is_enabled in enabled.items() if not is_enabled}
    return frozenset(off - switching_tool_keys(operations) - set(listed))


def _is_recent(operation: RemoteOperation, user_time: UserTime) -> bool:
    """Whether the operation is announced above the catalog, too."""
    if operation.state in UNFINISHED_STATES:
        return True
    return operation.finished_at is not None and user_time.now - operation.finished_at < RECENT_FOR


def _polls_fast(operation: RemoteOperation, user_time: UserTime) -> bool:
    return (
        operation.state in UNFINISHED_STATES
        and user_time.now - operation.requested_at < FAST_POLL_FOR
    )
