"""The history in the address: how far the charts go back, and which events are shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from django.http import QueryDict

from freddy_admin.sync.history.timeline import EVENT_GROUPS, TimelineFilters
from freddy_admin.web.presenters.history.time_windows import MONTH_WINDOW, time_window_get

PAGE_LIMIT = 10_000
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """The parameters of the history; `other_params` is the rest of the query string."""

    path: str
    other_params: str
    window: str
    filters: TimelineFilters
    is_key_page: bool = False  # the page is that of one key: `key_id` is no filter

    @property
    def is_narrowed(self) -> bool:
        """Whether less is asked for than all events, the newest first."""
        chosen = self.filters.key_id is not None and not self.is_key_page
        return bool(self.filters.group or chosen or self.filters.page > 1)

    def build_url(self, part: str, **changes: str | int) -> str:
        """The URL of a part of this page (its anchor) with these changes."""
        query_params = [*parse_qsl(self.other_params), *self._query_params(changes)]
        query = f"?{urlencode(query_params)}" if query_params else ""
        return f"{self.path}{query}#{part}"

    def hidden_fields(self, *without: str) -> list[tuple[str, str]]:
        """Names and values for a form's hidden fields, but for those it asks for itself."""
        query_params = [*parse_qsl(self.other_params), *self._query_params({})]
        return [(name, value) for name, value in query_params if name not in without]

    def _query_params(self, changes: Mapping[str, str | int]) -> list[tuple[str, str]]:
        values: dict[str, str | int | None] = {
            "over": self.window,
            "show": self.filters.group,
            "key": None if self.is_key_page else self.filters.key_id,
            "events": self.filters.page,
        }
        values |= changes
        defaults = {"over": MONTH_WINDOW.word, "events": 1}
        return [
            (name, str(value))
            for name, value in values.items()
            if value and value != defaults.get(name)
        ]


def parse_history_query(
    values: QueryDict, path: str, *, key_id: int | None = None, other_params: str = ""
) -> HistoryQuery:
    """The query in the address, invalid values ignored; with `key_id` that of one key's page."""
    group = values.get("show", "")
    filters = TimelineFilters(
        group=group if group in EVENT_GROUPS else "",
        key_id=key_id or _parse_positive_int(values.get("key", ""), _LARGEST_ID),
        page=_parse_positive_int(values.get("events", ""), PAGE_LIMIT) or 1,
    )
    window = time_window_get(values.get("over", "")).word
    return HistoryQuery(path, other_params, window, filters, is_key_page=key_id is not None)


def _parse_positive_int(value: str, largest: int) -> int | None:
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return None
    return number if 0 < (number := int(value)) <= largest else None
