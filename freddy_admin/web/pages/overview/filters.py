"""The overview's search, filters, sort and page in the address: a link is a saved view."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.status.selectors import OVERVIEW_SORTS
from freddy_admin.sync.status.types import NO_OWNER, OverviewFilters

NEEDS_YOU_VALUE = "needs_you"
NO_OWNER_VALUE = "none"
TEXT_LIMIT = 100
PAGE_LIMIT = 100_000
_DIGEST_PATTERN = re.compile(r"[0-9a-f]{16}")


def parse_overview_filters(query: QueryDict) -> OverviewFilters:
    """The filters in the address; values that are not offered are ignored."""
    return OverviewFilters(
        q=_clean_text(query.get("q", "")),
        states=_parse_states(query.getlist("state")),
        tag=_clean_text(query.get("tag", "")),
        owner=_parse_owner(query.get("owner", "")),
        sort=_parse_sort(query.get("sort", "")),
        page=_parse_positive_int(query.get("page", ""), PAGE_LIMIT) or 1,
        figures_digest=_parse_digest(query.get("same", "")),
        expiring=query.get("expiring") == "1",
    )


def overview_url(filters: OverviewFilters, path: str = "", **changes: Any) -> str:
    """The URL of these filters with changes; any change leads back to the first page."""
    if changes and "page" not in changes:
        changes["page"] = 1
    changed_filters = replace(filters, **changes)
    query = urlencode(_query_params(changed_filters))
    return f"{path}?{query}" if query else path


def saved_view_query_from_filters(filters: OverviewFilters) -> str:
    """What a saved view holds: search, filters and sort, written anew and without a “?”.

    Without the page, and without `same`: which keys report the same passes with the next sync.
    """
    return overview_url(filters, figures_digest="").removeprefix("?")


def clean_saved_view_query(query: str) -> str:
    """The query of a saved view from one that a browser sent: parsed and written anew."""
    return saved_view_query_from_filters(parse_overview_filters(QueryDict(query)))


def is_narrowed(filters: OverviewFilters) -> bool:
    """Whether something is searched or filtered."""
    chosen = (filters.q, filters.states, filters.tag, filters.figures_digest, filters.expiring)
    return any(chosen) or filters.owner is not None


def _query_params(filters: OverviewFilters) -> list[tuple[str, str]]:
    values: Mapping[str, str] = {
        "q": filters.q,
        "tag": filters.tag,
        "owner": owner_query_value(filters.owner),
        "expiring": "1" if filters.expiring else "",
        "same": filters.figures_digest,
        "sort": "" if filters.sort == "state" else filters.sort,
        "page": "" if filters.page == 1 else str(filters.page),
    }
    query_params = [(name, value) for name, value in values.items() if value]
    return [*(("state", value) for value in state_query_values(filters.states)), *query_params]


def state_query_values(states: tuple[HealthState, ...]) -> list[str]:
    """The values of `state` in the address; the five that need action share one value."""
    if set(states) == STATES_NEEDING_ACTION:
        return [NEEDS_YOU_VALUE]
    return [state.value for state in states]


def owner_query_value(owner: int | None) -> str:
    """The value of `owner` in the address; `NO_OWNER_VALUE` for keys without an owner."""
    return NO_OWNER_VALUE if owner == NO_OWNER else str(owner or "")


def _parse_owner(value: str) -> int | None:
    return NO_OWNER if value == NO_OWNER_VALUE else _parse_positive_int(value, 2**63 - 1)


def _parse_states(values: list[str]) -> tuple[HealthState, ...]:
    states: set[HealthState] = set()
    for value in values[: len(HealthState) + 1]:
        if value == NEEDS_YOU_VALUE:
            states |= STATES_NEEDING_ACTION
        elif value in HealthState.values:
            states.add(HealthState(value))
    return tuple(state for state in HealthState if state in states)


def _clean_text(value: str) -> str:
    # What no database can search for (NUL, lone surrogates) is left out, not an error.
    return "".join(character for character in value if character.isprintable()).strip()[:TEXT_LIMIT]


def _parse_digest(value: str) -> str:
    return value if _DIGEST_PATTERN.fullmatch(value) else ""


def _parse_positive_int(value: str, largest: int) -> int | None:
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return None
    return number if 0 < (number := int(value)) <= largest else None


def _parse_sort(value: str) -> str:
    return value if value.removeprefix("-") in OVERVIEW_SORTS else "state"
