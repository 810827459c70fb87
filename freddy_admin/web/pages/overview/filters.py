"""The overview's search, filters, sort and page in the address: a link is a saved view."""

import re

from freddy_admin.conf.api_environments import ENVIRONMENT_PATTERN
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST
from freddy_admin.sync.status.moves import OTHERS_MOVE, OWN_MOVE
from freddy_admin.sync.status.queries import NO_OWNER, OverviewFilters
from freddy_admin.sync.status.selectors import OVERVIEW_SORTS, PAGE_SIZE, PAGE_SIZES
from freddy_admin.web.query_params import (
    QueryParams,
    choice_param,
    choices_param,
    flag_param,
    number_param,
    page_param,
    parsed_param,
    pattern_param,
    place_param,
    text_param,
)

# The states that need action share one value, and so do the keys without an owner.
NEEDS_YOU_VALUE = "needs_you"
NO_OWNER_VALUE = "none"

_REFUSAL_PATTERN = re.compile(r"40[13]( [!-~]{1,64})?", re.ASCII)
_DIGEST_PATTERN = re.compile(r"[0-9a-f]{16}")
STATE_PARAM = choices_param("state", STATES_WORST_FIRST, {NEEDS_YOU_VALUE: STATES_NEEDING_ACTION})
OVERVIEW_PARAMS = QueryParams(
    OverviewFilters,
    states=STATE_PARAM,
    move=choice_param("move", (OWN_MOVE, OTHERS_MOVE)),
    q=text_param("q"),
    tag=text_param("tag"),
    owner=number_param("owner", words={NO_OWNER_VALUE: NO_OWNER}),
    environment=pattern_param("environment", ENVIRONMENT_PATTERN.fullmatch),
    expiring=flag_param("expiring"),
    refused=pattern_param("refused", _REFUSAL_PATTERN.fullmatch),
    refused_at=text_param("refused_at"),
    figures_digest=pattern_param("same", _DIGEST_PATTERN.fullmatch),
    sort=choice_param(
        "sort",
        [*OVERVIEW_SORTS, *(f"-{sort}" for sort in OVERVIEW_SORTS)],
        default="state",
        is_filter=False,
    ),
    page_size=parsed_param(
        "rows",
        {str(size): size for size in PAGE_SIZES}.get,
        default=PAGE_SIZE,
        is_filter=False,
    ),
    page=page_param(largest=100_000),
    place=place_param("before", "after"),
)
