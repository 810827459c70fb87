"""The incident list's filters and page in the address: a link is a saved view."""

import re

from freddy_admin.alerts.incidents.selectors import IncidentFilters
from freddy_admin.alerts.models import IncidentState, Severity
from freddy_admin.web.query_params import (
    QueryParams,
    choice_param,
    flag_param,
    page_param,
    parsed_param,
    pattern_param,
)

UNRESOLVED, ALL_STATES = "unresolved", "all"
_SLUG_PATTERN = re.compile(r"[a-z0-9_-]{1,140}", re.IGNORECASE | re.ASCII)
_STATE_BY_WORD = {ALL_STATES: "", UNRESOLVED: UNRESOLVED} | {
    state.value: state.value for state in IncidentState
}
INCIDENT_PARAMS = QueryParams(
    IncidentFilters,
    state=parsed_param(
        "state", _STATE_BY_WORD.get, default=UNRESOLVED, format_=lambda state: state or ALL_STATES
    ),
    severity=choice_param("severity", Severity),
    organisation_slug=pattern_param("organisation", _SLUG_PATTERN.fullmatch),
    assigned_to_me=flag_param("mine"),
    page=page_param(largest=100_000),
)
