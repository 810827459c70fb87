"""A column of the key lists that says which incident is open: the room of the alerts fills it."""

from collections.abc import Callable
from typing import Any

from django.db.models import Case, Expression, JSONField, Q, Value, When
from django.db.models.expressions import Combinable

from freddy_admin.sync.health_states import STATES_NEEDING_ACTION

_builders: list[Callable[[], Expression | Combinable]] = []


def incident_column_register(build: Callable[[], Any]) -> None:
    """Register what gives the open incident of a `SyncStatus` row as JSON; when Django starts."""
    _builders[:] = [build]


def incident_column(*, needing_action_only: bool) -> Any:
    """The open incident of each row; where asked for, of those alone that need somebody.

    Lists show it beside such rows alone, and a page of fifty is sorted out of ten thousand: for
    all others nothing is looked up.
    """
    nothing = Value(None, output_field=JSONField())
    if not _builders:
        return nothing
    incident = _builders[0]()
    if not needing_action_only:
        return incident
    needs_action = Q(state__in=STATES_NEEDING_ACTION)
    return Case(When(needs_action, then=incident), default=nothing, output_field=JSONField())
