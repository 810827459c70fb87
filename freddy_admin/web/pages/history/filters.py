"""The time windows of histories, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from freddy_admin.sync.history.timeline import EVENT_GROUPS, TimelineFilters


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A window; `word` stands in the address, `share_text` says how much of it was on time."""

    word: str
    length: timedelta
    name: str | Promise
    short: str | Promise
    share_text: str | Promise


DAY_WINDOW = TimeWindow(
    word="day",
    length=timedelta(days=1),
    name=_("Last 24 hours"),
    short=_("24 hours"),
    share_text=_("{on_time} on time, measured {measured} of the day"),
)
WEEK_WINDOW = TimeWindow(
    word="week",
    length=timedelta(days=7),
    name=_("Last 7 days"),
    short=_("7 days"),
    share_text=_("{on_time} on time, measured {measured} of the week"),
)
MONTH_WINDOW = TimeWindow(
    word="month",
    length=timedelta(days=30),
    name=_("Last 30 days"),
    short=_("30 days"),
    share_text=_("{on_time} on time, measured {measured} of the 30 days"),
)
TIME_WINDOWS = (DAY_WINDOW, WEEK_WINDOW, MONTH_WINDOW)


def time_window_get(word: str) -> TimeWindow:
    """The window with this word; the month for any other."""
    return next((window for window in TIME_WINDOWS if window.word == word), MONTH_WINDOW)


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
