"""What each health state means for incidents."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from freddy_admin.alerts.models import Severity
from freddy_admin.sync.health_states import STATE_RANK, STATES_NEEDING_ACTION, HealthState

# Unknown: checks fail, or the master key does not fit. Other states open nothing.
_SEVERITIES: Mapping[HealthState, Severity] = MappingProxyType(
    dict.fromkeys(STATES_NEEDING_ACTION, Severity.ACTION_NEEDED)
    | {HealthState.UNKNOWN: Severity.WARNING}
)
_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}


def state_severity(state: str | None) -> Severity | None:
    """How severe an incident of a key in this state is; None where the state opens none."""
    return _SEVERITIES.get(HealthState(state)) if state else None


def worst_state(states: Iterable[str]) -> HealthState:
    """The worst of these states, of which there is one at least."""
    return min((HealthState(state) for state in states), key=STATE_RANK.__getitem__)


def is_worse(severity: str, than: str) -> bool:
    """Whether the first severity asks for more than the second."""
    return _SEVERITY_RANK[Severity(severity)] < _SEVERITY_RANK[Severity(than)]
