"""The button beside a state is the one that helps, for those who may press it."""

import pytest

from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission, Role
from freddy_admin.sync.health_states import HealthState
from freddy_admin.web.components import next_step_button
from tests.wording.key_rows import check_error, key_row

CHECK, SYNC = "Check now", "Start a sync"
# What a viewer, an operator and a manager are offered.
OFFERED: dict[HealthState, tuple[str | None, str | None, str | None]] = {
    HealthState.KEY_UNREADABLE: (None, None, "Paste the key again"),
    HealthState.KEY_REJECTED: (None, None, "Replace the key"),
    HealthState.KEY_NOT_PERMITTED: (None, None, "Replace the key"),
    HealthState.OVERDUE: (None, SYNC, SYNC),
    HealthState.NEVER_SYNCED: (None, SYNC, SYNC),
    HealthState.LATE: (None, CHECK, CHECK),
    HealthState.UNKNOWN: (None, CHECK, CHECK),
    HealthState.NO_SCHEDULE: (None, CHECK, CHECK),
    HealthState.NOT_CHECKED: (None, CHECK, CHECK),
    HealthState.WAITING: (None, CHECK, CHECK),
    HealthState.UP_TO_DATE: (None, None, None),
    HealthState.PAUSED: (None, None, "Resume"),
}


def _offered(role: Role, state: HealthState, code: str = "") -> str | None:
    error = check_error("key_not_permitted", code=code) if code else None
    button = next_step_button(key_row(state, error=error, permissions=ROLE_PERMISSIONS[role]))
    return button and button.label


@pytest.mark.parametrize("state", HealthState)
def test_each_role_is_offered_what_it_may_do(state: HealthState) -> None:
    roles = (Role.VIEWER, Role.OPERATOR, Role.MANAGER)
    assert tuple(_offered(role, state) for role in roles) == OFFERED[state]


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("INSUFFICIENT_PERMISSIONS", "Replace the key"),
        ("ORGANIZATION_ACCESS_DENIED", "Replace the key"),
        ("NO_ORGANIZATION_MEMBERSHIP", "Replace the key"),
        ("AMBIGUOUS_ORGANIZATION", "Replace the key"),
        ("OPERATION_NOT_ALLOWED", CHECK),
        ("A_NEW_CODE", CHECK),
    ],
)
def test_another_key_is_asked_for_only_where_it_would_help(code: str, label: str) -> None:
    assert _offered(Role.MANAGER, HealthState.KEY_NOT_PERMITTED, code) == label


def test_whoever_may_only_check_is_not_offered_a_sync() -> None:
    permissions = frozenset({Permission.VIEW, Permission.CHECK})
    button = next_step_button(key_row(HealthState.OVERDUE, permissions=permissions))
    assert button is not None
    assert button.label == CHECK
