"""Tells the rooms above how the health of keys changed, inside the transaction of the change."""

from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal

from freddy_admin.sync.health_states import HealthState

# Sent with `changes: list[HealthChange]` and `now: datetime`, and only where a state changed. What
# a receiver writes is committed together with the change, or not at all.
health_changed = Signal()


@dataclass(frozen=True, slots=True)
class HealthChange:
    """How the state of one key changed, in the order in which it was observed.

    A state of None is that of a key that is not watched: not yet, or not any more.
    """

    organisation_id: int
    key_id: int
    state_before: HealthState | None
    state_after: HealthState | None
    at: datetime  # from when on the history shows it
    true_since: datetime  # the same, or before it: hidden behind an unknown span
    noticed_at: datetime
    state_rule: int = 0  # the line of the health rule
    # Of the latest check where it failed or was refused.
    error_kind: str = ""
    error_code: str = ""
    error_http_status: int | None = None
    failing_since: datetime | None = None
    # Equal ones of one organisation report the same sync; see `SyncStatus`.
    figures_digest: str = ""
    previous_figures_digest: str = ""
    figures_check_count: int = 0
