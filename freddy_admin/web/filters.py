"""The overview's search, filters, sort and page in the address: a link is a saved view."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from freddy_admin.sync.rows import NOBODY, Filters
from freddy_admin.sync.selectors import SORTS
from freddy_admin.sync.states import NEEDS_YOU, State

NEEDS = "needs_you"
NO_OWNER = "none"
LONGEST = 100
PAGE_LIMIT = 100_000
_MARK = re.compile(r"[0-9a-f]{16}")


def filters_from(query: QueryDict) -> Filters:
    """What the address asks for; values that are not offered are ignored."""
    return Filters(
        q=_text(query.get("q", "")),
        states=_states(query.getlist("state")),
        tag=_text(query.get("tag", "")),
        owner=_owner(query.get("owner", "")),
        sort=_sort(query.get("sort", "")),
        page=_number(query.get("page", ""), PAGE_LIMIT) or 1,
        same=_mark(query.get("same", "")),
        expiring=query.get("expiring") == "1",
    )


def address(filters: Filters, path: str = "", **changes: Any) -> str:
    """The address of these filters with changes; any change leads back to the first page."""
    if changes and "page" not in changes:
        changes["page"] = 1
    wanted = replace(filters, **changes)
    query = urlencode(_pairs(wanted))
    return f"{path}?{query}" if query else path


def kept_address(filters: Filters) -> str:
    """What a saved view holds: search, filters and sort, written anew and without a “?”.

    Without the page, and without `same`: which keys report the same passes with the next sync.
    """
    return address(filters, same="").removeprefix("?")


def kept_query(query: str) -> str:
    """The same of an address that was sent; nothing of what was sent is believed."""
    return kept_address(filters_from(QueryDict(query)))


def is_narrowed(filters: Filters) -> bool:
    """Whether something is searched or filtered."""
    chosen = (filters.q, filters.states, filters.tag, filters.same, filters.expiring)
    return any(chosen) or filters.owner is not None


def _pairs(filters: Filters) -> list[tuple[str, str]]:
    values: Mapping[str, str] = {
        "q": filters.q,
        "tag": filters.tag,
        "owner": owner_value(filters.owner),
        "expiring": "1" if filters.expiring else "",
        "same": filters.same,
        "sort": "" if filters.sort == "state" else filters.sort,
        "page": "" if filters.page == 1 else str(filters.page),
    }
    pairs = [(name, value) for name, value in values.items() if value]
    return [*(("state", value) for value in state_values(filters.states)), *pairs]


def state_values(states: tuple[State, ...]) -> list[str]:
    """The words of the address; the five that need somebody have one word together."""
    if set(states) == NEEDS_YOU:
        return [NEEDS]
    return [state.value for state in states]


def owner_value(owner: int | None) -> str:
    """The word of the address; a word of its own for keys that nobody looks after."""
    return NO_OWNER if owner == NOBODY else str(owner or "")


def _owner(value: str) -> int | None:
    return NOBODY if value == NO_OWNER else _number(value, 2**63 - 1)


def _states(values: list[str]) -> tuple[State, ...]:
    wanted: set[State] = set()
    for value in values[: len(State) + 1]:
        if value == NEEDS:
            wanted |= NEEDS_YOU
        elif value in State.values:
            wanted.add(State(value))
    return tuple(state for state in State if state in wanted)


def _text(value: str) -> str:
    # What no database can look for (NUL, lone surrogates) is left out, not an error.
    return "".join(sign for sign in value if sign.isprintable()).strip()[:LONGEST]


def _mark(value: str) -> str:
    return value if _MARK.fullmatch(value) else ""


def _number(value: str, most: int) -> int | None:
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return None
    return number if 0 < (number := int(value)) <= most else None


def _sort(value: str) -> str:
    return value if value.removeprefix("-") in SORTS else "state"
