"""Connectors that were switched from the panel: pending, finished, and still off."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from django.utils.safestring import SafeString

from freddy_admin.organisations.person_display_names import actor_display_name
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.models import OperationState, RemoteOperation
from freddy_admin.sync.models.operations import UNFINISHED_STATES
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.catalog.connectors import connector_toggle_url
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


@dataclass(frozen=True, slots=True)
class ConnectorToggleRow:
    """One switch operation; `switch_on_url` leads to switching the connector on again."""

    anchor: str
    name: str
    words: SafeString
    note: SafeString
    tone: str
    icon: str
    pending: bool
    polls_fast: bool
    is_recent: bool
    switch_on_url: str
    announcement: str


@dataclass(frozen=True, slots=True)
class ConnectorToggles:
    """Switch operations, the latest first; `tool_keys` are the connectors being switched."""

    operations: Sequence[RemoteOperation]
    tool_keys: frozenset[str]
    digest: str


def connector_toggles_from_operations(
    operations: Sequence[RemoteOperation], user_time: UserTime
) -> ConnectorToggles:
    """The operations with their digest, which is enough to answer "nothing changed"."""
    return ConnectorToggles(
        operations=operations,
        tool_keys=frozenset(
            operation.tool_key for operation in operations if operation.state in UNFINISHED_STATES
        ),
        digest=values_digest(
            [
                (
                    operation.pk,
                    operation.state,
                    _is_recent(operation, user_time),
                    _polls_fast(operation, user_time),
                )
                for operation in operations
            ]
        ),
    )


def connector_toggle_rows(
    toggles: ConnectorToggles,
    user_time: UserTime,
    *,
    path: str,
    listed: Collection[str],
    permissions: Collection[Permission],
) -> list[ConnectorToggleRow]:
    """The latest operations, and those whose connector is still off, however old.

    `permissions` are what the user may do in the organisation.
    """
    off, latest = _operation_ids_still_off(toggles, listed), _latest_operation_by_tool(toggles)
    shown = [
        row
        for number, row in enumerate(toggles.operations)
        if number < TOGGLES_SHOWN_LIMIT or row.pk in off
    ]
    rows = [
        _connector_toggle_row(row, user_time, path if row.pk in off else "", permissions)
        for row in shown
    ]
    # Only the latest operation on a connector is announced.
    last = {f"order-{row.pk}" for row in latest.values()}
    return [replace(row, is_recent=row.is_recent and row.anchor in last) for row in rows]


def _latest_operation_by_tool(toggles: ConnectorToggles) -> dict[str, RemoteOperation]:
    latest: dict[str, RemoteOperation] = {}
    for operation in toggles.operations:
        latest.setdefault(operation.tool_key, operation)
    return latest


def _operation_ids_still_off(toggles: ConnectorToggles, listed: Collection[str]) -> frozenset[int]:
    """Ids of the latest operation of each connector that was switched off and is not listed."""
    off_by_tool_key: dict[str, bool] = {}
    for operation in toggles.operations:
        if operation.state in {OperationState.DONE, OperationState.UNCLEAR}:
            off_by_tool_key.setdefault(operation.tool_key, not operation.enable)
    off_tool_keys = (
        {key for key in off_by_tool_key if off_by_tool_key[key]} - toggles.tool_keys - set(listed)
    )
    return frozenset(
        operation.pk
        for key, operation in _latest_operation_by_tool(toggles).items()
        if key in off_tool_keys
    )


def _connector_toggle_row(
    operation: RemoteOperation, user_time: UserTime, path: str, permissions: Collection[Permission]
) -> ConnectorToggleRow:
    state = OperationState(operation.state)
    tone, icon = OPERATION_STYLES[state]
    requested_by = actor_display_name(operation.requested_by, permissions)
    return ConnectorToggleRow(
        anchor=f"order-{operation.pk}",
        name=operation.tool_name or operation.tool_key,
        words=render_html(toggle_sentence(operation, requested_by=requested_by), user_time),
        note=render_html(toggle_notes(operation), user_time),
        tone=tone,
        icon=icon,
        pending=state in UNFINISHED_STATES,
        polls_fast=_polls_fast(operation, user_time),
        is_recent=_is_recent(operation, user_time),
        switch_on_url=connector_toggle_url(path, operation.tool_key, enable=True),
        announcement=str(toggle_announcement(operation)),
    )


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
